import { SKETCH_HASHES, SKETCH_SALT, SKETCH_SIZE } from '@granary/aggregates';
import type { FieldType } from '@granary/contracts';
import { emitText } from './category-sql.js';

/** Hashes that a group keeps of all its values; beyond it those of one in `SPARSE` suffice, for they are far more than `SKETCH_SIZE`. */
const MOST_KEPT = 524_288;
const SPARSE = 256;

/** SQL of what `sketchHash` of @granary/aggregates computes, for a value that is not null: a UInt64. */
export function emitSketchHash(type: FieldType, value: string): string {
  const bytes = emitBytes(type, value);
  return `(${emitFirstHalf(bytes)} * ${2 ** 21} + bitShiftRight(murmurHash3_32(concat('${SKETCH_SALT}', ${bytes})), 11))`;
}

function emitFirstHalf(bytes: string): string {
  return `murmurHash3_32(${bytes})`;
}

function emitBytes(type: FieldType, value: string): string {
  switch (type.kind) {
    case 'bool':
    case 'int32':
    case 'float32':
    case 'float64':
      // -0 equals 0, and adding 0 makes it that.
      return `reinterpretAsFixedString(toFloat64(${value}) + 0)`;
    case 'timestamp':
      return `reinterpretAsFixedString(toFloat64(toUnixTimestamp64Milli(${value})))`;
    case 'int64':
      return `reinterpretAsFixedString(${value})`;
    default:
      return emitText(type, value);
  }
}

/**
 * SQL of different hashes of a value, in no order: all of a group's, or of very many enough of the smallest. `groupUniqArray`
 * writes the aggregate over the hashes, of values for which the conditions are true. Not groupArraySorted: equal ones would fill it.
 */
export function emitDistinctHashes(type: FieldType, value: string, isFrame: boolean, groupUniqArray: (conditions: readonly string[], limit?: number) => string): string {
  // One frame at a time is in memory, and never more than its events; groups are there all at once.
  if (isFrame) return groupUniqArray([]);
  // The first half of the hash alone tells which are small.
  const sparse = groupUniqArray([`${emitFirstHalf(emitBytes(type, value))} < ${2 ** 32 / SPARSE}`]);
  return `arrayMap((dense, sparse) -> if(length(dense) < ${MOST_KEPT}, dense, sparse), [${groupUniqArray([], MOST_KEPT)}], [${sparse}])[1]`;
}

/** SQL of the sketch of different hashes. */
export function emitSketch(hashes: string): string {
  return `arrayMap(hash -> toFloat64(hash), arraySlice(arraySort(${hashes}), 1, ${SKETCH_SIZE}))`;
}

/** SQL of what `estimateDistinct` of @granary/aggregates computes, of different hashes in any order: an Int32. */
export function emitEstimate(hashes: string): string {
  const isFew = `length(hashes) < ${SKETCH_SIZE}`;
  // What is few is not sorted.
  const estimate = `floor(${BigInt(SKETCH_SIZE - 1) * BigInt(SKETCH_HASHES)} / arraySort(if(${isFew}, [], hashes))[${SKETCH_SIZE}] + 0.5)`;
  return `accurateCast(arrayMap(hashes -> if(${isFew}, toFloat64(length(hashes)), ${estimate}), [${hashes}])[1], 'Int32')`;
}

/** SQL of a sketch with the hash of one more value. */
export function emitAddToSketch(sketch: string, hash: string): string {
  return emitSketch(`arrayDistinct(arrayPushBack(${sketch}, toFloat64(${hash})))`);
}

/** SQL of what `withoutUnread` of @granary/aggregates makes of the sketches of hops, an array of arrays, the oldest hop's first. */
export function emitWithoutUnread(sketches: string): string {
  // From the newest hop on: the sketch of all so far, and what each hop keeps.
  const different = 'arrayDistinct(arrayConcat(kept.1, own))';
  const step = `(smallest, different) -> (smallest, arrayPushFront(kept.2, arrayFilter(hash -> length(smallest) < ${SKETCH_SIZE} OR hash <= smallest[${SKETCH_SIZE}], arraySlice(different, length(kept.1) + 1))))`;
  return `arrayFold((kept, own) -> arrayMap(${step}, [arraySlice(arraySort(${different}), 1, ${SKETCH_SIZE})], [${different}])[1], arrayReverse(${sketches}), ([]::Array(Float64), []::Array(Array(Float64)))).2`;
}
