import { BUCKET_SHIFT, GREATEST_BUCKET } from '@granary/aggregates';

/** SQL of what `bucketOf` of @granary/aggregates computes, for a number that is not null: an Int32. */
export function emitBucket(number: string): string {
  const rounded = `bitShiftRight(reinterpretAsUInt64(abs(toFloat64(${number}))) + ${2 ** (BUCKET_SHIFT - 1)}, ${BUCKET_SHIFT})`;
  return `toInt32(sign(${number}) * least(${rounded}, ${GREATEST_BUCKET}))`;
}

/** SQL of what `bucketValue` of @granary/aggregates computes. */
function emitBucketValue(bucket: string): string {
  return `sign(${bucket}) * reinterpretAsFloat64(bitShiftLeft(toUInt64(abs(${bucket})), ${BUCKET_SHIFT}))`;
}

/** SQL of what `quantileOfBuckets` of @granary/aggregates computes, by the same operations: null of none. */
export function emitQuantileOfBuckets(fraction: number, buckets: string, counts: string): string {
  const interpolated = emitInterpolated(fraction, 'upTo[-1]', (rank) => `arrayFirst((bucket, last) -> last > ${rank}, buckets, upTo)`);
  const rising = `arraySort((count, bucket) -> bucket, ${counts}, ${buckets})`;
  return `arrayMap((buckets, upTo) -> if(empty(buckets), NULL, ${interpolated}), [arraySort(${buckets})], [arrayCumSum(${rising})])[1]`;
}

/** The same of each value's bucket, in any order. */
export function emitQuantileOfEach(fraction: number, buckets: string): string {
  const interpolated = emitInterpolated(fraction, 'length(buckets)', (rank) => `buckets[toUInt32(${rank}) + 1]`);
  return `arrayMap(buckets -> if(empty(buckets), NULL, ${interpolated}), [arraySort(${buckets})])[1]`;
}

/** A lambda's argument stands for what is read several times. */
function emitInterpolated(fraction: number, count: string, at: (rank: string) => string): string {
  const [below, above] = [at('floor(rank)'), at('ceil(rank)')].map(emitBucketValue) as [string, string];
  return `arrayMap(rank -> arrayMap((below, above) -> below + (rank - floor(rank)) * (above - below), [${below}], [${above}])[1], [${fraction} * (${count} - 1)])[1]`;
}
