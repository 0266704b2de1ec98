import type { Window } from '@granary/contracts';

/**
 * Which ages belong to a window, in whole milliseconds, both ends inclusive: an event of age `t − event time` counts
 * iff `youngest ≤ age ≤ oldest`. Instants are whole milliseconds, so an open bound is a closed one a millisecond on.
 */
export interface AgeRange {
  readonly youngest: number;
  /** Infinity: all of history. */
  readonly oldest: number;
}

/** Null: no instant can lie inside, such as `()` over one millisecond. */
export function ageRange({ sizeMs, delayMs, bounds }: Window): AgeRange | null {
  const oldest = sizeMs === null ? Infinity : delayMs + sizeMs - (bounds.startsWith('[') ? 0 : 1);
  const youngest = delayMs + (bounds.endsWith(']') ? 0 : 1);
  return youngest <= oldest ? { youngest, oldest } : null;
}
