import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, nx } from './run.mjs';
import { setup } from './setup.mjs';

const RESULTS = join(ROOT, '.test-results');

await setup();
rmSync(RESULTS, { recursive: true, force: true });
const { code } = await nx([
  'run-many',
  '--targets=lint,typecheck,test',
  '--parallel=2',
  '--outputStyle=static',
  ...process.argv.slice(2),
]);

// Nx restores the result file of a project whose tests it takes from its cache: the file is an output of the target.
const total = { passed: 0, failed: 0, skipped: 0 };
for (const file of existsSync(RESULTS) ? readdirSync(RESULTS).filter((name) => name.endsWith('.json')) : []) {
  const counts = JSON.parse(readFileSync(join(RESULTS, file), 'utf8'));
  for (const key of Object.keys(total)) total[key] += counts[key];
}

if (code !== 0 && total.failed === 0) console.error('granary: lint, typecheck, build or a test run failed; see above');
const none = total.passed + total.failed === 0;
if (none) console.error('granary: no test ran');
process.exitCode = code !== 0 ? code : total.failed > 0 || none ? 1 : 0;
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
