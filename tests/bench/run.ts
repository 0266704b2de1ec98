import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { backfills } from './backfill.js';
import { features } from './features.js';
import { graphql } from './graphql.js';
import { ingest } from './ingest.js';
import { online } from './online.js';
import { ranking } from './ranking.js';
import { renderTable, type BenchRow } from './report.js';
import type { Bench, Suite } from './suite.js';

/** `npm run bench -- <suite> [--only WORDS] [--json FILE] [--quick | --full]`. Exit codes: 0 done, 2 wrong usage, 130 stopped. */
const SUITES: readonly Suite[] = [online, features, backfills, graphql, ranking, ingest];
const USAGE = `usage: npm run bench -- <suite> [--only WORDS] [--json FILE] [--quick | --full]

${SUITES.map(({ name, about }) => `  ${name.padEnd(10)}${about}`).join('\n')}

--only WORDS the rows that have all of these words in their names, such as "lmdb matrix"; of ${SUITES.filter(({ selective }) => selective).map(({ name }) => name).join(', ')}
--json FILE  writes the rows as a JSON array too
--quick      smallest sizes and few rounds: to see that it works, not for figures
--full       also what takes minutes`;

/** One signal comes twice where the process group gets it and npm passes it on. */
const SAME_SIGNAL_MS = 1_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const options = readOptions(process.argv.slice(2));
if (typeof options === 'string') {
  console.error(`${options}\n\n${USAGE}`);
  process.exitCode = 2;
} else if (options.suite === undefined) {
  console.log(USAGE);
} else {
  process.exitCode = await bench(options.suite, options);
}

interface Options {
  /** Undefined: list them. */
  readonly suite: Suite | undefined;
  readonly json: string | undefined;
  readonly only: string;
  readonly quick: boolean;
  readonly full: boolean;
}

/** The options, or what is wrong with them. */
function readOptions(args: readonly string[]): Options | string {
  try {
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: { json: { type: 'string' }, only: { type: 'string', default: '' }, quick: { type: 'boolean', default: false }, full: { type: 'boolean', default: false } } });
    if (positionals.length > 1) return `one suite at a time, not ${positionals.join(' and ')}`;
    const suite = SUITES.find(({ name }) => name === positionals[0]);
    if (positionals.length === 1 && suite === undefined) return `there is no suite ${positionals[0]}: ${SUITES.map(({ name }) => name).join(', ')}`;
    if (values.quick && values.full) return '--quick or --full, not both';
    if (values.only !== '' && suite !== undefined && suite.selective !== true) return `${suite.name} has no --only`;
    return { suite, json: values.json, only: values.only, quick: values.quick, full: values.full };
  } catch (error) {
    return (error as Error).message;
  }
}

async function bench(suite: Suite, { json, only, quick, full }: Options): Promise<number> {
  const controller = new AbortController();
  const stop = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) return;
    // A second Ctrl-C means at once: the default action, as process.exit would wait for a statement that still runs.
    setTimeout(() => SIGNALS.forEach((name) => process.off(name, stop)), SAME_SIGNAL_MS).unref();
    console.error(`\nstopping after ${signal}; once more to end at once`);
    controller.abort(new Error(`stopped by ${signal}`));
  };
  for (const name of SIGNALS) process.on(name, stop);

  const rows: BenchRow[] = [];
  const cleanups: (() => unknown)[] = [];
  const context: Bench = {
    signal: controller.signal,
    quick,
    full,
    wants: (name) => only.split(/\s+/).every((word) => name.includes(word)),
    folder() {
      const folder = mkdtempSync(join(tmpdir(), 'granary-bench-'));
      cleanups.unshift(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
      return folder;
    },
    defer: (cleanup) => void cleanups.push(cleanup),
    add(...added) {
      rows.push(...added);
      for (const { name, ratio } of added) console.error(`  ${name}: ${ratio.toPrecision(2)} of the floor's speed`);
    },
    note: (text) => console.error(`  ${text}`),
  };
  const started = performance.now();
  try {
    await suite.run(context);
  } catch (error) {
    // What fails after Ctrl-C fails because of it: a terminal signals the servers we started as well.
    if (!controller.signal.aborted) throw error;
  } finally {
    await cleanUp(cleanups, controller.signal);
    for (const name of SIGNALS) process.off(name, stop);
  }
  if (rows.length > 0) console.log(renderTable(rows));
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(rows, null, 2)}\n`);
  console.error(`${suite.name}: ${rows.length} rows, ${((performance.now() - started) / 1_000).toFixed(0)} s${controller.signal.aborted ? ', stopped before the end' : ''}`);
  return controller.signal.aborted ? 130 : 0;
}

/** All of them, whatever one of them throws: the first failure is thrown at the end. */
async function cleanUp(cleanups: (() => unknown)[], signal: AbortSignal): Promise<void> {
  const failures: unknown[] = [];
  for (const cleanup of cleanups.reverse()) {
    try {
      await cleanup();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0 && !signal.aborted) throw failures[0];
}
