import type { Instant, Window } from '@granary/contracts';

/**
 * Which ages belong to a window, in whole milliseconds, both ends inclusive: an event of age `t − event time` counts
 * iff `youngest ≤ age ≤ oldest`. Instants are whole milliseconds, so an open bound is a closed one a millisecond on.
 */
export interface AgeRange {
  readonly youngest: number;
  /** Infinity: all of history. Of a window with a hop the oldest at any instant: `oldestAt` says which it is at one. */
  readonly oldest: number;
  readonly hopMs?: number;
}

/** Null: no instant can lie inside, such as `()` over one millisecond. */
export function ageRange({ sizeMs, delayMs, bounds, hopMs }: Window): AgeRange | null {
  const oldest = sizeMs === null ? Infinity : delayMs + sizeMs - (bounds.startsWith('[') ? 0 : 1);
  const youngest = delayMs + (bounds.endsWith(']') ? 0 : 1);
  if (youngest > oldest) return null;
  return hopMs === undefined ? { youngest, oldest } : { youngest, oldest: oldest + hopMs - 1, hopMs };
}

/** The oldest age that belongs to a window as of an instant: with a hop its far end lies on a multiple of it. */
export function oldestAt({ oldest, hopMs }: Pick<AgeRange, 'oldest' | 'hopMs'>, at: Instant): number {
  return hopMs === undefined ? oldest : at - hopStart(at - (oldest - hopMs + 1), hopMs);
}

/** The beginning of the hop in which an instant lies. */
export function hopStart(instant: Instant, hopMs: number): Instant {
  return Math.floor(instant / hopMs) * hopMs;
}

/** How long a window is as of an instant, both ends counted; null: all of history. */
export function lengthAt({ sizeMs, delayMs, hopMs }: Window, at: Instant): number | null {
  return sizeMs === null || hopMs === undefined ? sizeMs : at - delayMs - hopStart(at - delayMs - sizeMs, hopMs);
}
