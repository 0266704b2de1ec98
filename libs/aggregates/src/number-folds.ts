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

function variance(fewer: 0 | 1, value: (variance: number) => number): Fold {
  return {
    add: addToVariance,
    finish: (_feature, parts) => (number(parts[0]) <= fewer ? null : value(number(parts[2]) / (number(parts[0]) - fewer))),
  };
}

const ratio: Fold = {
  add: (_feature, [hits, events], { answer }) => [number(hits) + (answer ? 1 : 0), number(events) + 1],
  finish: (_feature, parts) => (number(parts[1]) === 0 ? null : number(parts[0]) / number(parts[1])),
};

const rate: Fold = {
  add: count.add,
  finish: ({ aggregate }, parts, at) => (number(parts[0]) === 0 ? null : (number(parts[0]) * aggregate.unitMs!) / lengthAt(aggregate.window!, at)!),
};

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
  varianceSample: variance(1, (value) => value),
  variancePopulation: variance(0, (value) => value),
  stddevSample: variance(1, Math.sqrt),
  stddevPopulation: variance(0, Math.sqrt),
  ratio,
  rate,
  decayedCount: decayed(() => 1),
  decayedSum: decayed(({ value }) => Number(value)),
} as const;
