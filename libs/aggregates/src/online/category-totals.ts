import { valueMap, type Scalar, type SourceField, type Value, type ValueMap } from '@granary/contracts';
import { distinctKey, quantile, quantileOfBuckets, rankTop } from '../category-folds.js';
import { compareValues } from '../compare.js';
import { SKETCH_SIZE, Sketching, estimateDistinct, hashOfNumber, hashOfWords, sketchHash } from '../distinct-sketch.js';
import { list, type Parts } from '../fold-of.js';
import { bucketOf } from '../value-bucket.js';
import { maskOf, numbersOf, valueReader, wordsOf, type Batch, type ReadValue } from './batch.js';
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

// Or what stands for its values as a number; int64 is none.
const NUMERIC: readonly string[] = ['float64', 'float32', 'int32', 'bool', 'enum', 'timestamp'];

const countDistinct = (context: ComputeContext): Compute => {
  const { place, field } = context;
  const [read, whole] = [valueReader(field!, place.column!), isWhole(context)];
  const numeric = NUMERIC.includes(field!.type.kind);
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

const approxCountDistinct = (context: ComputeContext): Compute => {
  const { place, field } = context;
  const [hashesOf, whole, exact] = [hashReader(field!, place.column!), isWhole(context), countDistinct(context)];
  return (batch, from, to, at, start) => {
    if (!whole && start === null) {
      const few = exact(batch, from, to, at, null);
      if ((few[0] as number) < SKETCH_SIZE) return few;
    }
    const sketching = new Sketching(list<number>(start?.[0]));
    const [mask, hashOf] = [maskOf(batch, place), hashesOf(batch)];
    for (let i = from; i < to; i++) if (mask === null || mask[i] === 1) sketching.add(hashOf(i));
    const sketch = sketching.done();
    return [whole ? sketch : estimateDistinct(sketch)];
  };
};

/** The hash of a column's value at a position. */
function hashReader(field: SourceField, column: number): (batch: Batch) => (i: number) => number {
  const { kind } = field.type;
  if (NUMERIC.includes(kind) && kind !== 'enum') {
    return (batch) => {
      const numbers = numbersOf(batch, column);
      return (i) => hashOfNumber(numbers[i]!);
    };
  }
  if (kind === 'int64') {
    return (batch) => {
      const words = wordsOf(batch, column);
      return (i) => hashOfWords(words[2 * i]!, words[2 * i + 1]!);
    };
  }
  const read = valueReader(field, column);
  return ({ events }) => (i) => sketchHash(read(events, i) as Scalar);
}

/** Counts what `valuesOf` reads; `finish` makes the feature's value of it. */
function countValues<T extends Scalar>(context: ComputeContext, valuesOf: (batch: Batch) => (i: number) => T, finish: (values: readonly T[], counts: readonly number[]) => Value | null): Compute {
  const [{ place }, whole] = [context, isWhole(context)];
  return (batch, from, to, _at, start) => {
    const before = list<number>(start?.[1]);
    const occurrences = new Map(list<T>(start?.[0]).map((value, i) => [value, before[i]!]));
    const [mask, valueOf] = [maskOf(batch, place), valuesOf(batch)];
    for (let i = from; i < to; i++) {
      if (mask !== null && mask[i] === 0) continue;
      const value = valueOf(i);
      occurrences.set(value, (occurrences.get(value) ?? 0) + 1);
    }
    if (!whole) return [finish([...occurrences.keys()], [...occurrences.values()])];
    const values = rising(occurrences.keys());
    return [values, values.map((value) => occurrences.get(value)!)];
  };
}

const topK = (context: ComputeContext): Compute => {
  const { feature, place, field } = context;
  const read = valueReader(field!, place.column!);
  return countValues(context, ({ events }) => (i) => read(events, i) as Scalar, (values, counts) => rankTop(values, counts, feature.aggregate.n!));
};

const approxPercentile = (context: ComputeContext): Compute => {
  const { feature, place } = context;
  const bucketsOf = (batch: Batch): ((i: number) => number) => {
    const numbers = numbersOf(batch, place.column!);
    return (i) => bucketOf(numbers[i]!);
  };
  return countValues(context, bucketsOf, (buckets, counts) => quantileOfBuckets(feature.aggregate.fraction!, buckets, counts));
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

export const categoryTotals = { countDistinct, approxCountDistinct, topK, countBy, percentile, approxPercentile } as const;
