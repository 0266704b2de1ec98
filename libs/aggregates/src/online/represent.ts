import { BACKFILL, EVENT, formatDuration, type Aggregate, type Feature, type FeatureView, type FieldType, type Source } from '@granary/contracts';
import { partsOf, type Part } from '../parts.js';
import { ageRange } from '../window.js';
import { eventSchemaOf, placeOf, type EventPlace } from './event-place.js';
import type { EventSchema } from './event-schema.js';

/** How a view's values are kept online. It follows from the declaration alone. */
export interface ViewRepresentation {
  /** In the order of the view. */
  readonly features: readonly FeatureRepresentation[];
  /** The columns of the base's row. */
  readonly row: readonly StoredColumn[];
  readonly events: EventSchema;
  readonly retention: Retention;
}

export interface FeatureRepresentation {
  readonly feature: Feature;
  /** stored: its parts as of the base's instant are in the row. log: it is computed from events. */
  readonly kept: 'stored' | 'log';
  /** In words, for people who plan. */
  readonly why: string;
  readonly exactness: string;
  /** What the row holds of it; none of a feature that is computed from the log. */
  readonly parts: readonly Part[];
  /** Where it stands in the row. */
  readonly at: number;
  /** Where the events hold what it reads. */
  readonly place: EventPlace;
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
    | { readonly kind: 'part'; readonly feature: Feature; readonly part: Part };
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

/** Of the settled events of age ≥ `youngest` at T for which `place.where` is true and `place.column` is not null: the newest `n`, or the oldest. */
export interface RetainedEnd {
  readonly end: 'newest' | 'oldest';
  readonly n: number;
  readonly youngest: number;
  readonly place: EventPlace;
}

/** Throws a plain Error for a view whose source lacks a field that it reads, which validation rules out. */
export function representView(view: Pick<FeatureView, 'features'>, source: Pick<Source, 'fields' | 'knownAt'>): ViewRepresentation {
  const events = eventSchemaOf(view, source);
  const features: FeatureRepresentation[] = [];
  const hasLatest = view.features.some(({ aggregate }) => aggregate.fn === 'latest');
  const row: StoredColumn[] = [{ name: BACKFILL.eventTime, type: { kind: 'timestamp' }, nullable: true, holds: { kind: 'eventTime' } }];
  if (events.knownAt && hasLatest) row.push({ name: EVENT.knownAt, type: { kind: 'timestamp' }, nullable: true, holds: { kind: 'knownAt' } });
  for (const feature of view.features) {
    const kept = keptAs(feature.aggregate);
    const parts = kept === 'stored' ? totalParts(feature) : [];
    features.push({ feature, kept, why: why(feature.aggregate), exactness: exactness(feature.aggregate), parts, at: row.length, place: placeOf(events, feature.aggregate) });
    row.push(...parts.map((part) => ({ name: part.name, type: part.type, nullable: part.nullable, holds: { kind: 'part' as const, feature, part } })));
  }
  return { features, row, events, retention: { reachMs: reach(view.features), ends: retainedEnds(features), newestEvent: events.knownAt && hasLatest } };
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

/** Which end of history an aggregate reads; null: all of it. */
function endOf({ fn }: Aggregate): 'newest' | 'oldest' | null {
  return fn in BY_ORDER ? BY_ORDER[fn as keyof typeof BY_ORDER] : null;
}

function keptAs(aggregate: Aggregate): 'stored' | 'log' {
  if (aggregate.window === null) return 'stored';
  return aggregate.window.sizeMs === null && endOf(aggregate) === null ? 'stored' : 'log';
}

function why(aggregate: Aggregate): string {
  const { window } = aggregate;
  if (window === null) return 'the newest value';
  if (window.sizeMs !== null) return `slides with the clock: the events of ${formatDuration(window.sizeMs + window.delayMs)} are kept`;
  const end = endOf(aggregate);
  if (end === null) return 'all of history: kept as a total that each event joins';
  const n = aggregate.n ?? 1;
  return `all of history: the ${n === 1 ? `${end} event that counts is` : `${end} ${n} events that count are`} kept`;
}

function exactness({ fn }: Aggregate): string {
  return fn === 'approxCountDistinct' ? 'exact (offline it is an estimate)' : 'exact';
}

/** The age up to which an event may still enter a window, or be in one of a size. */
function reach(features: readonly Feature[]): number {
  return features.reduce((longest, { aggregate: { window } }) => {
    const ages = window === null ? null : ageRange(window);
    if (ages === null) return longest;
    return Math.max(longest, ages.oldest === Infinity ? ages.youngest - 1 : ages.oldest);
  }, -1);
}

function retainedEnds(features: readonly FeatureRepresentation[]): readonly RetainedEnd[] {
  const ends = features.flatMap(({ feature: { aggregate }, kept, place }): RetainedEnd[] => {
    const end = endOf(aggregate);
    if (kept === 'stored' || end === null || aggregate.window?.sizeMs !== null) return [];
    return [{ end, n: aggregate.n ?? 1, youngest: ageRange(aggregate.window)!.youngest, place }];
  });
  return [...new Map(ends.map((each) => [JSON.stringify(each), each])).values()];
}
