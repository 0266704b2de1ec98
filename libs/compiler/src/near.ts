import { BACKFILL, EVENT, identifier, type Entity, type Source, type Statement, type VersionedView } from '@granary/contracts';
import { Emitter, column, list } from './emit.js';
import { EVENTS, emitArrived, hasVersions, type EventScope } from './events.js';
import { columnsRead } from './parts.js';
import { oldestAge } from './touched.js';

/**
 * Those of a source's events that the parts of a view at a table of (keys, as-of) pairs need, in the columns of its own
 * table: of each key those within reach of a window from its first instant on, and the newest before. All of the
 * key's where a window has no end; of events with versions every version of those that one version gives the key.
 */
export function compileNear(view: VersionedView, entity: Entity, source: Source, pairs: string, scope: EventScope): Statement {
  const emitter = new Emitter();
  const names = [...new Set([EVENT.id, EVENT.time, EVENT.knownAt, EVENT.sequence, ...view.keyFields, ...columnsRead(view)])];
  const e = (name: string): string => column(EVENTS, name);
  const arrived = (fields: readonly string[]): string => emitArrived(emitter, source, fields, scope);
  const keys = entity.keys.map((key) => identifier(key.name));
  const asked = `(${view.keyFields.map(e).join(', ')}) IN (SELECT ${keys.join(', ')} FROM ${identifier(pairs)})`;
  const select = `SELECT\n${list(names.map((name) => `${e(name)} AS ${identifier(name)}`))}\nFROM ${arrived(names)}`;
  if (hasVersions(source)) return emitter.statement(`${select}\nWHERE ${e(EVENT.id)} IN (SELECT ${e(EVENT.id)} FROM ${arrived(view.keyFields)} WHERE ${asked})`);
  const reach = oldestAge(view.features);
  if (reach === Infinity) return emitter.statement(`${select}\nWHERE ${asked}`);

  const first = `INNER JOIN (
  SELECT ${keys.join(', ')}, min(toUnixTimestamp64Milli(${identifier(BACKFILL.asOf)})) - ${Math.max(0, reach)} AS ${identifier(FIRST)}
  FROM ${identifier(pairs)}
  GROUP BY ${keys.join(', ')}
) AS ${identifier('n')} ON ${entity.keys.map((key, i) => `${e(view.keyFields[i]!)} = ${column('n', key.name)}`).join(' AND ')}`;
  const time = `toUnixTimestamp64Milli(${e(EVENT.time)})`;
  // Of the newest event out of every window's reach only its time counts, and what `latest` features take from it.
  const latest = new Set(view.features.map(({ aggregate }) => (aggregate.fn === 'latest' ? aggregate.column : null)));
  const newest = (name: string): string => {
    if (view.keyFields.includes(name)) return e(name);
    if (name === EVENT.time || name === EVENT.knownAt || name === EVENT.sequence) return `max(${e(name)})`;
    return latest.has(name) ? `tupleElement(argMax(tuple(${e(name)}), (${[EVENT.time, EVENT.knownAt, EVENT.sequence].map(e).join(', ')})), 1)` : `any(${e(name)})`;
  };
  // Without versions nothing asks for the id.
  const read = names.filter((name) => name !== EVENT.id);
  const rows = (value: (name: string) => string): string => `SELECT\n${list([`'' AS ${identifier(EVENT.id)}`, ...read.map((name) => `${value(name)} AS ${identifier(name)}`)])}\nFROM ${emitArrived(emitter, source, read, scope)}\n${first}`;
  return emitter.statement(`${rows(e)}
WHERE ${time} >= ${column('n', FIRST)}
UNION ALL
${rows(newest)}
WHERE ${time} < ${column('n', FIRST)}
GROUP BY ${view.keyFields.map(e).join(', ')}`);
}

const FIRST = '__first';
