import type { Source } from '@granary/contracts';
import type { EventRow } from './append.js';

export interface DistinctRows {
  readonly distinct: readonly EventRow[];
  /** Where each distinct row stands among those given. */
  readonly positions: readonly number[];
  /** Of each row given, which of the distinct ones it is, or is superseded by. */
  readonly distinctOf: readonly number[];
}

/** Whether rows with the id of a stored one are later versions of the same thing. */
export function holdsVersions(source: Source): boolean {
  return source.eventTime === null && source.knownAt === null && source.eventId.length > 0;
}

/**
 * Each event once. Of versions of a thing that nothing can come between (within a batch there is no reader) the last: it
 * keeps a file that repeats an id idempotent. Of all others the first.
 */
export function distinctRows(source: Source, rows: readonly EventRow[]): DistinctRows {
  const lastOf = holdsVersions(source) ? new Map(rows.map((row, i) => [row.eventId, i])) : undefined;
  const byKey = new Map<string, number>();
  const positions: number[] = [];
  rows.forEach((row, i) => {
    const key = keyOf(source, row);
    if (byKey.has(key) || (lastOf !== undefined && lastOf.get(row.eventId) !== i)) return;
    byKey.set(key, positions.push(i) - 1);
  });
  return { distinct: positions.map((i) => rows[i]!), positions, distinctOf: rows.map((row) => byKey.get(keyOf(source, row))!) };
}

/** What must be equal for two rows to be one event, but for the versions of a thing, which are compared by content. */
export function keyOf(source: Source, { eventId, knownAt }: Pick<EventRow, 'eventId' | 'knownAt'>): string {
  return source.knownAt === null ? eventId : `${knownAt} ${eventId}`;
}
