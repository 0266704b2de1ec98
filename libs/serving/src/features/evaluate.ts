import { foldRequest, type Evaluation } from '@granary/aggregates';
import type { FeatureState, FeatureValue, Instant, Value } from '@granary/contracts';
import type { PlannedView } from './plan.js';

type Values = readonly (Value | null)[];

/** What an entity's state gives as of an instant. */
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
 * Features of a view from what its state comes to as of `at`: the same values and states as a training set has. A request
 * that belongs to the window is itself an event of `at`: the entity is then seen, and fresh.
 * `wanted` are positions of features in the view.
 */
export function evaluateView({ features, view, source }: PlannedView, wanted: readonly number[], { parts, eventTime }: Evaluation, request: Readonly<Record<string, Value>>, at: Instant): ViewValues {
  const absent = absence(eventTime, view.ttlMs, at);
  const values: (Value | null)[] = new Array<Value | null>(features.length).fill(null);
  for (const i of wanted) {
    const { feature, includesRequest, finish } = features[i]!;
    if (includesRequest) values[i] = finish(foldRequest(feature, parts[i]!, request, at, source), at);
    else if (absent === 'null') values[i] = finish(parts[i]!, at);
  }
  return { values, absent, eventTime, at };
}

/** Features of a view that are all `latest`, where the row of its base says it all. */
export function latestValues({ features, view }: PlannedView, row: readonly (Value | null)[], at: Instant): ViewValues {
  const eventTime = row[0] as Instant | null;
  const absent = absence(eventTime, view.ttlMs, at);
  const values = new Array<Value | null>(features.length).fill(null);
  if (absent === 'null') {
    for (let i = 0; i < features.length; i++) {
      const { at: position, whenEmpty } = features[i]!;
      const value = row[position]!;
      values[i] = value === null || (typeof value === 'number' && !Number.isFinite(value)) ? whenEmpty : value;
    }
  }
  return { values, absent, eventTime, at };
}

function absence(eventTime: Instant | null, ttlMs: number | null, at: Instant): ViewValues['absent'] {
  if (eventTime === null) return 'missing';
  return isExpired(eventTime, ttlMs, at) ? 'expired' : 'null';
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
