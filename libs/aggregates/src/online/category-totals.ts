import { valueMap, type Scalar, type ValueMap } from '@granary/contracts';
import { distinctKey, quantile, rankTop } from '../category-folds.js';
import { compareValues } from '../compare.js';
import { list, type Parts } from '../fold-of.js';
import { maskOf, numbersOf, valueReader, type Batch, type ReadValue } from './batch.js';
import type { Compute, ComputeContext } from './compute.js';
import { countDistinctNumbers } from './distinct-numbers.js';
import type { EventPlace } from './event-place.js';

/** Whether any of these parts has to be kept so that more events can join it. */
const isWhole = ({ feature, total }: ComputeContext): boolean => total || feature.aggregate.window?.includeRequest === true;

function forEachCounted(batch: Batch, place: EventPlace, from: number, to: number, read: ReadValue, take: (value: Scalar) => void): void {
  const mask = maskOf(batch, place);
  for (let i = from; i < to; i++) if (mask === null || mask[i] === 1) take(read(batch.events, i) as Scalar);
}

const rising = <T extends Scalar>(values: Iterable<T>): T[] => [...values].sort(compareValues);

const countDistinct = (context: ComputeContext): Compute => {
  const { place, field } = context;
  const [read, whole] = [valueReader(field!, place.column!), isWhole(context)];
  // Or what stands for its values as a number; int64 is none.
  const numeric = ['float64', 'float32', 'int32', 'bool', 'enum', 'timestamp'].includes(field!.type.kind);
  return (batch, from, to, _at, start) => {
    if (!whole && start === null && numeric) return [countDistinctNumbers(numbersOf(batch, place.column!), maskOf(batch, place), from, to)];
    if (!whole && start === null) {
      const distinct = new Set<Scalar>();
      forEachCounted(batch, place, from, to, read, (value) => distinct.add(value));
      return [distinct.size];
    }
    const before = list<string>(start?.[0]);
    if (from === to) return [whole ? before : before.length];
    const keys = new Set(before);
    forEachCounted(batch, place, from, to, read, (value) => keys.add(distinctKey(value)));
    return [whole ? rising(keys) : keys.size];
  };
};

const topK = (context: ComputeContext): Compute => {
  const { feature, place, field } = context;
  const [read, whole] = [valueReader(field!, place.column!), isWhole(context)];
  return (batch, from, to, _at, start) => {
    const before = list<number>(start?.[1]);
    const occurrences = new Map(list<Scalar>(start?.[0]).map((value, i) => [value, before[i]!]));
    forEachCounted(batch, place, from, to, read, (value) => occurrences.set(value, (occurrences.get(value) ?? 0) + 1));
    if (!whole) return [rankTop([...occurrences.keys()], [...occurrences.values()], feature.aggregate.n!)];
    const values = rising(occurrences.keys());
    return [values, values.map((value) => occurrences.get(value)!)];
  };
};

const countBy = ({ place, field }: ComputeContext): Compute => {
  const read = valueReader(field!, place.column!);
  return (batch, from, to, _at, start) => {
    const occurrences = new Map(Object.entries((start?.[0] ?? {}) as ValueMap));
    forEachCounted(batch, place, from, to, read, (value) => occurrences.set(String(value), Number(occurrences.get(String(value)) ?? 0) + 1));
    return [valueMap(rising(occurrences.keys()).map((key) => [key, occurrences.get(key)!]))];
  };
};

const percentile = (context: ComputeContext): Compute => {
  const { feature, place } = context;
  const whole = isWhole(context);
  return (batch, from, to, _at, start) => {
    const all = sortedNumbers(batch, place, from, to, start);
    return [whole ? [...all] : quantile(feature.aggregate.fraction!, all)];
  };
};

/** All that count, rising. */
function sortedNumbers(batch: Batch, place: EventPlace, from: number, to: number, start: Parts | null): Float64Array {
  const values = numbersOf(batch, place.column!);
  const mask = maskOf(batch, place);
  const before = list<number>(start?.[0]);
  const all = new Float64Array(before.length + to - from);
  all.set(before);
  let end = before.length;
  for (let i = from; i < to; i++) if (mask === null || mask[i] === 1) all[end++] = values[i]!;
  return all.subarray(0, end).sort();
}

export const categoryTotals = { countDistinct, approxCountDistinct: countDistinct, topK, countBy, percentile } as const;
