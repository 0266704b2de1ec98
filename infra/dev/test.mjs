import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, nx, run } from './run.mjs';
import { setup } from './setup.mjs';

const RESULTS = join(ROOT, '.test-results');

/** The closing line comes last however this ends, also when setting up fails or someone presses Ctrl-C. */
process.on('exit', (code) => {
  const { passed, failed, skipped } = addUp();
  if (passed + failed === 0) console.error('granary: no test ran');
  else if (code !== 0 && failed === 0) console.error('granary: types, lint, build or a test run failed; see above');
  if (code === 0 && (failed > 0 || passed === 0)) process.exitCode = 1;
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
});

if (process.env.CI) process.env.SEED ??= seedOfTree();
rmSync(RESULTS, { recursive: true, force: true });
await setup();
const scratch = scratchInMemory();
process.on('exit', () => scratch !== null && rmSync(scratch, { recursive: true, force: true }));
const [checked, tests] = await Promise.all([
  run(process.execPath, ['infra/dev/check.mjs']),
  nx(['run-many', '--targets=test', '--excludeTaskDependencies', '--parallel=2', '--outputStyle=static', ...process.argv.slice(2)], { env: scratch === null ? {} : { TMPDIR: scratch } }),
]);
process.exitCode = checked.code || tests.code;

/** The seed of random tests (jest.preset.js): of what is committed, random where there is no git. */
function seedOfTree() {
  try {
    const tree = execFileSync('git', ['rev-parse', 'HEAD^{tree}'], { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return String(Number.parseInt(tree.slice(0, 8), 16) % 2 ** 31);
  } catch {
    return String(randomInt(2 ** 31));
  }
}

/** The specs make and remove tens of thousands of small files: a fifth of their time on a disk. `null` where memory is short. */
function scratchInMemory() {
  if (!existsSync('/dev/shm')) return null;
  const { bavail, bsize } = statfsSync('/dev/shm');
  return bavail * bsize < 3 * 2 ** 30 ? null : mkdtempSync('/dev/shm/granary-');
}

/** Nx restores the result file of a project whose tests it takes from its cache: the file is an output of the target. */
function addUp() {
  const total = { passed: 0, failed: 0, skipped: 0 };
  if (!existsSync(RESULTS)) return total;
  for (const file of readdirSync(RESULTS, { recursive: true }).filter((name) => name.endsWith('.json'))) {
    const counts = JSON.parse(readFileSync(join(RESULTS, file), 'utf8'));
    for (const key of Object.keys(total)) total[key] += counts[key];
  }
  return total;
}
