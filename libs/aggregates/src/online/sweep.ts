import type { Aggregate, AggregateFunction, Instant } from '@granary/contracts';
import type { Batch } from './batch.js';
import type { EventPlace } from './event-place.js';

/** The positions in a batch where windows begin and end. */
export interface Bounds {
  readonly from: Int32Array;
  readonly to: Int32Array;
}

/**
 * Writes the values of some features, which are numbers, to their places in `out`; NaN is null. Of windows with one near end each
 * goes on where a shorter one ended, so that a sweep meets an event once for all of them.
 */
export type Sweep = (batch: Batch, bounds: Bounds, at: Instant, out: Float64Array) => void;

/** Makes a sweep of features that read one place of events. */
export type BuildSweep = (place: EventPlace, steps: readonly SweepStep[]) => Sweep;

/** Of one window the features that a sweep gives; of steps whose windows have one near end the shorter ones come first. */
export interface SweepStep {
  /** Its position among the bounds. */
  readonly window: number;
  readonly features: readonly SweptFeature[];
}

export interface SweptFeature {
  readonly aggregate: Aggregate;
  readonly fn: AggregateFunction;
  /** Where its value goes. */
  readonly to: number;
  /** Its value where nothing is counted, or too little. */
  readonly whenEmpty: number;
  /** Its value where what is counted comes to no finite number. */
  readonly whenInfinite: number;
}

/** Where the events end that the steps before have not counted; where the window itself does, there are no such steps. */
export function newEnd({ from, to }: Bounds, steps: readonly SweepStep[], step: number): number {
  const { window } = steps[step]!;
  if (step === 0) return to[window]!;
  const before = steps[step - 1]!.window;
  return to[before] === to[window] && from[before]! >= from[window]! ? from[before]! : to[window]!;
}

export function finite(value: number, { whenInfinite }: SweptFeature): number {
  return Number.isFinite(value) ? value : whenInfinite;
}
