import { ageRange } from '@granary/aggregates';
import { BACKFILL, EVENT, eventsTable, identifier, type Entity, type Feature, type Instant, type Source, type Statement, type VersionedView } from '@granary/contracts';
import { Emitter, column, list } from './emit.js';
import { hasVersions } from './events.js';
import { TOUCHED } from './near.js';

/** Which events are new, and the instants that they may change. */
export interface Touching {
  /** Sequences: events after `since`, up to `until` inclusive. */
  readonly since: number;
  readonly until: number;
  readonly instants: readonly Instant[];
}

/**
 * The (keys, as-of) pairs that the new events of a stored source may change, each once. An event reaches the instants
 * from when it had happened and was known, as long as it is within reach of a window or the newest of its keys. Of an
 * event with versions a new one reaches the pairs of all the others too, from when it is known: it takes their place, or
 * cuts short how long they hold.
 */
export function compileTouched(view: VersionedView, entity: Entity, source: Source, touching: Touching): Statement {
  const emitter = new Emitter();
  const keys = entity.keys.map((key) => identifier(key.name));
  const reached = hasVersions(source) ? emitVersions(emitter, source, touching) : emitNew(emitter, view, source, touching);
  const { sql, params } = emitter.statement(`SELECT
${list([
  ...keys,
  `fromUnixTimestamp64Milli(${identifier(AT)}, 'UTC') AS ${identifier(BACKFILL.asOf)}`,
  `fromUnixTimestamp64Milli(max(${identifier(TIME)}), 'UTC') AS ${identifier(TOUCHED.newest)}`,
])}
FROM (
  SELECT
  ${list([
    ...view.keyFields.map((field, i) => `${e(field)} AS ${keys[i]!}`),
    `${ms(e(EVENT.time))} AS ${identifier(TIME)}`,
    `arrayJoin(arrayFilter(${identifier('t')} -> ${reached.when}, {instants:Array(Int64)})) AS ${identifier(AT)}`,
  ]).replaceAll('\n', '\n  ')}
  ${reached.from.replaceAll('\n', '\n  ')}
)
GROUP BY ${[...keys, identifier(AT)].join(', ')}`);
  return { sql, params: { ...params, instants: touching.instants } };
}

/** What reaches the instant `t`: `FROM … WHERE …` over events `e`, and a condition on both. */
interface Reached {
  readonly from: string;
  readonly when: string;
}

function emitVersions(emitter: Emitter, source: Source, { since, until }: Touching): Reached {
  const [after, last] = [since, until].map((sequence) => emitter.bind({ kind: 'int64' }, String(sequence)));
  const [table, id, sequence] = [eventsTable(source), EVENT.id, EVENT.sequence].map(identifier);
  const from = `FROM ${table} AS ${identifier('e')}
INNER JOIN (
  SELECT ${id}, min(${ms(identifier(EVENT.knownAt))}) AS ${identifier(FIRST)}
  FROM ${table}
  WHERE ${sequence} > ${after} AND ${sequence} <= ${last}
  GROUP BY ${id}
) AS ${identifier('n')} ON ${e(EVENT.id)} = ${column('n', EVENT.id)}
WHERE ${e(EVENT.sequence)} <= ${last}`;
  return { from, when: `${identifier('t')} >= greatest(${[ms(e(EVENT.time)), ms(e(EVENT.knownAt)), column('n', FIRST)].join(', ')})` };
}

function emitNew(emitter: Emitter, view: VersionedView, source: Source, { since, until, instants }: Touching): Reached {
  const [after, last] = [since, until].map((sequence) => emitter.bind({ kind: 'int64' }, String(sequence)));
  const [table, time, sequence] = [eventsTable(source), EVENT.time, EVENT.sequence].map(identifier) as [string, string, string];
  const isNew = `${sequence} > ${after} AND ${sequence} <= ${last}`;
  const fields = view.keyFields.map(identifier);
  const arrived = `(SELECT ${[...new Set([...fields, time])].join(', ')} FROM ${table} WHERE ${isNew}) AS ${identifier('e')}`;
  const happened = `${identifier('t')} >= ${ms(e(EVENT.time))}`;
  const oldest = oldestAge(view.features);
  if (oldest === Infinity) return { from: `FROM ${arrived}`, when: happened };
  // An event that is within reach of every later instant needs no look at what came after it.
  const late = `${isNew} AND ${ms(time)} < ${Math.max(...instants) - oldest}`;
  const from = `FROM ${arrived}
ASOF LEFT JOIN (
  SELECT ${fields.join(', ')}, ${time} AS ${identifier(NEXT)}
  FROM ${table}
  WHERE ${sequence} <= ${last} AND (${fields.join(', ')}) IN (SELECT ${fields.join(', ')} FROM ${table} WHERE ${late})
) AS ${identifier('n')} ON ${view.keyFields.map((field) => `${e(field)} = ${column('n', field)}`).join(' AND ')} AND ${e(EVENT.time)} < ${column('n', NEXT)}`;
  const newest = `ifNull(${identifier('t')} < ${ms(column('n', NEXT))}, true)`;
  return { from, when: `${happened} AND (${identifier('t')} <= ${ms(e(EVENT.time))} + ${oldest} OR ${newest})` };
}

const e = (name: string): string => column('e', name);

function ms(time: string): string {
  return `toUnixTimestamp64Milli(${time})`;
}

const FIRST = '__first_known_at';
const NEXT = '__next';
const TIME = '__time';
const AT = '__at';

/** The age beyond which no event is in any window; Infinity: there is none. What is latest shows in the event time. */
export function oldestAge(features: readonly Feature[]): number {
  return Math.max(-1, ...features.map(({ aggregate }) => (aggregate.window === null ? null : ageRange(aggregate.window))).map((range) => range?.oldest ?? -1));
}
