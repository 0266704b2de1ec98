import { valueMap, type AggregateFunction, type Feature, type Instant, type Scalar } from '@granary/contracts';
import { compareValues } from '../compare.js';
import type { Parts } from '../fold-of.js';
import { wholeSum, wholeSumParts } from '../whole-sum.js';
import { ageRange, oldestAt } from '../window.js';
import type { EntityState } from './entity-state.js';
import { arrayOf, columnsOf, firstFrom } from './fold-tiles.js';
import { countsFrom, hopCounts, hopLists, valuesFrom, type HopLists } from './hop-lists.js';
import { sketchFrom } from './hop-sketches.js';
import type { TiledFeature } from './represent-tiles.js';

/** The parts of what counts in the hops from `from` on; `columns` are those of its total, `counts` how many count in each hop: some do. */
type Merge = (columns: readonly (readonly Scalar[])[], counts: readonly number[], from: number) => Parts;

/** Makes, once for a feature, the function that gives what a window's hops come to as of an instant; null: nothing counts in them. */
export function compileMergeTiles({ aggregate: { fn, window } }: Feature, { group, total }: TiledFeature): (state: EntityState, at: Instant) => Parts | null {
  const merge = MERGES[fn];
  if (merge === undefined) throw new Error(`${fn} has no totals that merge hop by hop`);
  const ages = ageRange(window!)!;
  return ({ row }, at) => {
    const counts = arrayOf(row, total.countsAt) as readonly number[];
    const from = firstFrom(arrayOf(row, group.startsAt) as readonly number[], at - oldestAt(ages, at));
    if (totalOf(counts, from) === 0) return null;
    return merge(columnsOf(row, total), counts, from);
  };
}

function totalOf(values: readonly Scalar[], from: number): number {
  let total = 0;
  for (let i = from; i < values.length; i++) total += values[i] as number;
  return total;
}

function totalOfInt64(values: readonly Scalar[], from: number): bigint {
  let total = 0n;
  for (let i = from; i < values.length; i++) total += values[i] as bigint;
  return total;
}

/** Hops in which nothing counts add 0 to it. */
const add: Merge = (columns, _counts, from) => columns.map((values) => totalOf(values, from));

const sum: Merge = (columns, counts, from) => {
  const [sums, carries] = columns;
  return carries === undefined ? add(columns, counts, from) : wholeSumParts(wholeSum([totalOfInt64(sums!, from), totalOf(carries, from)]));
};

function extreme(sign: 1 | -1): Merge {
  return ([values], counts, from) => {
    let best: Scalar | null = null;
    for (let i = from; i < counts.length; i++) if (counts[i] !== 0 && (best === null || compareValues(values![i]!, best) * sign > 0)) best = values![i]!;
    return [best];
  };
}

/** Chan, Golub and LeVeque 1979. */
const variance: Merge = ([counts, means, deviations], _, from) => {
  let [counted, mean, deviation] = [0, 0, 0];
  for (let i = from; i < counts!.length; i++) {
    const more = counts![i] as number;
    if (more === 0) continue;
    const [all, difference] = [counted + more, counted === 0 ? 0 : (means![i] as number) - mean];
    mean = counted === 0 ? (means![i] as number) : mean + (difference * more) / all;
    deviation += (deviations![i] as number) + (difference * difference * counted * more) / all;
    counted = all;
  }
  return [counted, mean, deviation];
};

/** All weights are as of the instant of the base. */
const decayed: Merge = ([weights, asOf], counts, from) => [totalOf(weights!, from), asOf![counts.findIndex((count, i) => i >= from && count !== 0)]!];

const sketch: Merge = (columns, _counts, from) => [sketchFrom(hopLists(columns) as HopLists<number>, from)];

const distinct: Merge = (columns, _counts, from) => [valuesFrom(hopLists(columns), from)];

const valueCounts: Merge = (columns, _counts, from) => countsFrom(hopCounts(columns), from);

const histogram: Merge = (columns, _counts, from) => {
  const [values, counts] = countsFrom(hopCounts(columns), from);
  return [valueMap(values.map((value, i) => [String(value), counts[i]!]))];
};

const MERGES: Readonly<Partial<Record<AggregateFunction, Merge>>> = {
  count: add,
  sum,
  avg: add,
  min: extreme(-1),
  max: extreme(1),
  varianceSample: variance,
  variancePopulation: variance,
  stddevSample: variance,
  stddevPopulation: variance,
  countDistinct: distinct,
  approxCountDistinct: sketch,
  topK: valueCounts,
  countBy: histogram,
  approxPercentile: valueCounts,
  ratio: add,
  rate: add,
  decayedCount: decayed,
  decayedSum: decayed,
};
