import { isInteger, valueMap, type AggregateFunction, type Feature, type FeatureView, type FieldType, type Value } from '@granary/contracts';

/**
 * What is stored of a feature, offline and online: enough to finish its value and, where its window includes the
 * request, to add one more event. Most aggregates are a fold of that kind by themselves: an avg is a sum and a count, a
 * variance is Welford's count, mean and sum of squared deviations. Those that need every value (distinct, topK,
 * percentile) store their finished value, and all they were given only where a request is to be added.
 */
export interface Part {
  /** Unique within the view. */
  readonly name: string;
  readonly type: FieldType;
  readonly nullable: boolean;
  readonly role: PartRole;
}

/** How a part is folded from the counted events. */
export type PartRole =
  /** How many; of a ratio, those whose predicate is true or false. */
  | 'count'
  /** For how many the predicate of a ratio is true. */
  | 'hits'
  /** Of integers: modulo 2⁶⁴, with a `carry`. */
  | 'sum'
  /** How many times 2⁶⁴ is to be added to a sum of integers: of one within int64 none. */
  | 'carry'
  | 'mean'
  /** The sum of squared differences from the mean. */
  | 'deviation'
  | 'min'
  | 'max'
  | 'first'
  | 'last'
  | 'latest'
  /** The newest values, newest first. */
  | 'newest'
  /** The time of the newest event. */
  | 'time'
  /** The events' weights, or weighted values, added up as of `asOf`. */
  | 'weight'
  | 'asOf'
  /** The distinct values, as `distinctKey` writes them, in the order of these texts. */
  | 'distinct'
  | 'distinctCount'
  /** A sketch of the values (`SKETCH_SIZE`), and what it comes to. */
  | 'sketch'
  | 'approximateCount'
  /** topK's values, rising; and how often each occurs. */
  | 'values'
  | 'counts'
  /** topK's result. */
  | 'top'
  /** countBy's result: how often each value occurs, by its text. */
  | 'histogram'
  /** All values, rising. */
  | 'all'
  /** percentile's result. */
  | 'quantile'
  /** The values' buckets (`bucketOf`), rising, with `counts` of how many values each has; and approxPercentile's result. */
  | 'buckets'
  | 'approximateQuantile';

/** Of an aggregate that is no fold by itself: what is stored without the request, and with it. */
interface Holistic {
  readonly alone: readonly PartRole[];
  readonly withRequest: readonly PartRole[];
}

const VARIANCE: readonly PartRole[] = ['count', 'mean', 'deviation'];
const INTEGER_SUM: readonly PartRole[] = ['sum', 'carry'];
const DECAYED: readonly PartRole[] = ['weight', 'asOf'];

const ROLES: Readonly<Record<AggregateFunction, readonly PartRole[] | Holistic>> = {
  latest: ['latest'],
  count: ['count'],
  sum: ['sum'],
  avg: ['sum', 'count'],
  min: ['min'],
  max: ['max'],
  varianceSample: VARIANCE,
  variancePopulation: VARIANCE,
  stddevSample: VARIANCE,
  stddevPopulation: VARIANCE,
  countDistinct: { alone: ['distinctCount'], withRequest: ['distinct'] },
  approxCountDistinct: { alone: ['approximateCount'], withRequest: ['sketch'] },
  first: ['first'],
  last: ['last'],
  lastN: ['newest'],
  timeSinceLast: ['time'],
  topK: { alone: ['top'], withRequest: ['values', 'counts'] },
  countBy: ['histogram'],
  ratio: ['hits', 'count'],
  rate: ['count'],
  percentile: { alone: ['quantile'], withRequest: ['all'] },
  approxPercentile: { alone: ['approximateQuantile'], withRequest: ['buckets', 'counts'] },
  decayedCount: DECAYED,
  decayedSum: DECAYED,
};

/** The parts of one feature, in storage order. */
export function partsOf(feature: Feature): readonly Part[] {
  const roles = rolesOf(feature);
  return roles.map((role) => ({
    name: roles.length === 1 ? feature.name : `${feature.name}__${role}`,
    type: partType(role, feature.type),
    nullable: emptyPart(role, feature.type) === null,
    role,
  }));
}

/** The parts of a view's row, in storage order. */
export function viewParts(view: Pick<FeatureView, 'features'>): readonly Part[] {
  return view.features.flatMap(partsOf);
}

/** The parts of an empty window. */
export function emptyParts(feature: Feature): readonly (Value | null)[] {
  return rolesOf(feature).map((role) => emptyPart(role, feature.type));
}

function rolesOf({ aggregate, type }: Feature): readonly PartRole[] {
  if (aggregate.fn === 'sum' && isInteger(type)) return INTEGER_SUM;
  const roles = ROLES[aggregate.fn];
  if ('alone' in roles) return aggregate.window?.includeRequest === true ? roles.withRequest : roles.alone;
  return roles;
}

function partType(role: PartRole, type: FieldType): FieldType {
  switch (role) {
    case 'count':
    case 'hits':
    case 'carry':
      return { kind: 'int32' };
    case 'time':
    case 'asOf':
      return { kind: 'timestamp' };
    case 'distinct':
      return { kind: 'array', of: { kind: 'string' } };
    case 'counts':
    case 'buckets':
      return { kind: 'array', of: { kind: 'int32' } };
    case 'sketch':
    case 'all':
      return { kind: 'array', of: { kind: 'float64' } };
    default:
      return type;
  }
}

/** Arrays and maps have no null, neither in ClickHouse nor here. */
function emptyPart(role: PartRole, type: FieldType): Value | null {
  const stored = partType(role, type);
  if (stored.kind === 'array') return [];
  if (stored.kind === 'map') return valueMap([]);
  return role === 'count' || role === 'hits' || role === 'distinctCount' || role === 'approximateCount' ? 0 : null;
}
