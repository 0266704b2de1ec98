import { afterAll, beforeAll, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { Comparison } from './comparison.js';
import { openParity, type ParityBench } from './paths.js';

interface RandomWorlds<T> {
  /** The first word of the line that tells the seed. */
  readonly name: string;
  readonly worlds: fc.Arbitrary<T>;
  readonly compare: (bench: ParityBench) => (world: T) => Promise<Comparison>;
  /** Worlds are compared until so many values were. */
  readonly values: number;
}

const MOST_WORLDS = 200;

/** A test of all paths over random worlds, in stores of its own. A failure shrinks to a small world; the seed is printed. */
export function itAgrees<T>(title: string, { name, worlds, compare, values }: RandomWorlds<T>): void {
  let bench: ParityBench;
  beforeAll(async () => {
    bench = await openParity();
  });
  afterAll(() => bench.close());

  it(title, async () => {
    const seed = Date.now() % 2 ** 31;
    console.log(`${name} seed ${seed}`);
    let compared = 0;
    let failed = false;
    await fc.assert(
      fc.asyncProperty(worlds, async (world) => {
        // What failed goes on to a smaller world.
        if (compared >= values && !failed) return;
        const result = await compare(bench)(world);
        compared += result.compared;
        failed ||= result.mismatches.length > 0;
        expect(result.mismatches).toEqual([]);
      }),
      { seed, numRuns: MOST_WORLDS },
    );
    console.log(`${name}: ${compared} values compared`);
    expect(compared).toBeGreaterThanOrEqual(values);
  }, 300_000);
}
