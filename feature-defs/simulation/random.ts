import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Draws a number in [0, 1) with 53 random bits; fits d3-random's `.source(…)`. */
export type Random = () => number;

const WARM_UP = 32;

/**
 * Stream number `stream` of a seed: xoroshiro128+ jumped ahead `stream` × 2^64 draws, so streams never overlap.
 * Separate streams keep one part of a simulation unchanged when another part draws more or fewer numbers.
 * Throws RangeError unless the seed is a 32-bit integer.
 */
export function randomStream(seed: number, stream = 0): Random {
  if (seed !== (seed | 0) && seed !== seed >>> 0) {
    throw new RangeError(`seed must be a 32-bit integer, got ${seed}`);
  }
  const generator = xoroshiro128plus(seed);
  // The seed fills only part of the state: the first numbers of neighbouring seeds resemble each other.
  for (let i = 0; i < WARM_UP; i += 1) generator.next();
  for (let i = 0; i < stream; i += 1) generator.jump();
  return () => uniformFloat64(generator);
}

/** Index drawn in proportion to `weights[0 … count)`; −1 when they add up to 0. Weights must not be negative. */
export function drawIndex(random: Random, weights: ArrayLike<number>, count = weights.length): number {
  let total = 0;
  for (let i = 0; i < count; i += 1) total += weights[i]!;
  if (total <= 0) return -1;
  let left = random() * total;
  let last = -1;
  for (let i = 0; i < count; i += 1) {
    const weight = weights[i]!;
    if (weight === 0) continue;
    last = i;
    left -= weight;
    if (left < 0) return i;
  }
  // Rounding can leave a last crumb of probability past the end.
  return last;
}

/** One element, each with the same chance. The list must not be empty. */
export function pick<T>(random: Random, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)]!;
}

/** Rounds `rate` up or down at random so that the mean is `rate`: an integer rate is returned unchanged. */
export function drawWhole(random: Random, rate: number): number {
  const whole = Math.floor(rate);
  return rate > whole && random() < rate - whole ? whole + 1 : whole;
}

/** Throws RangeError unless `value` is a whole number ≥ `least`. */
export function requireWhole(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`${name} must be a whole number of at least ${least}, got ${value}`);
  }
}
