import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Writes how many tests of one project passed, failed and were skipped, so that `npm test` can add them up, and tells how
 * to repeat what failed. The file's path is the `test` target's output in nx.json: with another path a cached run would count nothing.
 */
export default class CountReporter {
  constructor(globalConfig) {
    this.folder = globalConfig.rootDir;
    this.file = join(ROOT, '.test-results', `${relative(ROOT, globalConfig.rootDir)}.json`);
  }

  onRunComplete(_contexts, results) {
    const failing = results.testResults.filter((file) => file.numFailingTests > 0 || file.testExecError).map((file) => relative(this.folder, file.testFilePath));
    if (failing.length > 0) console.error(`Again, with the same random values: cd ${relative(ROOT, this.folder)} && SEED=${process.env.SEED} npm test -- ${failing.join(' ')}`);
    const { numPassedTests: passed, numPendingTests: skipped } = results;
    // A file that can't even be loaded has no failed test of its own; it still counts as one failure.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    mkdirSync(dirname(this.file), { recursive: true });
    writeFileSync(this.file, JSON.stringify({ passed, failed, skipped }));
  }
}
