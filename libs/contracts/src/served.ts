import type { FeatureValue } from './features.js';
import type { Instant } from './time.js';
import type { Value } from './types.js';

/** A row of a service as it was served, and what it was computed from: enough to compute it again. */
export interface ServedRow {
  /** When it was answered. */
  readonly servedAt: Instant;
  readonly service: string;
  /** The id of the snapshot whose definitions were read. */
  readonly snapshot: string;
  /** The instant that it is as of. */
  readonly asOf: Instant;
  /** Entity keys and request fields, by name. */
  readonly asked: Readonly<Record<string, Value>>;
  /** Every feature of the service, by name. */
  readonly values: Readonly<Record<string, FeatureValue>>;
  /**
   * By a resolved view's id: the sequence up to which the entity's online row holds all of its events. It is the greatest of
   * those in the row and of those that the view was known to be online up to. 0: there was no row, and nothing was known.
   * Of a view over a computed source: the sum over its stored sources.
   */
  readonly horizons: Readonly<Record<string, number>>;
}
