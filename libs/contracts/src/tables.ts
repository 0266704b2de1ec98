import type { Source, VersionedView } from './definitions.js';
import type { FieldType } from './types.js';

/** Columns that every table of events has beside the source's own fields. */
export const EVENT = {
  /** String: the declared id, or the hash of the row's content. */
  id: '__event_id',
  /** DateTime64(3, 'UTC'). */
  time: '__event_time',
  /** DateTime64(3, 'UTC'); the event time where the source declares none. */
  knownAt: '__known_at',
  /** UInt64: order of arrival within the source, from 1. */
  sequence: '__sequence',
} as const;

/** Columns that every table of backfilled feature values has beside the entity's keys and the features' parts. */
export const BACKFILL = {
  /** DateTime64(3, 'UTC'): the instant the row is as of. */
  asOf: '__as_of',
  /** DateTime64(3, 'UTC'): the greatest event time the entity had by then. */
  eventTime: '__event_time',
  /** UInt64: how many events had arrived for the run that wrote the row; of two rows of one entity and instant the greater counts. */
  sequence: '__sequence',
  /** UInt8: 1 marks that the entity has no row any more. */
  deleted: '__deleted',
} as const;

/** Columns of an entity's state as ClickHouse computes it, beside the keys and the row: of the log's events, arrays of one length, ascending. */
export const LOG = {
  /** Array(Int64): epoch milliseconds. */
  time: '__log_time',
  /** Array(Int64); only where the source declares knownAt, as the next. */
  known: '__log_known',
  /** Array(Float64): when the next version became known; inf: there is none. */
  until: '__log_until',
  /** Array(UInt8). */
  condition: (position: number): string => `__log_condition_${position}`,
  /** Of each run of columns (`runsOf`) the values of each event: Array(Array(the type, Nullable where it may be)). */
  run: (position: number): string => `__log_run_${position}`,
} as const;

/**
 * Of an entity's state as ClickHouse computes it, the row's columns that hold values of the newest event, by runs of neighbours
 * (`runsOf`): Array(the type, Nullable where it may be), empty without such an event. Arrays pass a join many times faster than
 * the columns would.
 */
export function latestRun(position: number): string {
  return `__latest_run_${position}`;
}

/** Columns cut into runs of neighbours of one type: what is said in SQL once for a run is planned many times faster than for each column. */
export function runsOf<T extends { readonly type: FieldType; readonly nullable: boolean }>(columns: readonly T[]): readonly (readonly T[])[] {
  const runs: T[][] = [];
  for (const column of columns) {
    const run = runs.at(-1);
    if (run !== undefined && run[0]!.nullable === column.nullable && sameType(run[0]!.type, column.type)) run.push(column);
    else runs.push([column]);
  }
  return runs;
}

function sameType(a: FieldType, b: FieldType): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

export function eventsTable(source: Pick<Source, 'name'>): string {
  return `events_${source.name}`;
}

export function quarantineTable(source: Pick<Source, 'name'>): string {
  return `quarantine_${source.name}`;
}

export function backfillTable(view: Pick<VersionedView, 'name' | 'version'>): string {
  return `features_${view.name}_${view.version}`;
}
