import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { parityCase } from './cases.js';
import { faults } from './faults.js';
import { openParity, type ParityBench } from './paths.js';

const seed = Number(process.env['SEED']);
/** Most faults show within ten; parity looks at more than this. */
const WORLDS = 100;

let bench: ParityBench;
beforeAll(async () => {
  bench = await openParity();
});
afterAll(() => bench.close());

describe('random worlds find a publisher that', () => {
  it.each(Object.entries(faults))(`%s (seed ${seed})`, async (_, publisher) => {
    const answers = fc.asyncProperty(parityCase, async (world) => (await bench.compareOnline(world, publisher)).mismatches.length === 0);
    const { failed, errorInstance } = await fc.check(answers, { seed, numRuns: WORLDS, endOnFailure: true });
    // A world that could not be compared would have failed with another error.
    expect([failed, (errorInstance as Error | null)?.message]).toEqual([true, 'Property failed by returning false']);
  }, 300_000);
});
