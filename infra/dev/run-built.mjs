import { setup } from './setup.mjs';
import { run } from './run.mjs';

/** Sets up and builds what is missing, then runs a built script with the arguments that follow its name. */
const [script, ...args] = process.argv.slice(2);
if (script === undefined) {
  console.error('usage: node infra/dev/run-built.mjs <built script> [arguments]');
  process.exit(2);
}
await setup();
const { code } = await run(process.execPath, [script, ...args]);
process.exitCode = code;
