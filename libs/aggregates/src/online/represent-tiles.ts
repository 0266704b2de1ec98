import { named, takesHop, type Aggregate, type Feature, type FieldType } from '@granary/contracts';
import { partsOf, type Part } from '../parts.js';
import { ageRange, type AgeRange } from '../window.js';
import { placeOf, type EventPlace } from './event-place.js';
import type { EventSchema } from './event-schema.js';

/**
 * Totals hop by hop: of the settled events whose age at T is at least `ages.youngest`, each in the hop of its event time. Hops
 * before the far end of the longest window at T are not kept, nor those without an event.
 */
export interface TileGroup {
  readonly hopMs: number;
  /** Of the longest of its windows, which all have this hop and this near end. */
  readonly ages: AgeRange;
  /** The column of the row with the hops' beginnings in epoch ms, rising: an array. */
  readonly startsAt: number;
  /** In the order of their columns, which follow that one. */
  readonly totals: readonly TileTotal[];
}

/** What the events of each hop come to. */
export interface TileTotal {
  /** Over all of history, as `totalParts` needs it. */
  readonly feature: Feature;
  readonly place: EventPlace;
  readonly layout: TileLayout;
  /** Where nothing counts, their elements stand for null: `counts` is 0 there. */
  readonly parts: readonly Part[];
  /** The columns of the row with its parts: the first of them, and how many. */
  readonly at: number;
  readonly width: number;
  /** The column that says how many events count in each hop. */
  readonly countsAt: number;
}

/**
 * How the parts of hops stand in columns of the row, which are arrays.
 * - `each`: a column for each part, with an element for each hop.
 * - `newest`: the part is a list, and each of its values is kept in the newest hop that has it (`HopLists`).
 * - `counted`: the parts are values and how often each occurs (`HopCounts`).
 */
export type TileLayout = 'each' | 'newest' | 'counted';

/** What a window with a hop reads. */
export interface TiledFeature {
  readonly group: TileGroup;
  readonly total: TileTotal;
}

export function isTiled({ fn, window }: Aggregate): boolean {
  return window?.hopMs !== undefined && takesHop(fn);
}

/** A column of the row that holds an array. */
export interface TileColumn {
  readonly name: string;
  readonly of: Extract<FieldType, { kind: 'array' }>['of'];
}

export interface Tiles {
  readonly groups: readonly TileGroup[];
  readonly of: ReadonlyMap<Feature, TiledFeature>;
  /** They follow the first `from` columns of the row. */
  readonly columns: readonly TileColumn[];
}

/** Features whose hops and near ends are the same share the hops, and of the same events' totals that they have in common. */
export function representTiles(features: readonly Feature[], events: EventSchema, from: number): Tiles {
  const tiled = features.filter(({ aggregate }) => isTiled(aggregate));
  const columns: TileColumn[] = [];
  const of = new Map<Feature, TiledFeature>();
  const groups = [...grouped(tiled, groupKey).values()].map((members, g): TileGroup => {
    const name = `__tiles${g}`;
    const add = (column: TileColumn): number => from + columns.push(column) - 1;
    const startsAt = add({ name, of: { kind: 'float64' } });
    const totals = new Map<string, TileTotal>();
    const total = (feature: Feature): TileTotal => {
      const place = placeOf(events, feature.aggregate);
      const parts = partsOf(feature);
      const key = JSON.stringify([parts.map(({ role, type }) => [role, type]), place, feature.aggregate.halfLifeMs]);
      const known = totals.get(key);
      if (known !== undefined) return known;
      const layout = layoutOf(parts);
      const own = columnsOf(name, parts, layout);
      const [at] = own.map(add) as [number];
      const counts = parts.findIndex(({ role }) => role === 'count');
      const countsAt = counts >= 0 ? at + counts : total(countOf(feature, events, place)).at;
      const made = { feature, place, layout, parts, at, width: own.length, countsAt };
      totals.set(key, made);
      return made;
    };
    const read = members.map((feature) => [feature, total(totalRead(feature, events))] as const);
    const ranges = members.map(({ aggregate }) => ageRange(aggregate.window!)!);
    const ages = ranges.reduce((longest, each) => (each.oldest > longest.oldest ? each : longest));
    const group = { hopMs: ages.hopMs!, ages, startsAt, totals: [...totals.values()].sort((a, b) => a.at - b.at) };
    for (const [feature, own] of read) of.set(feature, { group, total: own });
    return group;
  });
  return { groups, of, columns };
}

function layoutOf([first]: readonly Part[]): TileLayout {
  if (first!.role === 'values' || first!.role === 'buckets') return 'counted';
  return first!.type.kind === 'array' ? 'newest' : 'each';
}

function columnsOf(group: string, parts: readonly Part[], layout: TileLayout): readonly TileColumn[] {
  const columns = parts.map(({ name, type }) => ({ name: `${group}_${name}`, of: (type.kind === 'array' ? type.of : type) as TileColumn['of'] }));
  const [first, second] = columns as [TileColumn, TileColumn?];
  switch (layout) {
    case 'each':
      return columns;
    case 'newest':
      return [{ name: `${first.name}__ends`, of: { kind: 'int32' } }, first];
    case 'counted':
      return [first, { name: second!.name, of: { kind: 'string' } }];
  }
}

/** Whether what the events of a hop come to is as many hashes as they have different values, up to a limit. */
export function isSketch({ parts }: Pick<TileTotal, 'parts'>): boolean {
  return parts[0]!.role === 'sketch';
}

/** How many hops one window holds at most. */
export function mostTiles({ youngest, oldest }: AgeRange, hopMs: number): number {
  return Math.ceil((oldest - youngest + 1) / hopMs);
}

/** The value that stands for a part which is null. */
export function fillerOf(part: Part): string | number | bigint {
  if (part.type.kind === 'string') return '';
  return part.type.kind === 'int64' ? 0n : 0;
}

function groupKey({ aggregate }: Feature): string {
  return JSON.stringify([aggregate.window!.hopMs, ageRange(aggregate.window!)!.youngest]);
}

function grouped(features: readonly Feature[], keyOf: (feature: Feature) => string): ReadonlyMap<string, readonly Feature[]> {
  const groups = new Map<string, Feature[]>();
  for (const feature of features) groups.set(keyOf(feature), [...(groups.get(keyOf(feature)) ?? []), feature]);
  return groups;
}

/** The feature over all of history; of countBy the topK that counts the same values. */
function totalRead(feature: Feature, { columns }: EventSchema): Feature {
  const { hopMs: _, ...window } = feature.aggregate.window!;
  const whole = { ...feature, aggregate: { ...feature.aggregate, window: { ...window, sizeMs: null, includeRequest: true } } };
  if (whole.aggregate.fn !== 'countBy') return whole;
  const { type } = named(columns, whole.aggregate.column!);
  return { ...whole, type: { kind: 'array', of: type as TileColumn['of'] }, aggregate: { ...whole.aggregate, fn: 'topK' } };
}

/** How many events the feature counts: those with a value, which are all where the field can't be null. */
function countOf(feature: Feature, { columns }: EventSchema, { column }: EventPlace): Feature {
  const nullable = column !== null && columns[column]!.nullable;
  const { halfLifeMs: _, predicate: __, ...aggregate } = feature.aggregate;
  return { name: `${feature.name}__events`, type: { kind: 'int32' }, aggregate: { ...aggregate, fn: 'count', column: nullable ? aggregate.column : null } };
}
