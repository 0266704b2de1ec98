import { PACKED_DIGITS } from '@granary/aggregates';

/** SQL of the columns of `HopLists` of @granary/aggregates, of an array of the hops' arrays. */
export function emitHopLists(lists: string): readonly [ends: string, values: string] {
  return [`arrayMap(end -> toInt32(end), arrayCumSum(hop -> length(hop), ${lists}))`, `arrayFlatten(${lists})`];
}

/** SQL of what `inNewestHops` of @granary/aggregates leaves in the lists of hops, an array of arrays, the oldest hop's first. */
export function emitInNewestHops(lists: string): string {
  const newestFirst = `arrayReverse(${lists})`;
  // Of each value in how many hops it was so far, this one included.
  return `arrayReverse(arrayMap((own, hops) -> arrayFilter((value, nth) -> nth = 1, own, hops), ${newestFirst}, arrayEnumerateUniqRanked(1, ${newestFirst}, 2)))`;
}

/** SQL of what `CountingHops` of @granary/aggregates keeps of the values and counts of hops, arrays of arrays, the oldest hop's first. */
export function emitCountingHops(values: string, counts: string): readonly [values: string, packed: string] {
  const packed = `arrayMap((positions, counts) -> ${emitPackCounts('positions', 'counts')}, arrayEnumerateDenseRanked(1, ${values}, 2), ${counts})`;
  return [`arrayDistinct(arrayFlatten(${values}))`, packed];
}

/** SQL of what `packCounts` computes of positions from 1 on, and of counts. */
function emitPackCounts(positions: string, counts: string): string {
  const steps = `arrayPopFront(arrayDifference(arrayPushFront(${positions}, 1)))`;
  const numbers = `arrayFlatten(arrayMap((step, count) -> [if(step < 0, -2 * step - 1, 2 * step), toInt64(count) - 1], ${steps}, ${counts}))`;
  return `arrayStringConcat(arrayMap(n -> ${emitDigits('n')}, ${numbers}))`;
}

/** SQL of a number's digits, of one below 2³⁵. */
function emitDigits(number: string): string {
  const { bits, last, more } = PACKED_DIGITS;
  const most = Math.ceil(32 / bits);
  const ofLength = (length: number): string => {
    const digits = Array.from({ length }, (_, i) => (i === 0 ? number : `bitShiftRight(${number}, ${bits * i})`));
    return `char(${digits.map((rest, i) => (i === length - 1 ? `${rest} + ${last}` : `bitAnd(${rest}, ${2 ** bits - 1}) + ${more}`)).join(', ')})`;
  };
  const shorter = Array.from({ length: most - 1 }, (_, i) => `${number} < ${2 ** (bits * (i + 1))}, ${ofLength(i + 1)}`);
  return `multiIf(${[...shorter, ofLength(most)].join(', ')})`;
}
