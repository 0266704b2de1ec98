/**
 * approxPercentile takes every number as the nearest one with seven binary digits after its leading one: those that come to the
 * same are a *bucket*, and that number stands for it. It differs from a number by at most 2⁻⁸ of it (0.4 %), or by 2⁻¹⁰³⁰ if it is
 * smaller than 2⁻¹⁰²²; whole numbers up to 256 are themselves. docs/adr/0014.
 */
const DIGITS = 7;

/** Of a double's 64 bits those that a bucket does not tell apart. */
export const BUCKET_SHIFT = 52 - DIGITS;

/** Of the numbers next to infinity, which are not rounded to it. */
export const GREATEST_BUCKET = 2 ** (11 + DIGITS) - 2 ** DIGITS - 1;

const DOUBLE = new Float64Array(1);
// Typed arrays are little-endian here: the high half is the second.
const HALVES = new Int32Array(DOUBLE.buffer);
const HIGH_SHIFT = BUCKET_SHIFT - 32;

/** A whole number that rises with the value, 0 of 0: as `emitBucket` of @granary/compiler writes it in SQL. */
export function bucketOf(value: number): number {
  DOUBLE[0] = value;
  const high = HALVES[1]!;
  const bucket = Math.min(((high & 0x7fffffff) + 2 ** (HIGH_SHIFT - 1)) >>> HIGH_SHIFT, GREATEST_BUCKET);
  // Not -0.
  return high < 0 ? 0 - bucket : bucket;
}

/** The number that stands for a bucket. */
export function bucketValue(bucket: number): number {
  HALVES[0] = 0;
  HALVES[1] = Math.abs(bucket) << HIGH_SHIFT;
  return bucket < 0 ? -DOUBLE[0]! : DOUBLE[0]!;
}
