import type { Scalar } from '@granary/contracts';
import { absorb, murmurHash3Bytes, murmurHash3Words, utf8Of } from './expression/murmur-hash.js';

/**
 * How many values approxCountDistinct tells apart: a *sketch* is that many of the smallest different hashes of the values,
 * rising (KMV: Bar-Yossef et al. 2002, bottom-k: Cohen and Kaplan 2007). Sketches of parts merge to that of the whole, whatever
 * the parts are and however often an event comes. Below that many the count is exact, from there on its standard error is
 * 1 / √(k − 2): 3.1 %. docs/adr/0013.
 */
export const SKETCH_SIZE = 1024;

/** Hashes are below: all that a double tells apart. */
export const SKETCH_HASHES = 2 ** 53;

/** Four bytes before the value, for the second half of its hash. */
export const SKETCH_SALT = 'salt';

const LONG = new BigInt64Array(1);
const DOUBLE = new Float64Array(LONG.buffer);
// Typed arrays are little-endian here (see the codec of logs).
const WORDS = new Int32Array(LONG.buffer);
const SALTED = absorb(0, new Int32Array(new TextEncoder().encode(SKETCH_SALT).buffer)[0]!);

/** The hash of a value, a whole number below `SKETCH_HASHES`: as `emitSketchHash` of @granary/compiler writes it in SQL. */
export function sketchHash(value: Scalar): number {
  if (typeof value === 'string') return hashOfText(value);
  if (typeof value !== 'bigint') return hashOfNumber(Number(value));
  LONG[0] = value;
  return hashOfWords(WORDS[0]!, WORDS[1]!);
}

export function hashOfNumber(value: number): number {
  // -0 equals 0, and adding 0 makes it that.
  DOUBLE[0] = value + 0;
  return hashOfWords(WORDS[0]!, WORDS[1]!);
}

/** Of an int64 by its halves. */
export function hashOfWords(low: number, high: number): number {
  return joined(murmurHash3Words(low, high), murmurHash3Words(low, high, SALTED, 4));
}

function hashOfText(text: string): number {
  const bytes = utf8Of(text);
  return joined(murmurHash3Bytes(bytes), murmurHash3Bytes(bytes, SALTED, 4));
}

/** 32 bits of the one and 21 of the other. */
function joined(first: number, second: number): number {
  return first * 2 ** 21 + (second >>> 11);
}

/** How many different values went into a sketch. Whole: rounded half up, by operations of doubles that SQL does too. */
export function estimateDistinct(sketch: readonly number[]): number {
  if (sketch.length < SKETCH_SIZE) return sketch.length;
  return Math.floor(((SKETCH_SIZE - 1) * SKETCH_HASHES) / sketch[SKETCH_SIZE - 1]! + 0.5);
}

// Sorting so many more at a time costs little for each.
const ROOM = 3 * SKETCH_SIZE;

/** Makes a sketch of many hashes, in bounded memory. */
export class Sketching {
  #hashes: number[];
  /** Greater hashes, and it itself, are not in the sketch, or are in it already. */
  #bound = Infinity;

  /** Goes on with a sketch. */
  constructor(sketch: readonly number[] = []) {
    this.#hashes = [...sketch];
    this.#keepSmallest();
  }

  add(hash: number): void {
    if (hash >= this.#bound) return;
    if (this.#hashes.push(hash) > SKETCH_SIZE + ROOM) this.#shrink();
  }

  done(): readonly number[] {
    this.#shrink();
    return this.#hashes;
  }

  #shrink(): void {
    const rising = Float64Array.from(this.#hashes).sort();
    this.#hashes = [];
    for (let i = 0; i < rising.length && this.#hashes.length < SKETCH_SIZE; i++) if (i === 0 || rising[i] !== rising[i - 1]) this.#hashes.push(rising[i]!);
    this.#keepSmallest();
  }

  #keepSmallest(): void {
    if (this.#hashes.length >= SKETCH_SIZE) this.#bound = this.#hashes[SKETCH_SIZE - 1]!;
  }
}
