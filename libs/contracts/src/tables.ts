import type { Source, VersionedView } from './definitions.js';

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

export function eventsTable(source: Pick<Source, 'name'>): string {
  return `events_${source.name}`;
}

export function quarantineTable(source: Pick<Source, 'name'>): string {
  return `quarantine_${source.name}`;
}

export function backfillTable(view: Pick<VersionedView, 'name' | 'version'>): string {
  return `features_${view.name}_${view.version}`;
}
