import { eventColumns, type TileGroup, type ViewRepresentation } from '@granary/aggregates';
import { valueMap, type ElementType, type Feature, type FieldType, type Scalar, type Value, type VersionedView } from '@granary/contracts';
import { createStateCodec } from '@granary/online-store';
import { TEXT_BYTES } from './tile-values.js';

/** Assumed where only the data could say: how many values a list or map without a limit has. */
const VALUES = 32;

export interface OnlineSize {
  /** Of an entity that keeps no events, its key not counted. */
  readonly rowBytes: number;
  /** Of each event that it keeps. */
  readonly eventBytes: number;
  /** Of each hop that it keeps totals of, for each group of tiles; lists of values not counted (`valueBytes`). */
  readonly hopBytes: readonly number[];
}

/** What a view's values take up: exact for columns of fixed width, assumed for texts and lists without a limit. */
export function onlineSize(version: VersionedView['version'], representation: ViewRepresentation): OnlineSize {
  const codec = createStateCodec(representation, version);
  const sizeWith = (events: number, tiles: TileGroup | null = null): number => {
    const row = representation.row.map(({ type, holds }, at) => (holds.kind === 'tiles' ? typicalTiles(type, tiles, at) : typicalValue(type, holds.kind === 'part' ? holds.feature : undefined)));
    const log = eventColumns(representation.events, events);
    log.columns.forEach(({ values }, i) => {
      if (Array.isArray(values)) values.fill(typicalValue(representation.events.columns[i]!.type));
    });
    return codec.encodeBase({ sequence: 0, asOf: 0, row, log, tail: [] }).length;
  };
  const rowBytes = sizeWith(0);
  const hopBytes = representation.tiles.map((tiles) => sizeWith(0, tiles) - rowBytes);
  return { rowBytes, hopBytes, eventBytes: representation.retention.reachMs > 0 || representation.features.some(({ kept }) => kept === 'log') ? sizeWith(1) - rowBytes : 0 };
}

/** What stands for a hop in a column of the row; null: nothing. */
function hopElement({ startsAt, totals }: TileGroup, at: number, of: ElementType): Scalar | null {
  if (at === startsAt) return typicalElement(of);
  const total = totals.find((each) => at >= each.at && at < each.at + each.width);
  switch (total?.layout) {
    case undefined:
      return null;
    case 'each':
      return typicalElement(of);
    case 'newest':
      return at === total!.at ? 0 : null;
    case 'counted':
      return at === total!.at ? null : '';
  }
}

function typicalTiles(type: FieldType, tiles: TileGroup | null, at: number): Value {
  const element = tiles === null || type.kind !== 'array' ? null : hopElement(tiles, at, type.of);
  return element === null ? [] : [element];
}

function typicalValue(type: FieldType, feature?: Feature): Value {
  switch (type.kind) {
    case 'array':
      return new Array<Scalar>(feature?.aggregate.n ?? VALUES).fill(typicalElement(type.of));
    case 'map':
      return valueMap(Array.from({ length: VALUES }, (_, i) => [String(i).padEnd(TEXT_BYTES, 'x'), typicalElement(type.of)]));
    default:
      return typicalElement(type);
  }
}

function typicalElement(type: ElementType): Scalar {
  switch (type.kind) {
    case 'bool':
      return false;
    case 'int64':
      return 0n;
    case 'string':
      return 'x'.repeat(TEXT_BYTES);
    case 'enum':
      return type.values[0]!;
    default:
      return 0;
  }
}
