import type { AggregateFunction, Feature, Value } from '@granary/contracts';
import { literalValue } from '../expression/compile.js';
import { compileFinish } from '../fold.js';
import { emptyParts } from '../parts.js';
import type { AgeRange } from '../window.js';
import type { EventPlace } from './event-place.js';
import type { EventSchema } from './event-schema.js';
import type { BuildSweep, Sweep, SweptFeature } from './sweep.js';
import { sweepAnswers, sweepDistinct, sweepNewest, sweepOldest } from './sweep-counts.js';
import { sweepMoments } from './sweep-moments.js';

/** Features of one builder that read one place share a sweep. */
const SWEEPS: Readonly<Partial<Record<AggregateFunction, BuildSweep>>> = {
  count: sweepMoments,
  rate: sweepMoments,
  sum: sweepMoments,
  avg: sweepMoments,
  min: sweepMoments,
  max: sweepMoments,
  varianceSample: sweepMoments,
  variancePopulation: sweepMoments,
  stddevSample: sweepMoments,
  stddevPopulation: sweepMoments,
  ratio: sweepAnswers,
  countDistinct: sweepDistinct,
  approxCountDistinct: sweepDistinct,
  first: sweepOldest,
  last: sweepNewest,
  timeSinceLast: sweepNewest,
};
const BUILDERS = [...new Set(Object.values(SWEEPS))];

/** A feature that a sweep can give. */
export interface WindowFeature {
  readonly feature: Feature;
  readonly place: EventPlace;
  /** Its window's position among the windows. */
  readonly window: number;
  /** Where its value goes. */
  readonly to: number;
}

/** Whether all values of the feature are doubles, or null: the others are texts, bools, lists, maps, and integers beyond what a double holds. */
export function isDouble({ type }: Feature): boolean {
  return type.kind === 'int32' || type.kind === 'float32' || type.kind === 'float64' || type.kind === 'timestamp';
}

/** Whether a sweep can give it. */
export function isSwept(feature: Feature, { column }: EventPlace, { columns }: EventSchema): boolean {
  const build = SWEEPS[feature.aggregate.fn];
  if (build === undefined || !isDouble(feature)) return false;
  if (build !== sweepDistinct) return true;
  // Doubles tell the values of all others apart; but what is hashed of an enum is its text.
  const others = feature.aggregate.fn === 'approxCountDistinct' ? ['string', 'int64', 'enum'] : ['string', 'int64'];
  return !others.includes(columns[column!]!.type.kind);
}

/** `windows` are in the order of the bounds; null: one that holds nothing ever. */
export function compileSweeps(features: readonly WindowFeature[], windows: readonly (AgeRange | null)[]): readonly Sweep[] {
  const groups = new Map<string, WindowFeature[]>();
  for (const each of features) {
    const key = JSON.stringify([BUILDERS.indexOf(builderOf(each)), each.place]);
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()].map((group) => {
    const used = [...new Set(group.map(({ window }) => window))].sort((a, b) => byReach(windows[a]!, windows[b]!));
    const steps = used.map((window) => ({ window, features: group.filter((each) => each.window === window).map(sweptFeature) }));
    return builderOf(group[0]!)(group[0]!.place, steps);
  });
}

function builderOf({ feature }: WindowFeature): BuildSweep {
  const build = SWEEPS[feature.aggregate.fn];
  if (build === undefined) throw new Error(`no sweep gives ${feature.name}, a ${feature.aggregate.fn}`);
  return build;
}

function byReach(a: AgeRange | null, b: AgeRange | null): number {
  return (a?.youngest ?? 0) - (b?.youngest ?? 0) || (a === null ? 0 : a.oldest) - (b === null ? 0 : b.oldest);
}

function sweptFeature({ feature, to }: WindowFeature): SweptFeature {
  const { aggregate } = feature;
  const { default: fallback, fn } = aggregate;
  const [whenEmpty, whenInfinite] = [compileFinish(feature)(emptyParts(feature), 0), fallback === null ? null : literalValue(fallback)];
  return { aggregate, fn, to, whenEmpty: doubleOf(whenEmpty), whenInfinite: doubleOf(whenInfinite) };
}

/** Of a value of a feature that `isDouble`. */
export function doubleOf(value: Value | null): number {
  return value === null ? NaN : (value as number);
}
