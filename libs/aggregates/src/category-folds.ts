import { valueMap, type Scalar, type ValueMap } from '@granary/contracts';
import { compareValues } from './compare.js';
import { estimateDistinct, sketchHash, Sketching } from './distinct-sketch.js';
import { list, type Fold, type Parts } from './fold-of.js';
import { bucketOf, bucketValue } from './value-bucket.js';

const BITS = new BigInt64Array(1);
const DOUBLE = new Float64Array(BITS.buffer);

/**
 * A text that two values of one type share iff they are equal: texts as they are, bools and int64 in words and digits,
 * all other numbers by the bits of their double, which unlike its digits are the same wherever they are written.
 */
export function distinctKey(value: Scalar): string {
  if (typeof value !== 'number') return String(value);
  // -0 equals 0, and adding 0 makes it that.
  DOUBLE[0] = value + 0;
  return String(BITS[0]);
}

/** Stored as a count; or, where a request is to be added, as the distinct values themselves. */
const countDistinct: Fold = {
  add(_feature, [before], { value }) {
    const [keys, key] = [list<string>(before), distinctKey(value as Scalar)];
    return [keys.includes(key) ? keys : [...keys, key]];
  },
  finish(_feature, parts) {
    const stored = parts[0];
    const distinct = Array.isArray(stored) ? stored.length : Number(stored ?? 0);
    return distinct === 0 ? null : distinct;
  },
};

/** Stored as a count; or, where a request is to be added, as a sketch of the values. */
const approxCountDistinct: Fold = {
  add(_feature, [before], { value }) {
    const sketching = new Sketching(list<number>(before));
    sketching.add(sketchHash(value as Scalar));
    return [sketching.done()];
  },
  finish(_feature, [stored]) {
    const distinct = Array.isArray(stored) ? estimateDistinct(stored as readonly number[]) : Number(stored ?? 0);
    return distinct === 0 ? null : distinct;
  },
};

function addToCounts(parts: Parts, value: Scalar): Parts {
  const [values, counts] = [list<Scalar>(parts[0]), list<number>(parts[1])];
  const known = values.indexOf(value);
  return known < 0 ? [[...values, value], [...counts, 1]] : [values, counts.with(known, counts[known]! + 1)];
}

const topK: Fold = {
  add: (_feature, parts, { value }) => addToCounts(parts, value as Scalar),
  finish({ aggregate }, [stored, occurrences]) {
    const values = list<Scalar>(stored);
    if (values.length === 0) return null;
    if (aggregate.window?.includeRequest !== true) return values;
    return rankTop(values, list<number>(occurrences), aggregate.n!);
  },
};

/** The `n` most frequent values, of equally frequent ones the smallest first. */
export function rankTop(values: readonly Scalar[], counts: readonly number[], n: number): readonly Scalar[] {
  const ranks = [...values.keys()].sort((a, b) => counts[b]! - counts[a]! || compareValues(values[a]!, values[b]!));
  return ranks.slice(0, n).map((rank) => values[rank]!);
}

const countBy: Fold = {
  add(_feature, [before], { value }) {
    const [counts, key] = [(before ?? {}) as ValueMap, String(value)];
    return [valueMap([...Object.entries(counts), [key, Number(counts[key] ?? 0) + 1]])];
  },
  finish: (_feature, [counts]) => (Object.keys(counts ?? {}).length === 0 ? null : counts!),
};

/** Stored as its value; or, where a request is to be added, as all values. */
const percentile: Fold = {
  add: (_feature, [before], { value }) => [[...list<number>(before), Number(value)]],
  finish: ({ aggregate }, [stored]) => (Array.isArray(stored) ? quantile(aggregate.fraction!, [...(stored as readonly number[])].sort((a, b) => a - b)) : (stored ?? null)),
};

/** Of rising values. */
export function quantile(fraction: number, rising: ArrayLike<number>): number | null {
  return interpolate(fraction, rising.length, (rank) => rising[rank]!);
}

/** Hyndman and Fan 1996, type 7: between the two nearest ranks by linear interpolation. `at`: the value of a rank, which is 0 of the least. */
function interpolate(fraction: number, count: number, at: (rank: number) => number): number | null {
  if (count === 0) return null;
  const rank = fraction * (count - 1);
  const [below, above] = [at(Math.floor(rank)), at(Math.ceil(rank))];
  return below + (rank - Math.floor(rank)) * (above - below);
}

/** Stored as its value; or, where a request is to be added, as the values' buckets and counts. */
const approxPercentile: Fold = {
  add: (_feature, parts, { value }) => addToCounts(parts, bucketOf(Number(value))),
  finish: ({ aggregate }, [stored, counts]) => (Array.isArray(stored) ? quantileOfBuckets(aggregate.fraction!, stored as readonly number[], list<number>(counts)) : (stored ?? null)),
};

/** Of buckets in any order, and how many values each has. */
export function quantileOfBuckets(fraction: number, buckets: readonly number[], counts: readonly number[]): number | null {
  const rising = [...buckets.keys()].sort((a, b) => buckets[a]! - buckets[b]!);
  const total = counts.reduce((sum, count) => sum + count, 0);
  return interpolate(fraction, total, (rank) => {
    let before = 0;
    return bucketValue(buckets[rising.find((i) => (before += counts[i]!) > rank)!]!);
  });
}

export const categoryFolds = { countDistinct, approxCountDistinct, topK, countBy, percentile, approxPercentile } as const;
