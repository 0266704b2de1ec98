import { run } from './run.mjs';
import { setup } from './setup.mjs';

await setup();
const { code } = await run(process.execPath, ['apps/cli/dist/main.js', 'demo', ...process.argv.slice(2)]);
process.exitCode = code;
