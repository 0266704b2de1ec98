import { EVENT, eventsTable, identifier, type Source } from '@granary/contracts';
import { column } from './emit.js';

/** The alias of the events in every statement. */
export const EVENTS = 'e';

const SUPERSEDED = '__superseded_at';

/**
 * `(SELECT …) AS e`: a source's events with the named fields. Each version of a corrected event also carries when the
 * next one became known, over all keys and times: a correction may move an event to another entity or instant.
 */
export function emitEvents(source: Source, fields: readonly string[]): string {
  const columns = [...new Set([EVENT.id, EVENT.time, EVENT.knownAt, EVENT.sequence, ...fields])].map(identifier);
  const [id, knownAt, sequence] = [EVENT.id, EVENT.knownAt, EVENT.sequence].map(identifier);
  const superseded =
    source.knownAt === null
      ? []
      : [
          `leadInFrame(toNullable(${knownAt})) OVER (PARTITION BY ${id} ORDER BY ${knownAt}, ${sequence} ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS ${identifier(SUPERSEDED)}`,
        ];
  return `(
  SELECT ${[...columns, ...superseded].join(', ')}
  FROM ${identifier(eventsTable(source))}
) AS ${identifier(EVENTS)}`;
}

/** SQL for: the event had happened and was known at `instant`, and no correction of it was known by then. */
export function emitVisible(source: Source, instant: string): string {
  const e = (name: string): string => column(EVENTS, name);
  const visible = `${e(EVENT.time)} <= ${instant} AND ${e(EVENT.knownAt)} <= ${instant}`;
  return source.knownAt === null ? visible : `${visible} AND (${emitCurrent(source)} OR ${e(SUPERSEDED)} > ${instant})`;
}

/** SQL for: the event's last version. */
export function emitCurrent(source: Source): string {
  return source.knownAt === null ? 'true' : `${column(EVENTS, SUPERSEDED)} IS NULL`;
}
