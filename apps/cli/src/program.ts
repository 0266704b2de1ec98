import { createRequire } from 'node:module';
import { Command } from 'commander';
import { registerApply } from './commands/apply.js';
import { registerBackfill } from './commands/backfill.js';
import { registerDataset } from './commands/dataset.js';
import { registerDelete } from './commands/delete.js';
import { registerDemo } from './commands/demo.js';
import { registerEvaluate } from './commands/evaluate.js';
import { registerExplain } from './commands/explain.js';
import { registerHistory } from './commands/history.js';
import { registerIngest } from './commands/ingest.js';
import { registerInit } from './commands/init.js';
import { registerIntake } from './commands/intake.js';
import { registerMaterialise } from './commands/materialise.js';
import { registerPlan } from './commands/plan.js';
import { registerProve } from './commands/prove.js';
import { registerQuarantine } from './commands/quarantine.js';
import { registerServe } from './commands/serve.js';
import { registerSimulate } from './commands/simulate.js';
import { registerStatus } from './commands/status.js';
import { registerTrain } from './commands/train.js';
import { registerUp } from './commands/up.js';
import { EXIT } from './exit.js';

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

const VERBS = [
  registerInit, registerPlan, registerApply, registerHistory,
  registerIngest, registerQuarantine, registerBackfill, registerMaterialise, registerDelete, registerDataset,
  registerTrain, registerEvaluate,
  registerStatus, registerServe, registerIntake, registerUp,
  registerProve, registerExplain,
  registerSimulate, registerDemo,
];

/** The command line: every verb in the order of the flow. Throws CommanderError; writes nothing about errors itself. */
export function createProgram(): Command {
  const program = new Command('granary')
    // A verb within a verb has options of the same names: after its name they are its own.
    .enablePositionalOptions()
    .description('A recommendation and feature store: declare → plan/apply → ingest → backfill → materialise → serve')
    .version(version)
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      `
Every verb explains itself: granary <verb> --help

Exit codes: ${EXIT.done} done, ${EXIT.no} the answer is no (a conflict, a mismatch, a model not trained yet), ${EXIT.input} wrong usage or
input, ${EXIT.unavailable} a store or service is unavailable, ${EXIT.bug} a bug of ours, ${EXIT.cancelled} stopped with Ctrl-C`,
    );
  for (const register of VERBS) register(program);
  return program;
}
