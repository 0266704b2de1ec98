import type { Parts } from './fold-of.js';

/**
 * A sum of integers as its parts: modulo 2⁶⁴, and how many times 2⁶⁴ that leaves out. So a sum that is beyond int64 still takes
 * up events, which may bring it back.
 */
export function wholeSumParts(total: bigint): Parts {
  const sum = BigInt.asIntN(64, total);
  return [sum, sum === total ? 0 : Number((total - sum) >> 64n)];
}

/** The sum that `wholeSumParts` took apart, or of several sums and carries that were added up; of nothing 0. */
export function wholeSum([sum, carry]: Parts): bigint {
  const low = BigInt((sum as number | bigint | null | undefined) ?? 0);
  return carry == null || carry === 0 ? low : (BigInt(carry as number) << 64n) + low;
}
