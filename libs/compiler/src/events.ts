import { EVENT, eventsTable, identifier, type Source } from '@granary/contracts';
import { EVENTS } from './parts.js';
import { column } from './emit.js';

/** `FROM events_x AS e`. */
export function fromEvents(source: Source): string {
  return `FROM ${identifier(eventsTable(source))} AS ${identifier(EVENTS)}`;
}

/**
 * Keeps, of each event, the version that was known last, within `by` (SQL of the group it is judged in). Empty for a
 * source without known-at, where an id has one version.
 */
export function newestVersion(source: Source, by: readonly string[]): string {
  if (source.knownAt === null) return '';
  const e = (name: string): string => column(EVENTS, name);
  return `\nORDER BY ${e(EVENT.knownAt)} DESC, ${e(EVENT.sequence)} DESC\nLIMIT 1 BY ${[...by, e(EVENT.id)].join(', ')}`;
}
