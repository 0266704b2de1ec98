import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const RESULTS = fileURLToPath(new URL('../../.test-results/', import.meta.url));

/** Writes how many tests of one project passed, failed and were skipped, so that `npm test` can add them up. */
export default class CountReporter {
  constructor(_globalConfig, options) {
    this.project = options.project;
  }

  onRunComplete(_contexts, results) {
    const { numPassedTests: passed, numPendingTests: skipped } = results;
    // A file that can't even be loaded has no failed test of its own; it still counts as one failure.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    mkdirSync(RESULTS, { recursive: true });
    writeFileSync(`${RESULTS}${this.project}.json`, JSON.stringify({ passed, failed, skipped }));
  }
}
