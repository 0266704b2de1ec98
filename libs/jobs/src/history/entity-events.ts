import { ageRange, evaluate, matches, oldestAt } from '@granary/aggregates';
import { compileEntityEvents, type EventScope } from '@granary/compiler';
import { EVENT, formatInstant, named, type EntityKey, type Feature, type FieldType, type Instant, type ResolvedView, type Source, type Value } from '@granary/contracts';
import type { OfflineStore, Row } from '@granary/offline-store';

/** An event that belongs to an entity, or a version of one that does. */
export interface EntityEvent {
  readonly id: string;
  /** As who sent it knows it: the values of the declared id's fields. Of an event whose id is its content: `id`. */
  readonly sentId: string;
  readonly time: Instant;
  readonly knownAt: Instant;
  readonly sequence: number;
  readonly row: Readonly<Record<string, Value | null>>;
}

/** Why an event does not count for a feature. */
export const LEFT_OUT = {
  arrivedLater: 'arrived later',
  notKnownYet: 'not known yet',
  notHappenedYet: 'not happened yet',
  corrected: 'corrected by a later version',
  otherEntity: 'of another entity in this version',
  tooOld: 'too old',
  tooNew: 'too new',
  filtered: 'filtered by where',
  noValue: 'no value',
  notLatest: 'not the latest',
} as const;
export type LeftOut = (typeof LEFT_OUT)[keyof typeof LEFT_OUT];

export interface JudgedEvent extends EntityEvent {
  /** Null: it counts. */
  readonly leftOut: LeftOut | null;
}

/** An entity's events that are looked at; beyond, the oldest are not listed. */
export const MOST_EVENTS = 10_000;

/** The newest first; every version of those with versions. */
export async function entityEvents(store: OfflineStore, { view, source }: Pick<ResolvedView, 'view' | 'source'>, key: EntityKey, scope: EventScope, signal?: AbortSignal): Promise<readonly EntityEvent[]> {
  const rows = await store.rows(compileEntityEvents(view, source, key, MOST_EVENTS, scope), { comment: `events of ${view.entity}`, signal });
  return rows.map((row) => ({ id: row[EVENT.id] as string, sentId: sentId(source, row), time: row[EVENT.time] as Instant, knownAt: row[EVENT.knownAt] as Instant, sequence: Number(row[EVENT.sequence]), row: valuesOf(row) }));
}

function sentId({ eventId, fields }: Source, row: Row): string {
  const parts = eventId.map((name) => ({ name, text: textOf(named(fields, name).type, row[name] as Value) }));
  if (parts.length === 0) return row[EVENT.id] as string;
  return parts.length === 1 ? parts[0]!.text : parts.map(({ name, text }) => `${name}=${text}`).join(' ');
}

function textOf({ kind }: FieldType, value: Value): string {
  return kind === 'timestamp' ? formatInstant(value as Instant) : String(value);
}

function valuesOf(row: Row): EntityEvent['row'] {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith('__'))) as EntityEvent['row'];
}

/** What is asked of the events: a view's values for a key as of `at`, of the events up to a sequence. */
export interface Asked {
  readonly key: EntityKey;
  readonly at: Instant;
  readonly horizon: number;
}

/** Says of each event whether it counts for a feature, and why it does not: in plain words what the SQL says. */
export function judgeEvents({ view, source }: Pick<ResolvedView, 'view' | 'source'>, feature: Feature, events: readonly EntityEvent[], asked: Asked): readonly JudgedEvent[] {
  const visible = judgeVisibility(view.keyFields, events, asked);
  const range = feature.aggregate.window === null ? null : ageRange(feature.aggregate.window);
  const { fn } = feature.aggregate;
  let latest = fn === 'latest';
  return visible.map((event): JudgedEvent => {
    const leave = (leftOut: LeftOut): JudgedEvent => ({ ...event, leftOut });
    if (event.leftOut !== null) return event;
    if (fn === 'latest') {
      if (!latest) return leave(LEFT_OUT.notLatest);
      latest = false;
      return event;
    }
    const age = asked.at - event.time;
    if (range === null || age < range.youngest) return leave(LEFT_OUT.tooNew);
    if (age > oldestAt(range, asked.at)) return leave(LEFT_OUT.tooOld);
    return { ...event, leftOut: judgeRow(feature, event.row, source) };
  });
}

/** The row of a request, as an event that a window takes up. */
export interface JudgedRequest {
  readonly row: EntityEvent['row'];
  /** Null: it counts. */
  readonly leftOut: LeftOut | null;
}

/** The request among what a feature is computed from; null where its window does not include it. */
export function judgeRequest({ keys, view, source }: Pick<ResolvedView, 'keys' | 'view' | 'source'>, feature: Feature, values: Readonly<Record<string, Value>>): JudgedRequest | null {
  if (feature.aggregate.window?.includeRequest !== true) return null;
  const row = { ...values, ...Object.fromEntries(view.keyFields.map((field, i) => [field, values[keys[i]!.name]!])) };
  return { row, leftOut: judgeRow(feature, row, source) };
}

function judgeRow({ aggregate: { column, where, predicate } }: Feature, row: EntityEvent['row'], source: Pick<Source, 'fields'>): LeftOut | null {
  if (!matches(where, row, source)) return LEFT_OUT.filtered;
  if (column !== null && (row[column] ?? null) === null) return LEFT_OUT.noValue;
  return predicate !== undefined && evaluate(predicate, row, source) === null ? LEFT_OUT.noValue : null;
}

/** Which events the entity has at all, as of an instant. */
function judgeVisibility(keyFields: readonly string[], events: readonly EntityEvent[], { key, at, horizon }: Asked): readonly JudgedEvent[] {
  const newest = new Map<string, EntityEvent>();
  for (const event of events) {
    if (event.sequence > horizon || event.knownAt > at) continue;
    const other = newest.get(event.id);
    if (other === undefined || event.knownAt > other.knownAt || (event.knownAt === other.knownAt && event.sequence > other.sequence)) newest.set(event.id, event);
  }
  return events.map((event) => ({ ...event, leftOut: reason(event) }));

  function reason(event: EntityEvent): LeftOut | null {
    if (event.sequence > horizon) return LEFT_OUT.arrivedLater;
    // Where the source does not say when an event became known, it was at its time.
    if (event.time > at) return LEFT_OUT.notHappenedYet;
    if (event.knownAt > at) return LEFT_OUT.notKnownYet;
    if (newest.get(event.id) !== event) return LEFT_OUT.corrected;
    return keyFields.every((field, i) => event.row[field] === key[i]) ? null : LEFT_OUT.otherEntity;
  }
}
