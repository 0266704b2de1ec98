import { BACKFILL, EVENT, identifier, type Entity, type Source, type Statement, type VersionedView } from '@granary/contracts';
import type { BackfillScope } from './backfill.js';
import { Emitter, column, list } from './emit.js';
import { EVENTS, emitEvents, emitVisible } from './events.js';
import { columnsRead, emitParts } from './parts.js';

export interface ProbesOptions extends BackfillScope {
  readonly table: string;
}

/**
 * A view's parts at every row of a table of (keys, as-of) pairs, which holds each pair once; columns as `backfillColumns`
 * gives them. A pair has a row iff an event of the entity happened and was known by then.
 */
export function compileProbes(view: VersionedView, entity: Entity, source: Source, { table, chunk, ...scope }: ProbesOptions): Statement {
  const emitter = new Emitter();
  const e = (name: string): string => column(EVENTS, name);
  const p = (name: string): string => column('p', name);
  const age = `(toUnixTimestamp64Milli(${p(BACKFILL.asOf)}) - toUnixTimestamp64Milli(${e(EVENT.time)}))`;
  const pair = [...entity.keys.map((key) => key.name), BACKFILL.asOf];
  return emitter.statement(`SELECT
${list([
  ...pair.map((name) => `${p(name)} AS ${identifier(name)}`),
  `max(${e(EVENT.time)}) AS ${identifier(BACKFILL.eventTime)}`,
  `max(${e(EVENT.sequence)}) AS ${identifier(BACKFILL.sequence)}`,
  ...view.features.flatMap((feature) => emitParts(emitter, feature, source, { age, frame: null, requestId: null, only: null })),
])}
FROM ${emitEvents(emitter, source, [...view.keyFields, ...columnsRead(view)], scope, chunk && { ...chunk, keyFields: view.keyFields })}
INNER JOIN ${identifier(table)} AS ${identifier('p')} ON ${entity.keys.map((key, i) => `${e(view.keyFields[i]!)} = ${p(key.name)}`).join(' AND ')}
WHERE ${emitVisible(source, p(BACKFILL.asOf))}
GROUP BY ${pair.map(p).join(', ')}`);
}
