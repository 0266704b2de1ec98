import type { Instant } from '@granary/contracts';
import type { EntityState } from './entity-state.js';
import type { EventColumns } from './event-schema.js';
import type { Timeline } from './timeline.js';

/** An event has happened and is known as of `at`, and no newer version of it is. */
export function isVisible({ times, known, until }: EventColumns, i: number, at: Instant): boolean {
  return times[i]! <= at && (known === null || (known[i]! <= at && until![i]! > at));
}

/** An event is visible as of `at`, and from then on. */
export function isSettled({ times, known, until }: EventColumns, i: number, at: Instant): boolean {
  return times[i]! <= at && (known === null || (known[i]! <= at && until![i] === Infinity));
}

/** Whether the state's row holds the event in its totals over ages from `youngest` on. */
export function isFolded({ row, asOf }: EntityState, { events, fresh }: Timeline, i: number, youngest: number): boolean {
  return row !== null && (fresh === null || fresh[i] === 0) && asOf - events.times[i]! >= youngest && isSettled(events, i, asOf);
}

/** Whether the entity's newest event as of some later instant is `i`, the newest one of the timeline, and not the one whose time is in the row. */
export function isNewerThanRow(state: EntityState, timeline: Timeline, i: number, knownAtColumn: boolean): boolean {
  const time = (state.row?.[0] ?? null) as number | null;
  if (time === null) return true;
  // What the row says it says of this very event, or of one after it.
  if (isFolded(state, timeline, i, 0)) return false;
  const { times, known } = timeline.events;
  if (times[i] !== time) return times[i]! > time;
  // Of this time and known at the same instant: it came later, or the log holds the row's event too, before it.
  return !knownAtColumn || known![i]! >= (state.row![1] as number);
}
