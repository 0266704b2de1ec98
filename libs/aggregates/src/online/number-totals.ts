import type { Value } from '@granary/contracts';
import { compareValues } from '../compare.js';
import type { Parts } from '../fold-of.js';
import { emptyParts } from '../parts.js';
import { wholeSum, wholeSumParts } from '../whole-sum.js';
import { maskOf, numbersOf, valueReader, wordsOf, type Batch } from './batch.js';
import type { Compute, ComputeContext } from './compute.js';
import type { EventPlace } from './event-place.js';
import { extremesOf, spreadOf, totalsOf } from './totals.js';

const number = (part: Parts[number] | undefined): number => (typeof part === 'number' ? part : Number(part ?? 0));

const count = ({ place }: ComputeContext): Compute => (batch, from, to, _at, start) => [number(start?.[0]) + totalsOf(batch, place, from, to).count];

/** Of a column of int64. The low and high words add up exactly in doubles for 2²¹ events; so does a column of int32. */
function sumInt64(batch: Batch, place: EventPlace, from: number, to: number): bigint {
  const words = wordsOf(batch, place.column!);
  const mask = maskOf(batch, place);
  let high = 0;
  let low = 0;
  for (let i = from; i < to; i++) {
    if (mask !== null && mask[i] === 0) continue;
    low += words[2 * i]! >>> 0;
    high += words[2 * i + 1]!;
  }
  return BigInt(high) * 4294967296n + BigInt(low);
}

function sum({ feature, place, field }: ComputeContext): Compute {
  const add: (...events: Parameters<typeof sumInt64>) => number | bigint = field!.type.kind === 'int64' ? sumInt64 : (...events) => totalsOf(...events).sum;
  const plus: (before: Parts, total: number | bigint) => Parts =
    feature.type.kind === 'int64' ? (before, total) => wholeSumParts(wholeSum(before) + BigInt(total)) : ([before], total) => [number(before) + Number(total)];
  const nothing = emptyParts(feature);
  return (batch, from, to, _at, start) => (totalsOf(batch, place, from, to).count === 0 ? (start ?? nothing) : plus(start ?? nothing, add(batch, place, from, to)));
}

const avg = ({ place }: ComputeContext): Compute => (batch, from, to, _at, start) => {
  const totals = totalsOf(batch, place, from, to);
  const counted = number(start?.[1]) + totals.count;
  return counted === 0 ? [null, 0] : [number(start?.[0]) + totals.sum, counted];
};

/** `sign` 1: the greatest; −1: the smallest. */
function extreme(sign: 1 | -1): (context: ComputeContext) => Compute {
  return ({ place, field }) => {
    const [read, find] = [valueReader(field!, place.column!), findExtreme(field!.type.kind, sign)];
    return (batch, from, to, _at, start) => {
      const before = start?.[0] ?? null;
      const at = find(batch, place, from, to);
      if (at < 0) return [before];
      const value = read(batch.events, at);
      return [before !== null && compareValues(before, value) * sign >= 0 ? before : value];
    };
  };
}

/** Finds the position of the extreme value; −1: none counts. */
type Find = (batch: Batch, place: EventPlace, from: number, to: number) => number;

function findExtreme(kind: string, sign: 1 | -1): Find {
  if (kind === 'int64') return (batch, place, from, to) => findInt64(sign, batch, place, from, to);
  if (kind === 'string') return (batch, place, from, to) => findText(sign, batch, place, from, to);
  return sign === 1 ? (...events) => extremesOf(...events).greatest : (...events) => extremesOf(...events).least;
}

function findInt64(sign: 1 | -1, batch: Batch, place: EventPlace, from: number, to: number): number {
  const words = wordsOf(batch, place.column!);
  const mask = maskOf(batch, place);
  let found = -1;
  let bestHigh = 0;
  let bestLow = 0;
  for (let i = from; i < to; i++) {
    if (mask !== null && mask[i] === 0) continue;
    const high = words[2 * i + 1]! * sign;
    const low = (words[2 * i]! >>> 0) * sign;
    if (found >= 0 && (high < bestHigh || (high === bestHigh && low <= bestLow))) continue;
    found = i;
    bestHigh = high;
    bestLow = low;
  }
  return found;
}

function findText(sign: 1 | -1, batch: Batch, place: EventPlace, from: number, to: number): number {
  const values = batch.events.columns[place.column!]!.values as Value[];
  const mask = maskOf(batch, place);
  let found = -1;
  for (let i = from; i < to; i++) {
    if ((mask === null || mask[i] === 1) && (found < 0 || compareValues(values[i]!, values[found]!) * sign > 0)) found = i;
  }
  return found;
}

/** With the events before them by Chan, Golub and LeVeque 1979. */
const variance = ({ place }: ComputeContext): Compute => (batch, from, to, _at, start) => {
  const { count: counted, mean, deviation } = spreadOf(batch, place, from, to);
  const before = number(start?.[0]);
  if (counted === 0) return before === 0 ? [0, null, null] : start!;
  if (before === 0) return [counted, mean, deviation];
  const [all, difference] = [before + counted, mean - number(start![1])];
  return [all, number(start![1]) + (difference * counted) / all, number(start![2]) + deviation + (difference * difference * before * counted) / all];
};

const ratio = ({ place }: ComputeContext): Compute => (batch, from, to, _at, start) => {
  const mask = maskOf(batch, place);
  const answers = batch.events.conditions[place.predicate!]!;
  let hits = number(start?.[0]);
  let answered = number(start?.[1]);
  for (let i = from; i < to; i++) {
    // 0 null, 1 true, 2 false; without a branch, which a mixture of answers would make slow.
    const answer = answers[i]! * (mask === null ? 1 : mask[i]!);
    hits += answer & 1;
    answered += (answer + 1) >> 1;
  }
  return [hits, answered];
};

const decayed = ({ feature, place }: ComputeContext): Compute => {
  const halfLife = feature.aggregate.halfLifeMs!;
  return (batch, from, to, at, start) => {
    const { times } = batch.events;
    const values = place.column === null ? null : numbersOf(batch, place.column);
    const mask = maskOf(batch, place);
    const before = start?.[0] ?? null;
    let weight = before === null ? 0 : number(before) * 2 ** ((number(start![1]) - at) / halfLife);
    let counted = before === null ? 0 : 1;
    for (let i = from; i < to; i++) {
      if (mask !== null && mask[i] === 0) continue;
      weight += (values === null ? 1 : values[i]!) * 2 ** ((times[i]! - at) / halfLife);
      counted++;
    }
    return counted === 0 ? [null, null] : [weight, at];
  };
};

export const numberTotals = {
  count,
  sum,
  avg,
  min: extreme(-1),
  max: extreme(1),
  varianceSample: variance,
  variancePopulation: variance,
  stddevSample: variance,
  stddevPopulation: variance,
  ratio,
  rate: count,
  decayedCount: decayed,
  decayedSum: decayed,
} as const;
