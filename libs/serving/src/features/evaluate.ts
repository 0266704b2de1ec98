import { emptyParts, finish, foldRequest } from '@granary/aggregates';
import type { FeatureValue, Instant, Value } from '@granary/contracts';
import type { PlannedFeature, PlannedView } from './plan.js';

type Values = readonly (Value | null)[];

const MISSING: FeatureValue = Object.freeze({ value: null, state: 'missing', eventTime: null });

/**
 * A feature from its view's stored row (null: the entity has none) as of `at`: the same value and state as a training
 * set has. A request that belongs to the window is itself an event of `at`: the entity is then seen, and fresh.
 */
export function evaluateFeature(planned: PlannedFeature, { view, eventTime }: PlannedView, stored: Values | null, request: Readonly<Record<string, Value>>, at: Instant): FeatureValue {
  const { feature } = planned;
  if (planned.includesRequest) {
    const before = stored === null ? emptyParts(feature) : partsOf(planned, stored);
    return finished(planned, foldRequest(feature, before, request, at), at, at);
  }
  if (stored === null) return MISSING;
  const seen = stored[eventTime] as Instant;
  if (isExpired(seen, view.ttlMs, at)) return { value: null, state: 'expired', eventTime: seen };
  return finished(planned, partsOf(planned, stored), at, seen);
}

/** Visible iff event time ≥ at − ttl. */
export function isExpired(eventTime: Instant, ttlMs: number | null, at: Instant): boolean {
  return ttlMs !== null && eventTime < at - ttlMs;
}

function partsOf({ offset, parts }: PlannedFeature, stored: Values): Values {
  return parts === 1 ? [stored[offset] ?? null] : stored.slice(offset, offset + parts);
}

function finished({ feature }: PlannedFeature, parts: Values, at: Instant, eventTime: Instant): FeatureValue {
  const value = finish(feature, parts, at);
  if (value !== null) return { value, state: 'present', eventTime };
  // Arrays are never null offline, where ClickHouse has no nullable arrays.
  return feature.type.kind === 'array' ? { value: [], state: 'present', eventTime } : { value: null, state: 'null', eventTime };
}
