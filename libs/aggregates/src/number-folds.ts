import type { Aggregate, Feature, Instant } from '@granary/contracts';
import type { CountedEvent, Fold, Parts } from './fold-of.js';
import { lengthAt } from './window.js';
import { wholeSum, wholeSumParts } from './whole-sum.js';

const number = (value: Parts[number] | undefined): number => Number(value ?? 0);

const count: Fold = {
  add: (_feature, [events]) => [number(events) + 1],
  finish: (_feature, parts) => (number(parts[0]) === 0 ? null : parts[0]!),
};

const sum: Fold = {
  add: ({ type }, parts, { value }) => (type.kind === 'int64' ? wholeSumParts(wholeSum(parts) + BigInt(value as number | bigint)) : [number(parts[0]) + Number(value)]),
  // What is beyond int64 is as infinite as what is beyond float64.
  finish: (_feature, [total, carry]) => (number(carry) === 0 ? (total ?? null) : number(carry) * Infinity),
};

const avg: Fold = {
  add: (_feature, [total, events], { value }) => [number(total) + Number(value), number(events) + 1],
  finish: (_feature, parts) => (number(parts[1]) === 0 ? null : number(parts[0]) / number(parts[1])),
};

/** Welford 1962: adding an event loses no digits, however small the variance is beside the mean. */
function addToVariance(_feature: Feature, [events, mean, deviation]: Parts, { value }: CountedEvent): Parts {
  const before = number(events);
  const difference = Number(value) - number(mean);
  return [before + 1, number(mean) + difference / (before + 1), number(deviation) + (difference * difference * before) / (before + 1)];
}

function variance({ fewer, root }: SpreadKind): Fold {
  return {
    add: addToVariance,
    finish: (_feature, parts) => (number(parts[0]) <= fewer ? null : spreadValue(number(parts[0]), number(parts[2]), fewer, root)),
  };
}

/** How a variance or standard deviation follows from a count and a sum of squared differences: of a sample of n it is of n − 1. */
export interface SpreadKind {
  readonly fewer: 0 | 1;
  readonly root: boolean;
}

export const SPREADS = {
  varianceSample: { fewer: 1, root: false },
  variancePopulation: { fewer: 0, root: false },
  stddevSample: { fewer: 1, root: true },
  stddevPopulation: { fewer: 0, root: true },
} as const satisfies Readonly<Record<string, SpreadKind>>;

/** Of more than `fewer` events. */
export function spreadValue(events: number, deviation: number, fewer: number, root: boolean): number {
  const variance = deviation / (events - fewer);
  return root ? Math.sqrt(variance) : variance;
}

const ratio: Fold = {
  add: (_feature, [hits, events], { answer }) => [number(hits) + (answer ? 1 : 0), number(events) + 1],
  finish: (_feature, parts) => (number(parts[1]) === 0 ? null : number(parts[0]) / number(parts[1])),
};

const rate: Fold = {
  add: count.add,
  finish: ({ aggregate }, parts, at) => (number(parts[0]) === 0 ? null : rateValue(number(parts[0]), aggregate, at)),
};

export function rateValue(events: number, { unitMs, window }: Aggregate, at: Instant): number {
  return (events * unitMs!) / lengthAt(window!, at)!;
}

/** A weight, or weighted sum, as of an instant `later` than it was added up for. */
function decay({ halfLifeMs }: Aggregate, weight: Parts[number] | undefined, asOf: Parts[number] | undefined, later: Instant): number {
  return weight == null ? 0 : number(weight) * 2 ** -((later - number(asOf)) / halfLifeMs!);
}

function decayed(weight: (event: CountedEvent) => number): Fold {
  return {
    add: ({ aggregate }, [before, asOf], event) => [decay(aggregate, before, asOf, event.at) + weight(event), event.at],
    finish: ({ aggregate }, [before, asOf], at) => (before === null ? null : decay(aggregate, before, asOf, at)),
  };
}

export const numberFolds = {
  count,
  sum,
  avg,
  varianceSample: variance(SPREADS.varianceSample),
  variancePopulation: variance(SPREADS.variancePopulation),
  stddevSample: variance(SPREADS.stddevSample),
  stddevPopulation: variance(SPREADS.stddevPopulation),
  ratio,
  rate,
  decayedCount: decayed(() => 1),
  decayedSum: decayed(({ value }) => Number(value)),
} as const;
