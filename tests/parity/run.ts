import { parseArgs } from 'node:util';
import * as fc from 'fast-check';
import { parityCase } from './cases.js';
import type { Comparison } from './comparison.js';
import { derivedCase } from './derived-cases.js';
import { expressionCase } from './expression-cases.js';
import { openParity, type ParityBench } from './paths.js';

/** `npm run parity -- [--values N] [--seed S]`: random worlds until N values were compared; exits 1 on any mismatch, 2 on wrong usage, 130 when stopped. */
const options = readOptions(process.argv.slice(2));
if (options === null) {
  console.error('usage: npm run parity -- [--values N] [--seed S], both whole numbers');
  process.exitCode = 2;
} else {
  process.exitCode = await compareUntil(options.values, options.seed);
}

function readOptions(args: readonly string[]): { readonly values: number; readonly seed: number } | null {
  try {
    const { values: given } = parseArgs({ args: [...args], options: { values: { type: 'string', default: '20000' }, seed: { type: 'string' } } });
    const [values, seed] = [given.values, given.seed ?? String(Date.now() % 2 ** 31)].map((text) => (/^\d+$/.test(text) ? Number(text) : NaN)) as [number, number];
    return Number.isSafeInteger(values) && values >= 1 && Number.isSafeInteger(seed) ? { values, seed } : null;
  } catch {
    return null;
  }
}

/** The exit code. */
async function compareUntil(wanted: number, seed: number): Promise<number> {
  let stopped = false;
  const stop = (signal: NodeJS.Signals): void => {
    stopped = true;
    console.error(`\nstopping after ${signal}; once more to end at once`);
  };
  const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of SIGNALS) process.once(signal, stop);

  const bench = await openParity();
  let compared = 0;
  let first: Comparison['mismatches'] = [];
  /** A round of random cases. */
  const round = async <T>({ arbitrary, compare, runs }: Judge<T>): Promise<void> => {
    const result = await fc.check(
      fc.asyncProperty(arbitrary, async (world) => {
        // Runs out the round at once, and ends the search for a smaller counterexample.
        if (stopped) return true;
        const comparison = await compare(world);
        compared += comparison.compared;
        if (comparison.mismatches.length > 0) first = comparison.mismatches;
        return comparison.mismatches.length === 0;
      }),
      { seed: seed + compared, numRuns: runs, endOnFailure: false },
    );
    process.stderr.write(`\r${Math.min(compared, wanted)} of ${wanted}`);
    if (!result.failed) return;
    // Without a mismatch a statement failed outright: that is a failure of its own, with its error.
    if (first.length === 0) throw result.errorInstance;
    console.error(`\nsmallest counterexample after ${result.numShrinks} steps:`);
    console.error(fc.stringify(result.counterexample));
    for (const mismatch of first) console.error(fc.stringify(mismatch));
  };
  const goOn = (): boolean => compared < wanted && first.length === 0 && !stopped;
  try {
    while (goOn()) {
      await round(worlds(bench));
      if (goOn()) await round(expressions(bench));
      if (goOn()) await round(derived(bench));
    }
  } finally {
    await bench.close();
    for (const signal of SIGNALS) process.off(signal, stop);
  }
  process.stderr.write('\n');
  const unfinished = stopped && compared < wanted ? `, stopped before ${wanted}` : '';
  console.log(`${compared} values compared, ${first.length} mismatches (seed ${seed})${unfinished}`);
  if (first.length > 0) return 1;
  return unfinished === '' ? 0 : 130;
}

/** What is compared, and in how many cases a round. */
interface Judge<T> {
  readonly arbitrary: fc.Arbitrary<T>;
  readonly compare: (world: T) => Promise<Comparison>;
  readonly runs: number;
}

function worlds(bench: ParityBench): Judge<Parameters<ParityBench['compare']>[0]> {
  return { arbitrary: parityCase, compare: bench.compare, runs: 60 };
}

/** One case holds as many values as a round of worlds. */
function expressions(bench: ParityBench): Judge<Parameters<ParityBench['compareExpressions']>[0]> {
  return { arbitrary: expressionCase, compare: bench.compareExpressions, runs: 1 };
}

function derived(bench: ParityBench): Judge<Parameters<ParityBench['compareDerived']>[0]> {
  return { arbitrary: derivedCase, compare: bench.compareDerived, runs: 4 };
}
