import { emptyParts, finish, foldRequest } from '@granary/aggregates';
import type { FeatureState, FeatureValue, Instant, Value } from '@granary/contracts';
import type { PlannedFeature, PlannedView } from './plan.js';

type Values = readonly (Value | null)[];

/** What one stored row gives as of an instant. */
export interface ViewValues {
  /** By the features' positions in the view; null: not present, or not asked for. */
  readonly values: Values;
  /** What a null says of a feature that does not include the request. */
  readonly absent: Exclude<FeatureState, 'present'>;
  /** The entity's newest event; null: it has none. */
  readonly eventTime: Instant | null;
  readonly at: Instant;
}

const MISSING: FeatureValue = Object.freeze({ value: null, state: 'missing', eventTime: null });

/**
 * Features of a view from its stored row (null: the entity has none) as of `at`: the same values and states as a training
 * set has. A request that belongs to the window is itself an event of `at`: the entity is then seen, and fresh.
 * `wanted` are positions of features in the view.
 */
export function evaluateView({ features, view, source, eventTime }: PlannedView, wanted: readonly number[], stored: Values | null, request: Readonly<Record<string, Value>>, at: Instant): ViewValues {
  const seen = stored === null ? null : (stored[eventTime] as Instant);
  const absent = seen === null ? 'missing' : isExpired(seen, view.ttlMs, at) ? 'expired' : 'null';
  const values: (Value | null)[] = new Array<Value | null>(features.length).fill(null);
  for (const i of wanted) {
    const planned = features[i]!;
    if (planned.includesRequest) {
      const before = stored === null ? emptyParts(planned.feature) : partsOf(planned, stored);
      values[i] = finish(planned.feature, foldRequest(planned.feature, before, request, at, source), at);
    } else if (absent === 'null') values[i] = finish(planned.feature, partsOf(planned, stored!), at);
  }
  return { values, absent, eventTime: seen, at };
}

/** The feature at a position in its view, with its state. */
export function featureValue(includesRequest: boolean, { values, absent, eventTime, at }: ViewValues, position: number): FeatureValue {
  const value = values[position]!;
  const time = includesRequest ? at : eventTime;
  if (value !== null) return { value, state: 'present', eventTime: time };
  if (includesRequest) return { value, state: 'null', eventTime: time };
  return absent === 'missing' ? MISSING : { value, state: absent, eventTime: time };
}

/** Visible iff event time ≥ at − ttl. */
export function isExpired(eventTime: Instant, ttlMs: number | null, at: Instant): boolean {
  return ttlMs !== null && eventTime < at - ttlMs;
}

function partsOf({ offset, parts }: PlannedFeature, stored: Values): Values {
  return parts.length === 1 ? [stored[offset] ?? null] : stored.slice(offset, offset + parts.length);
}
