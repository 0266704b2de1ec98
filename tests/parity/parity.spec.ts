import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { parityCase } from './cases.js';
import { openParity, type ParityBench } from './paths.js';

let bench: ParityBench;
beforeAll(async () => {
  bench = await openParity();
});
afterAll(() => bench.close());

describe('parity', () => {
  it('offline SQL and stored parts answer as the naive oracle does, on random declarations and events', async () => {
    const seed = Date.now() % 2 ** 31;
    console.log(`parity seed ${seed}`);
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(parityCase, async (world) => {
        const result = await bench.compare(world);
        compared += result.compared;
        expect(result.mismatches).toEqual([]);
      }),
      { seed, numRuns: 6 },
    );
    expect(compared).toBeGreaterThan(1_000);
  }, 300_000);
});
