import { foldRequest, type EntityState, type Evaluation } from '@granary/aggregates';
import type { FeatureState, FeatureValue, Instant, Value } from '@granary/contracts';
import type { PlannedView } from './plan.js';
import type { PlannedEvaluation } from './planned-evaluation.js';

type Parts = Evaluation['parts'][number];

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

/** What it gives to any request. */
export interface EntityValues extends ViewValues {
  /** Of the features in the evaluation's `inParts`: those that include the request have no value yet. */
  readonly parts: readonly Parts[];
}

const MISSING: FeatureValue = Object.freeze({ value: null, state: 'missing', eventTime: null });

/** Features of a view from the state of an entity as of `at`: the same values and states as a training set has. */
export function evaluateEntity({ features, view }: PlannedView, { evaluate, asDoubles, doubles, inParts }: PlannedEvaluation, state: EntityState | null, at: Instant): EntityValues {
  const { parts, eventTime } = evaluate(state, at, doubles);
  const absent = absence(eventTime, view.ttlMs, at);
  const values = new Array<Value | null>(features.length).fill(null);
  if (absent === 'null') {
    for (let i = 0; i < asDoubles.length; i++) {
      const value = doubles[i]!;
      if (!Number.isNaN(value)) values[asDoubles[i]!] = value;
    }
    for (let i = 0; i < inParts.length; i++) {
      const { includesRequest, finish } = features[inParts[i]!]!;
      if (!includesRequest) values[inParts[i]!] = finish(parts[i]!, at);
    }
  }
  return { values, absent, eventTime, at, parts };
}

/** With a request that belongs to windows: it is itself an event of `at`, and the entity is then seen, and fresh. */
export function withRequest({ features, source }: PlannedView, { inParts }: PlannedEvaluation, entity: EntityValues, request: Readonly<Record<string, Value>>): ViewValues {
  const values = entity.values.slice();
  for (let i = 0; i < inParts.length; i++) {
    const { feature, includesRequest, finish } = features[inParts[i]!]!;
    if (includesRequest) values[inParts[i]!] = finish(foldRequest(feature, entity.parts[i]!, request, entity.at, source), entity.at);
  }
  return { values, absent: entity.absent, eventTime: entity.eventTime, at: entity.at };
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
