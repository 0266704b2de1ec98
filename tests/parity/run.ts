import { parseArgs } from 'node:util';
import * as fc from 'fast-check';
import { parityCase } from './cases.js';
import { openParity, type Mismatch } from './paths.js';

/** `npm run parity -- [--values N] [--seed S]`: random worlds until N values were compared; exits 1 on any mismatch. */
const { values: options } = parseArgs({ options: { values: { type: 'string', default: '20000' }, seed: { type: 'string' } } });
const wanted = Number(options.values);
const seed = Number(options.seed ?? Date.now() % 2 ** 31);
if (!Number.isSafeInteger(wanted) || wanted < 1 || !Number.isSafeInteger(seed)) {
  console.error('usage: npm run parity -- [--values N] [--seed S], both whole numbers');
  process.exit(2);
}

const bench = await openParity();
let compared = 0;
let first: readonly Mismatch[] = [];
try {
  while (compared < wanted && first.length === 0) {
    const result = await fc.check(
      fc.asyncProperty(parityCase, async (world) => {
        const comparison = await bench.compare(world);
        compared += comparison.compared;
        first = comparison.mismatches;
        return comparison.mismatches.length === 0;
      }),
      { seed: seed + compared, numRuns: 20, endOnFailure: false },
    );
    process.stderr.write(`\r${Math.min(compared, wanted)} of ${wanted}`);
    if (result.failed) {
      // Without a mismatch a statement failed outright: that is a failure of its own, with its error.
      if (first.length === 0) throw result.errorInstance;
      console.error(`\nsmallest counterexample after ${result.numShrinks} steps:`);
      console.error(fc.stringify(result.counterexample));
      for (const mismatch of first) console.error(fc.stringify(mismatch));
    }
  }
} finally {
  await bench.close();
}
process.stderr.write('\n');
console.log(`${compared} values compared, ${first.length} mismatches (seed ${seed})`);
process.exitCode = first.length > 0 ? 1 : 0;
