import { ageRange } from '@granary/aggregates';
import { BACKFILL, EVENT, eventsTable, identifier, type Entity, type Feature, type Instant, type Source, type Statement, type VersionedView } from '@granary/contracts';
import { Emitter, column, list } from './emit.js';
import { hasVersions } from './events.js';

/** Columns of `compileTouched` beside the entity's keys and the as-of. */
export const TOUCHED = {
  /** DateTime64(3, 'UTC'): the greatest event time among the events that touch the pair. */
  newest: '__newest',
  /** UInt8: 1 when one of them lies within reach of a window. Otherwise the pair changes only if none of its events is newer. */
  inside: '__inside',
} as const;

/** Which events are new, and the instants that they may change. */
export interface Touching {
  /** Sequences: events after `since`, up to `until` inclusive. */
  readonly since: number;
  readonly until: number;
  readonly instants: readonly Instant[];
}

/**
 * The (keys, as-of) pairs that the new events of a stored source may change, each once. An event reaches the instants
 * from when it had happened and was known. Of an event with versions a new one reaches the pairs of all the others too,
 * from when it is known: it takes their place, or cuts short how long they hold.
 */
export function compileTouched(view: VersionedView, entity: Entity, source: Source, { since, until, instants }: Touching): Statement {
  const emitter = new Emitter();
  const [after, last] = [since, until].map((sequence) => emitter.bind({ kind: 'int64' }, String(sequence)));
  const table = identifier(eventsTable(source));
  const isNew = (sequence: string): string => `${sequence} > ${after} AND ${sequence} <= ${last}`;
  const e = (name: string): string => column('e', name);
  const [time, knownAt] = [EVENT.time, EVENT.knownAt].map((name) => `toUnixTimestamp64Milli(${e(name)})`) as [string, string];
  const [id, sequence] = [identifier(EVENT.id), identifier(EVENT.sequence)];
  const versions = hasVersions(source);
  const from = versions
    ? `FROM ${table} AS ${identifier('e')}
  INNER JOIN (
    SELECT ${id}, min(toUnixTimestamp64Milli(${identifier(EVENT.knownAt)})) AS ${identifier(FIRST)}
    FROM ${table}
    WHERE ${isNew(sequence)}
    GROUP BY ${id}
  ) AS ${identifier('n')} ON ${e(EVENT.id)} = ${column('n', EVENT.id)}
  WHERE ${e(EVENT.sequence)} <= ${last}`
    : `FROM ${table} AS ${identifier('e')}
  WHERE ${isNew(e(EVENT.sequence))}`;
  const reaches = `greatest(${[time, knownAt, ...(versions ? [column('n', FIRST)] : [])].join(', ')})`;
  const keys = entity.keys.map((key) => identifier(key.name));
  const oldest = oldestAge(view.features);
  const inside = oldest === Infinity ? 'toUInt8(1)' : `toUInt8(min(${identifier(AT)} - ${identifier(TIME)}) <= ${oldest})`;
  const { sql, params } = emitter.statement(`SELECT
${list([
  ...keys,
  `fromUnixTimestamp64Milli(${identifier(AT)}, 'UTC') AS ${identifier(BACKFILL.asOf)}`,
  `fromUnixTimestamp64Milli(max(${identifier(TIME)}), 'UTC') AS ${identifier(TOUCHED.newest)}`,
  `${inside} AS ${identifier(TOUCHED.inside)}`,
])}
FROM (
  SELECT
  ${list([
    ...view.keyFields.map((field, i) => `${e(field)} AS ${keys[i]!}`),
    `${time} AS ${identifier(TIME)}`,
    `arrayJoin(arrayFilter(${identifier('t')} -> ${identifier('t')} >= ${reaches}, {instants:Array(Int64)})) AS ${identifier(AT)}`,
  ]).replaceAll('\n', '\n  ')}
  ${from}
)
GROUP BY ${[...keys, identifier(AT)].join(', ')}`);
  return { sql, params: { ...params, instants } };
}

const FIRST = '__first_known_at';
const TIME = '__time';
const AT = '__at';

/** The age beyond which no event is in any window; Infinity: there is none. What is latest shows in the event time. */
export function oldestAge(features: readonly Feature[]): number {
  return Math.max(-1, ...features.map(({ aggregate }) => (aggregate.window === null ? null : ageRange(aggregate.window))).map((range) => range?.oldest ?? -1));
}
