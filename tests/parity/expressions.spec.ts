import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { expressionCase } from './expression-cases.js';
import { openParity, type ParityBench } from './paths.js';

let bench: ParityBench;
beforeAll(async () => {
  bench = await openParity();
});
afterAll(() => bench.close());

describe('an expression', () => {
  it('is the same value as SQL and as a closure, for random trees over random rows', async () => {
    const seed = Date.now() % 2 ** 31;
    console.log(`expressions seed ${seed}`);
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(expressionCase, async (world) => {
        const result = await bench.compareExpressions(world);
        compared += result.compared;
        expect(result.mismatches).toEqual([]);
      }),
      { seed, numRuns: 20 },
    );
    expect(compared).toBeGreaterThan(10_000);
  }, 300_000);
});
