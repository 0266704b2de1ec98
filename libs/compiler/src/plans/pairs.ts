import { identifier, type Feature, type ResolvedView, type Source } from '@granary/contracts';
import { column, list, type Emitter } from '../emit.js';
import type { BackfillScope } from '../backfill.js';
import { EVENTS, emitEvents, emitVisible } from '../events.js';
import { columnsRead, emitParts } from '../parts.js';

/** The rows that ask, each pair of one with an event of its entity's history being aggregated. */
export interface Probes {
  readonly table: string;
  /** The columns that hold the key, in the order of the view's key fields. */
  readonly keys: readonly string[];
  /** The column with the instant. */
  readonly time: string;
  /** The column with the id of the event that the row is, where a window with includeRequest must leave it out. */
  readonly eventId: string | null;
  /** Columns that tell one question from another: rows that agree in all of them share an answer. */
  readonly distinct: readonly string[];
}

/** `pairs`: the distinct columns, the given ones (SQL aggregates over the events, with aliases) and the parts as of each probe that has an event. */
export function emitPairs(emitter: Emitter, source: Source, { view, features }: { readonly view: ResolvedView['view']; readonly features: readonly Feature[] }, probes: Probes, columns: readonly string[], { chunk, ...scope }: BackfillScope): string {
  const p = (name: string): string => column('p', name);
  const at = `toUnixTimestamp64Milli(${p(probes.time)})`;
  const requestId = probes.eventId === null ? null : p(probes.eventId);
  const group = probes.distinct.map(p);
  return `SELECT
${list([
  ...probes.distinct.map((name, i) => `${group[i]} AS ${identifier(name)}`),
  ...columns,
  ...features.flatMap((feature) => emitParts(emitter, feature, source, { at, frame: null, requestId, only: null })),
])}
FROM ${emitEvents(emitter, source, [...view.keyFields, ...columnsRead({ features })], scope, chunk && { ...chunk, keyFields: view.keyFields })}
INNER JOIN (
  SELECT DISTINCT ${probes.distinct.map(identifier).join(', ')}
  FROM ${identifier(probes.table)}
) AS ${identifier('p')} ON ${probes.keys.map((key, i) => `${column(EVENTS, view.keyFields[i]!)} = ${p(key)}`).join(' AND ')}
WHERE ${emitVisible(source, p(probes.time))}
GROUP BY ${group.join(', ')}`;
}
