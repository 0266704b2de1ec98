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
  const ofKey = keyFields
    .map((field, i) => {
      const value = key[i]!;
      const { type } = source.fields.find(({ name }) => name === field)!;
      return `${e(field)} = ${emitter.bind(type, (typeof value === 'bigint' ? String(value) : value) as Literal['value'])}`;
    })
    .join(' AND ');
  const id = e(EVENT.id);
  const where = hasVersions(source) ? `${id} IN (SELECT ${id} FROM ${events} WHERE ${ofKey})` : ofKey;
  return emitter.statement(`SELECT
${list([...Object.values(EVENT), ...fields].map((name) => `${e(name)} AS ${identifier(name)}`))}
FROM ${events}
WHERE ${where}
ORDER BY ${[EVENT.time, EVENT.knownAt, EVENT.sequence].map((name) => `${e(name)} DESC`).join(', ')}
LIMIT ${limit}`);
}
