#!/usr/bin/env node
import { CommanderError } from 'commander';
import { createProgram } from './program.js';
import { EXIT } from './exit.js';
import { fail, usageError } from './verb.js';

const args = process.argv.slice(2);
const json = args.slice(0, [...args, '--'].indexOf('--')).includes('--json');

for (const stream of [process.stdout, process.stderr]) {
  // Whoever read our output has left (`granary history | head`): there is nobody to tell, and the work is finished as begun.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.exit(EXIT.bug);
  });
}
for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, (error: unknown) => {
    fail(error, json);
    process.exit();
  });
}

try {
  await createProgram().parseAsync(args, { from: 'user' });
} catch (error) {
  if (error instanceof CommanderError && error.exitCode === 0) process.exitCode = EXIT.done;
  else fail(error instanceof CommanderError ? usageError(error) : error, json);
}
