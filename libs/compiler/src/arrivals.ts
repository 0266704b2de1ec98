import { EVENT, eventsTable, identifier, type Source, type Statement } from '@granary/contracts';
import { Emitter, list } from './emit.js';
import { hasVersions } from './events.js';

/** The column of `compileArrivals` beside the source's fields, the event time, known-at and sequence. */
export const REPLACES = '__replaces';

/**
 * The events of a stored source that arrived after `since`, up to `until`, in order of arrival. `REPLACES`: there is another
 * version of the same event by then, before or after it.
 */
export function compileArrivals(source: Source, { since, until }: { readonly since: number; readonly until: number }): Statement {
  const emitter = new Emitter();
  const [after, last] = [since, until].map((each) => emitter.bind({ kind: 'int64' }, String(each)));
  const [table, id, sequence] = [eventsTable(source), EVENT.id, EVENT.sequence].map(identifier);
  const isNew = `${sequence} > ${after} AND ${sequence} <= ${last}`;
  const versions = `${id} IN (SELECT ${id} FROM ${table} WHERE ${sequence} <= ${last} AND ${id} IN (SELECT ${id} FROM ${table} WHERE ${isNew}) GROUP BY ${id} HAVING count() > 1)`;
  const columns = [EVENT.time, EVENT.knownAt, EVENT.sequence, ...source.fields.map(({ name }) => name)].map(identifier);
  return emitter.statement(`SELECT
${list([...new Set(columns), `${hasVersions(source) ? versions : 'false'} AS ${identifier(REPLACES)}`])}
FROM ${table}
WHERE ${isNew}
ORDER BY ${sequence}`);
}
