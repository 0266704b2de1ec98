import { BACKFILL, EVENT, formatDuration, runsOf, type Aggregate, type AggregateFunction, type Feature, type FeatureView, type FieldType, type Source } from '@granary/contracts';
import { SKETCH_SIZE } from '../distinct-sketch.js';
import { partsOf, type Part } from '../parts.js';
import { ageRange } from '../window.js';
import { eventSchemaOf, placeOf, type EventPlace } from './event-place.js';
import type { EventSchema } from './event-schema.js';
import { isSketch, isTiled, mostTiles, representTiles, type TileGroup, type TileTotal, type TiledFeature } from './represent-tiles.js';

/** How a view's values are kept online. It follows from the declaration alone. */
export interface ViewRepresentation {
  /** In the order of the view. */
  readonly features: readonly FeatureRepresentation[];
  /** The columns of the base's row. */
  readonly row: readonly StoredColumn[];
  readonly events: EventSchema;
  readonly retention: Retention;
  /** Their columns are the last ones of the row. */
  readonly tiles: readonly TileGroup[];
}

export interface FeatureRepresentation {
  readonly feature: Feature;
  /** stored: its parts as of the base's instant are in the row. tiles: those of each hop are. log: it is computed from events. */
  readonly kept: 'stored' | 'tiles' | 'log';
  /** In words, for people who plan. */
  readonly why: string;
  readonly exactness: string;
  /** What the row holds of it alone. */
  readonly parts: readonly Part[];
  /** Where it stands in the row. */
  readonly at: number;
  /** Where the events hold what it reads. */
  readonly place: EventPlace;
  /** The age up to which it needs events whatever they are: they may still enter its window, or are in it one by one. −1: none. */
  readonly reachMs: number;
  /** The totals that it shares; null: it is not kept in tiles. */
  readonly tiles: TiledFeature | null;
}

/**
 * A column of the base's row, as of its instant T. An event is *settled* at T if it had happened and was known by then and
 * no other version of it is to come: time ≤ T, known ≤ T, until = Infinity. All that a row holds is of settled events.
 */
export interface StoredColumn {
  readonly name: string;
  readonly type: FieldType;
  readonly nullable: boolean;
  readonly holds:
    /** The time of the entity's newest settled event. Null: it has none. */
    | { readonly kind: 'eventTime' }
    /** When that event became known: what decides between it and another of that time. */
    | { readonly kind: 'knownAt' }
    /**
     * Of a latest its value in that event. Of others the part over the settled events whose age at T is at least the window's
     * youngest; of those that need every value all of them, as with `includeRequest`, whether it is declared or not.
     */
    | { readonly kind: 'part'; readonly feature: Feature; readonly part: Part }
    /** Of a `TileGroup`: an array with an element for each hop. */
    | { readonly kind: 'tiles' };
}

/** A row's columns cut into runs of neighbours of one type (`runsOf`), those of the newest event's values apart from the others. */
export function rowRuns(row: readonly StoredColumn[]): readonly { readonly latest: boolean; readonly columns: readonly StoredColumn[] }[] {
  const parts: StoredColumn[][] = [];
  for (const column of row) {
    const part = parts.at(-1);
    if (part !== undefined && isLatest(part[0]!) === isLatest(column)) part.push(column);
    else parts.push([column]);
  }
  return parts.flatMap((part) => runsOf(part).map((columns) => ({ latest: isLatest(part[0]!), columns })));
}

function isLatest({ holds }: StoredColumn): boolean {
  return holds.kind === 'part' && holds.part.role === 'latest';
}

/**
 * Which events the log of a base as of T keeps: those that are not settled, unless `until` ≤ T; those of age ≤ `reachMs`; what
 * `ends` says; and the newest settled one if `newestEvent`. To keep more does no harm.
 */
export interface Retention {
  /** Milliseconds; −1: none for its age alone. */
  readonly reachMs: number;
  readonly ends: readonly RetainedEnd[];
  /** Whether versions known later could stand before or after it at its very time. */
  readonly newestEvent: boolean;
}

/** Of the settled events of age `youngest` to `oldest` at T for which `place.where` is true and `place.column` is not null: the newest `n`, or the oldest. */
export interface RetainedEnd {
  readonly end: 'newest' | 'oldest';
  readonly n: number;
  readonly youngest: number;
  /** Infinity: however old. */
  readonly oldest: number;
  readonly place: EventPlace;
}

/** Throws a plain Error for a view whose source lacks a field that it reads, which validation rules out. */
export function representView(view: Pick<FeatureView, 'features'>, source: Pick<Source, 'fields' | 'knownAt'>): ViewRepresentation {
  const events = eventSchemaOf(view, source);
  const features: FeatureRepresentation[] = [];
  const hasLatest = view.features.some(({ aggregate }) => aggregate.fn === 'latest');
  const row: StoredColumn[] = [{ name: BACKFILL.eventTime, type: { kind: 'timestamp' }, nullable: true, holds: { kind: 'eventTime' } }];
  if (events.knownAt && hasLatest) row.push({ name: EVENT.knownAt, type: { kind: 'timestamp' }, nullable: true, holds: { kind: 'knownAt' } });
  const partsIn = view.features.map((feature) => (keptAs(feature.aggregate) === 'stored' ? totalParts(feature) : []));
  const tiles = representTiles(view.features, events, row.length + partsIn.flat().length);
  view.features.forEach((feature, i) => {
    const [{ aggregate }, parts, tiled] = [feature, partsIn[i]!, tiles.of.get(feature) ?? null];
    features.push({ feature, kept: keptAs(aggregate), why: why(aggregate, tiled), exactness: exactness(aggregate), parts, at: row.length, place: placeOf(events, aggregate), reachMs: reach(aggregate), tiles: tiled });
    row.push(...parts.map((part) => ({ name: part.name, type: part.type, nullable: part.nullable, holds: { kind: 'part' as const, feature, part } })));
  });
  row.push(...tiles.columns.map(({ name, of }) => ({ name, type: { kind: 'array' as const, of }, nullable: false, holds: { kind: 'tiles' as const } })));
  return { features, row, events, retention: { ...retentionOf(features), newestEvent: events.knownAt && hasLatest }, tiles: tiles.groups };
}

