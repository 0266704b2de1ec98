import { EVENT, identifier, type EntityKey, type FeatureView, type Literal, type Source, type Statement } from '@granary/contracts';
import { Emitter, column, list } from './emit.js';
import { EVENTS, emitArrived, hasVersions, type EventScope } from './events.js';

/**
 * Every version of the events that belong to an entity, or of which a version does: the event columns and all fields, the
 * newest first, at most `limit`.
 */
export function compileEntityEvents({ keyFields }: Pick<FeatureView, 'keyFields'>, source: Source, key: EntityKey, limit: number, scope: EventScope = {}): Statement {
  const emitter = new Emitter();
  const e = (name: string): string => column(EVENTS, name);
  const fields = source.fields.map(({ name }) => name);
  const events = emitArrived(emitter, source, fields, scope);
  const ofKey = emitOfKey(emitter, source, keyFields, key, e);
  const id = e(EVENT.id);
  const where = hasVersions(source) ? `${id} IN (SELECT ${id} FROM ${events} WHERE ${ofKey})` : ofKey;
  return emitter.statement(`SELECT
${list([...Object.values(EVENT), ...fields].map((name) => `${e(name)} AS ${identifier(name)}`))}
FROM ${events}
WHERE ${where}
ORDER BY ${[EVENT.time, EVENT.knownAt, EVENT.sequence].map((name) => `${e(name)} DESC`).join(', ')}
LIMIT ${limit}`);
}

/** A condition on the table of a stored source's events: it is of the key by one of the lists of fields, and its sequence at most `until`. */
export function compileIsOfKey(source: Source, keyFields: readonly FeatureView['keyFields'][], key: EntityKey, until: number): Statement {
  const emitter = new Emitter();
  const ofKey = keyFields.map((fields) => emitOfKey(emitter, source, fields, key, identifier)).join(' OR ');
  return emitter.statement(`${identifier(EVENT.sequence)} <= ${emitter.bind({ kind: 'int64' }, String(until))} AND (${ofKey})`);
}

function emitOfKey(emitter: Emitter, source: Source, keyFields: FeatureView['keyFields'], key: EntityKey, sql: (field: string) => string): string {
  const conditions = keyFields.map((field, i) => {
    const value = key[i]!;
    const { type } = source.fields.find(({ name }) => name === field)!;
    return `${sql(field)} = ${emitter.bind(type, (typeof value === 'bigint' ? String(value) : value) as Literal['value'])}`;
  });
  return conditions.join(' AND ');
}
