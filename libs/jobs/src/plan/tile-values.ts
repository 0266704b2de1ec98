import { hashesKept, isSketch, type TileGroup, type TileTotal, type ViewRepresentation } from '@granary/aggregates';
import { emitBucket } from '@granary/compiler';
import { EVENT, identifier, type ElementType, type Source } from '@granary/contracts';

/** Assumed where only the data could say: the bytes of a text. */
export const TEXT_BYTES = 16;

/** Of each value of a hop: what `packCounts` takes for where it is and its count, which are small. */
const PAIR_BYTES = 3;

/** A total whose hops have lists of values. */
export interface ListTotal {
  /** Its position among the groups of tiles. */
  readonly group: number;
  readonly hopMs: number;
  readonly total: TileTotal;
}

export function listTotals({ tiles }: Pick<ViewRepresentation, 'tiles'>): readonly ListTotal[] {
  return tiles.flatMap(({ totals, hopMs }: TileGroup, group) => totals.flatMap((total) => (total.layout === 'each' ? [] : [{ group, hopMs, total }])));
}

/** Numbers of different values, and of different pairs of a hop and a value. */
export type ValueCounts = readonly [values: number, pairs: number];

/** SQL aggregates over a source's events: the `ValueCounts` of all entities together, in an array. Keys and conditions are SQL. */
export function emitValueCounts({ hopMs, total: { feature } }: ListTotal, source: Source, keys: string, condition: string): string {
  const { column, fn } = feature.aggregate;
  // What the source has no column of may be different in each event.
  if (!source.fields.some(({ name }) => name === column)) return `[countIf(${condition}), countIf(${condition})]`;
  // Of numbers that are rounded first what they are rounded to.
  const value = fn === 'approxPercentile' ? emitBucket(identifier(column!)) : identifier(column!);
  const hop = `intDiv(toUnixTimestamp64Milli(${identifier(EVENT.time)}), ${hopMs})`;
  return `[uniqIf(${keys}, ${value}, ${condition}), uniqIf(${keys}, ${hop}, ${value}, ${condition})]`;
}

/** What the values of an entity's hops take up in a total's columns, beside an element for each hop. */
export function valueBytes({ total }: ListTotal, [values, pairs]: ValueCounts): number {
  const [{ type }] = total.parts as [TileTotal['parts'][number]];
  if (type.kind !== 'array') throw new Error(`${total.feature.name} has no list`);
  if (isSketch(total)) return hashesKept(values) * elementBytes(type.of);
  return values * elementBytes(type.of) + (total.layout === 'counted' ? PAIR_BYTES * pairs : 0);
}

/** In an array; a text with where it ends. */
function elementBytes({ kind }: ElementType): number {
  switch (kind) {
    case 'bool':
      return 1;
    case 'enum':
      return 2;
    case 'int32':
    case 'float32':
      return 4;
    case 'string':
      return 4 + TEXT_BYTES;
    default:
      return 8;
  }
}