/** The parts that take up any other event, in any order: of an aggregate over all of history what the row holds. */
export function totalParts(feature: Feature): readonly Part[] {
  return partsOf(totalOf(feature));
}

/** The feature with a window whose parts are all that one more event needs. */
export function totalOf(feature: Feature): Feature {
  const { window } = feature.aggregate;
  return window === null ? feature : { ...feature, aggregate: { ...feature.aggregate, window: { ...window, includeRequest: true } } };
}

const BY_ORDER = { first: 'oldest', last: 'newest', lastN: 'newest', timeSinceLast: 'newest' } as const;

/** At which end of what has entered its window an aggregate finds all that it reads; null: nowhere, it needs the rest too. */
function endOf({ fn, window }: Aggregate): 'newest' | 'oldest' | null {
  const end = fn in BY_ORDER ? BY_ORDER[fn as keyof typeof BY_ORDER] : null;
  // The oldest event leaves a window of a size, and any other may be the oldest then.
  return end === 'oldest' && window?.sizeMs !== null ? null : end;
}

function keptAs(aggregate: Aggregate): FeatureRepresentation['kept'] {
  if (aggregate.window === null) return 'stored';
  if (isTiled(aggregate)) return 'tiles';
  return aggregate.window.sizeMs === null && endOf(aggregate) === null ? 'stored' : 'log';
}

function why(aggregate: Aggregate, tiled: TiledFeature | null): string {
  const { window } = aggregate;
  if (window === null) return 'the newest value';
  if (tiled !== null) {
    return `slides with the clock: a total of each hop is kept, at most ${mostTiles(ageRange(window)!, window.hopMs!)} × ${bytesOf(tiled)} B${valuesOf(tiled.total)}${window.delayMs === 0 ? '' : `, and the events of ${formatDuration(window.delayMs)}`}`;
  }
  const over = window.sizeMs === null ? 'all of history' : 'slides with the clock';
  const end = endOf(aggregate);
  if (end !== null) {
    const n = aggregate.n ?? 1;
    return `${over}: the ${n === 1 ? `${end} event that counts is` : `${end} ${n} events that count are`} kept`;
  }
  return window.sizeMs === null ? `${over}: kept as a total that each event joins` : `${over}: the events of ${formatDuration(window.sizeMs + window.delayMs)} are kept`;
}

/** What a total keeps of the different values of its events. */
function valuesOf(total: TileTotal): string {
  switch (total.layout) {
    case 'each':
      return '';
    case 'newest':
      return isSketch(total) ? `, and of n different values about ${SKETCH_SIZE} × (1 + ln(n ÷ ${SKETCH_SIZE})) hashes of 8 B (all n, if fewer)` : ', and each different value once';
    case 'counted':
      return ', some 3 B for each different value of a hop, and each different value once';
  }
}

/** Of one hop, its beginning included, but no values. */
function bytesOf({ group, total }: TiledFeature): number {
  const counts = group.totals.filter(({ at }) => at === total.countsAt);
  return [...new Set([total, ...counts])].flatMap(({ parts, layout }) => (layout === 'each' ? parts : [parts[0]!])).reduce((sum, { type }) => sum + (['int32', 'float32', 'array'].includes(type.kind) ? 4 : 8), 8);
}

function exactness({ fn, window }: Aggregate): string {
  const value = APPROXIMATE[fn] ?? 'exact';
  return window?.hopMs === undefined ? value : `${value}, from a far end on a whole ${formatDuration(window.hopMs)} of UTC`;
}

const APPROXIMATE: Readonly<Partial<Record<AggregateFunction, string>>> = {
  approxCountDistinct: `exact below ${SKETCH_SIZE} different values, else off by ${(100 / Math.sqrt(SKETCH_SIZE - 2)).toFixed(1)} % on average (standard error), offline the same`,
  approxPercentile: 'off by at most 0.4 %, offline the same',
};

function retentionOf(features: readonly FeatureRepresentation[]): Pick<Retention, 'reachMs' | 'ends'> {
  const reachMs = features.reduce((longest, each) => Math.max(longest, each.reachMs), -1);
  const ends = features.flatMap((each) => retainedEnd(each) ?? []).filter(({ oldest }) => oldest > reachMs);
  return { reachMs, ends: [...new Map(ends.map((each) => [JSON.stringify(each), each])).values()] };
}

function reach(aggregate: Aggregate): number {
  const ages = aggregate.window === null ? null : ageRange(aggregate.window);
  if (ages === null) return -1;
  return keptAs(aggregate) === 'log' && endOf(aggregate) === null ? ages.oldest : ages.youngest - 1;
}

function retainedEnd({ feature: { aggregate }, kept, place }: FeatureRepresentation): RetainedEnd | null {
  const [end, ages] = [endOf(aggregate), aggregate.window === null ? null : ageRange(aggregate.window)];
  return kept !== 'log' || end === null || ages === null ? null : { end, n: aggregate.n ?? 1, youngest: ages.youngest, oldest: ages.oldest, place };
}
