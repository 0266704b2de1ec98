import { EVENT, eventsTable, identifier, type Source } from '@granary/contracts';
import type { Statements } from '../statements.js';
import type { EventRow } from './append.js';

/** Clauses over a table of events. */
export const ofSequences = {
  /** The event of the greatest sequence; found by the index of sequences, where max() would read the column. */
  last: `ORDER BY ${identifier(EVENT.sequence)} DESC LIMIT 1`,
  /** After an expression of the greatest sequence among erased events of the source: no event gets it again. */
  erased: (source: Pick<Source, 'name'>): string => `FROM granary_erasures WHERE source = '${source.name}'`,
} as const;

/**
 * Where stored events with the ids of these rows can be. An id made of the whole content holds the event time too: only the
 * rows' range of it need be read. A declared id could come again at another time and would still be the same event.
 */
export function timeRange(source: Source, rows: readonly EventRow[]): { readonly sql: string; readonly params: Record<string, bigint> } {
  if (source.eventId.length > 0 || rows.length === 0) return { sql: '', params: {} };
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const { eventTime } of rows) {
    if (eventTime < first) first = eventTime;
    if (eventTime > last) last = eventTime;
  }
  const instant = (name: string): string => `fromUnixTimestamp64Milli({${name}:Int64}, 'UTC')`;
  return {
    sql: ` AND ${identifier(EVENT.time)} BETWEEN ${instant('from_time')} AND ${instant('to_time')}`,
    params: { from_time: BigInt(first), to_time: BigInt(last) },
  };
}

/** The greatest sequence that an event of the source ever had. */
export async function lastSequence(statements: Statements, source: Pick<Source, 'name'>): Promise<number> {
  const last = `SELECT ${identifier(EVENT.sequence)} AS sequence FROM ${identifier(eventsTable(source))} ${ofSequences.last}`;
  const rows = await statements.rows({ sql: `(${last}) UNION ALL SELECT max(sequence) AS sequence ${ofSequences.erased(source)}`, params: {} });
  return Math.max(0, ...rows.map(({ sequence }) => Number(sequence)));
}
