import type { Source } from '@granary/contracts';

/** Why an event is not stored whose id names a stored one with other content: for its sender, and for the dead letters. */
export function conflictReason(source: Pick<Source, 'eventId' | 'knownAt'>, differs: readonly string[]): string {
  return `${CONFLICT}: the event of this ${[...source.eventId, ...(source.knownAt === null ? [] : [source.knownAt])].join(', ')} is stored already, with other content in ${differs.join(', ')}`;
}

/** The same of many events. */
export function conflictMistake(differs: readonly string[]): string {
  return `${CONFLICT}: stored already, with other content in ${differs.join(', ')}`;
}

const CONFLICT = 'conflict';
