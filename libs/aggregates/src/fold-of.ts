import type { Feature, Instant, Scalar, Value } from '@granary/contracts';

/** The values of a feature's parts, in the order of `partsOf`. */
export type Parts = readonly (Value | null)[];

/** An event that is counted, newer than all before. */
export interface CountedEvent {
  /** Of the aggregate's column, never null; null where it reads none. */
  readonly value: Value | null;
  /** Of a ratio's predicate; false where it has none. */
  readonly answer: boolean;
  readonly at: Instant;
}

/** How one aggregate's parts take up an event, and what they come to. */
export interface Fold {
  readonly add: (feature: Feature, parts: Parts, event: CountedEvent) => Parts;
  /** Null: nothing was counted, or too little. */
  readonly finish: (feature: Feature, parts: Parts, at: Instant) => Value | null;
}

/** An array part; of a row that never had it, the empty one. */
export function list<T extends Scalar>(part: Parts[number] | undefined): readonly T[] {
  return (part ?? []) as readonly T[];
}
