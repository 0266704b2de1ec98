import type { Instant } from './time.js';
import type { Value } from './types.js';

/** present; null (the entity is known, the value is not); missing (entity never seen); expired (older than its TTL). */
export const featureStates = ['present', 'null', 'missing', 'expired'] as const;
export type FeatureState = (typeof featureStates)[number];

/** One feature of one entity as of an instant. `value` is null unless `state` is present. */
export interface FeatureValue {
  readonly value: Value | null;
  readonly state: FeatureState;
  /** The greatest event time among the entity's events in this view; null when missing. */
  readonly eventTime: Instant | null;
}
