import { resolve } from 'node:path';
import type { Instant } from '@granary/contracts';
import type { Command } from 'commander';
import { INSTANT_HELP, readInstant } from '../flags.js';
import { formatBytes, plural } from '../terminal/format.js';
import { flag, verb } from '../verb.js';

interface DatasetFlags {
  readonly spine: string;
  readonly out: string;
  readonly from?: Instant;
  readonly to?: Instant;
}

export function registerDataset(program: Command): void {
  const command = program
    .command('dataset')
    .argument('<service>', 'the feature service whose features are the columns')
    .description('Write a point-in-time training set to Parquet: a row for each event of the spine, features as of its own time')
    .requiredOption('--spine <source>', 'the source whose events are the rows')
    .requiredOption('--out <file>', 'the Parquet file')
    .option('--from <instant>', `first event time, itself included: ${INSTANT_HELP}`, flag(readInstant))
    .option('--to <instant>', 'last event time, itself excluded', flag(readInstant));
  const example = 'granary dataset fraud_features --spine payments --out train.parquet --to 2026-05-01';
  verb<DatasetFlags, [string]>(command, ['clickhouseUrl'], example, async (context, { spine, out, from, to }, service) => {
    const snapshot = await context.snapshot();
    const { writeDataset } = await import('@granary/jobs');
    const options = { spine, path: resolve(out), from, to, onProgress: context.voice.progress.report, signal: context.signal };
    const report = await writeDataset(await context.offline(), snapshot, service, options);
    return { json: report, text: `${report.path}: ${plural(report.rows, 'row')}, ${plural(report.columns.length, 'column')}, ${formatBytes(report.bytes)}` };
  });
}
