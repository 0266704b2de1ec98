import { afterAll, beforeAll, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { Comparison } from './comparison.js';
import { openParity, type ParityBench } from './paths.js';

interface RandomWorlds<T> {
  /** The first word of the line that tells the seed. */
  readonly name: string;
  readonly worlds: fc.Arbitrary<T>;
  readonly seed: number;
  readonly compare: (bench: ParityBench) => (world: T) => Promise<Comparison>;
  /** Worlds are compared until so many values were. */
  readonly values: number;
  /** What must have been asked by then: beginnings of the names of paths. */
  readonly paths?: readonly string[];
}

/** Worlds are drawn some at a time: a property's whole run is, also what is passed over once enough was compared. */
const ROUND = 25;
const MOST_ROUNDS = 80;
/** How long worlds are looked at, and from the first that fails on, how long for a smaller one that does, in ms. */
const SEARCH = 400_000;
const SHRINK = 60_000;
/** More than both and one world: what fails is told by the test, never hidden by Jest's own limit. */
const LIMIT = 600_000;

/** A test of all paths over random worlds, in stores of its own. A failure shrinks to a small world; the seed is printed. */
export function itAgrees<T>(title: string, { name, worlds, seed, compare, values, paths = [] }: RandomWorlds<T>): void {
  let bench: ParityBench;
  beforeAll(async () => {
    bench = await openParity();
  });
  afterAll(() => bench.close());

  it(title, async () => {
    console.log(`${name} seed ${seed}`);
    let compared = 0;
    let runs = 0;
    const asked = new Set<string>();
    let failed = false;
    let until = Date.now() + SEARCH;
    const fail = (): void => {
      if (!failed) until = Date.now() + SHRINK;
      failed = true;
    };
    const property = fc.asyncProperty(worlds, async (world) => {
      // What failed goes on to a smaller world. When the time is over, the rest passes at once, and the smallest found is told.
      if ((compared >= values && !failed) || Date.now() >= until) return;
      const result = await compare(bench)(world).catch((error: unknown) => {
        fail();
        throw error;
      });
      compared += result.compared;
      runs++;
      for (const path of result.paths) asked.add(paths.find((each) => path.startsWith(each)) ?? path);
      if (result.mismatches.length === 0) return;
      fail();
      throw new Error(told(result));
    });
    for (let round = 0; round < MOST_ROUNDS && compared < values && Date.now() < until; round++) {
      await fc.assert(property, { seed: seed + round, numRuns: ROUND });
    }
    console.log(`${name}: ${compared} values of ${runs} worlds compared`);
    expect(compared).toBeGreaterThanOrEqual(values);
    expect([...asked]).toEqual(expect.arrayContaining([...paths]));
  }, LIMIT);
}

function told({ compared, mismatches }: Comparison): string {
  return [`${mismatches.length} of ${compared} values differ:`, ...mismatches.slice(0, 4).map((each) => fc.stringify(each))].join('\n');
}
