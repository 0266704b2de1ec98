import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { derivedCase } from './derived-cases.js';
import { openParity, type ParityBench } from './paths.js';

let bench: ParityBench;
beforeAll(async () => {
  bench = await openParity();
});
afterAll(() => bench.close());

describe('a service with derived features and aliases', () => {
  it('gives the same values and states in training sets, online and by its declaration', async () => {
    const seed = Date.now() % 2 ** 31;
    console.log(`derived seed ${seed}`);
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(derivedCase, async (world) => {
        const result = await bench.compareDerived(world);
        compared += result.compared;
        expect(result.mismatches).toEqual([]);
      }),
      { seed, numRuns: 4 },
    );
    expect(compared).toBeGreaterThan(200);
  }, 300_000);
});
