import { afterAll, beforeAll, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { Comparison } from './comparison.js';
import { openParity, type ParityBench } from './paths.js';

interface RandomWorlds<T> {
  /** The first word of the line that tells the seed. */
  readonly name: string;
  readonly worlds: fc.Arbitrary<T>;
  readonly compare: (bench: ParityBench) => (world: T) => Promise<Comparison>;
  readonly runs: number;
  /** So many values must have been compared at the end: else nothing was shown. */
  readonly atLeast: number;
}

/** A test of all paths over random worlds, in stores of its own. A failure shrinks to a small world; the seed is printed. */
export function itAgrees<T>(title: string, { name, worlds, compare, runs, atLeast }: RandomWorlds<T>): void {
  let bench: ParityBench;
  beforeAll(async () => {
    bench = await openParity();
  });
  afterAll(() => bench.close());

  it(title, async () => {
    const seed = Date.now() % 2 ** 31;
    console.log(`${name} seed ${seed}`);
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(worlds, async (world) => {
        const result = await compare(bench)(world);
        compared += result.compared;
        expect(result.mismatches).toEqual([]);
      }),
      { seed, numRuns: runs },
    );
    expect(compared).toBeGreaterThan(atLeast);
  }, 300_000);
}
