import type { Instant, Value } from '@granary/contracts';
import type { EventColumns, TailEvent } from './event-schema.js';

/**
 * What is kept online of an entity in a view: a base, which is all that the events with sequence ≤ `sequence` come to for
 * reads at or after `asOf`, and a tail of events after it.
 */
export interface EntityState {
  readonly sequence: number;
  readonly asOf: Instant;
  /** In the order of the representation's `row`. Null: there is no base yet, and the log is empty. */
  readonly row: readonly (Value | null)[] | null;
  readonly log: EventColumns;
  /** In any order; an event may be there twice, or be in the base already. */
  readonly tail: readonly TailEvent[];
}
