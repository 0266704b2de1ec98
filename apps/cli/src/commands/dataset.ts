import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { GranaryError, fileFormats, type FileFormat, type Instant } from '@granary/contracts';
import type { DatasetReport, SpineSource } from '@granary/jobs';
import { Option, type Command } from 'commander';
import { currentSnapshot } from '../context.js';
import { INSTANT_HELP, readBytes, readInstant } from '../flags.js';
import { formatBytes, plural } from '../terminal/format.js';
import { flag, verb } from '../verb.js';

interface SpineFlags {
  readonly spine?: string;
  readonly spineSql?: string;
  readonly spineFormat?: FileFormat;
  readonly timeColumn?: string;
  readonly from?: Instant;
  readonly to?: Instant;
}

interface DatasetFlags extends SpineFlags {
  readonly out: string;
  readonly id?: string;
  readonly corrected?: true;
  readonly maxMemory?: number;
}

export function registerDataset(program: Command): void {
  const command = program
    .command('dataset')
    .argument('[service]', 'the feature service whose features are the columns')
    .description('Write a point-in-time training set to Parquet: a row for each of the spine, features as of its own time')
    .requiredOption('--out <file>', 'the Parquet file')
    .option('--spine <source|file>', 'a source whose events are the rows, or a CSV, NDJSON or Parquet file of keys, request fields and instants')
    .option('--spine-sql <query>', 'a SELECT of keys, request fields and instants; {{source}} in it is the events of a source')
    .addOption(new Option('--spine-format <format>', 'of the file; default: by its name').choices(fileFormats))
    .option('--time-column <name>', 'the column of a file or query that holds the instant; default at')
    .option('--from <instant>', `first event time of a source, itself included: ${INSTANT_HELP}`, flag(readInstant))
    .option('--to <instant>', 'last event time of a source, itself excluded', flag(readInstant))
    .option('--id <id>', 'the training set of that id again: the same bytes, whatever has arrived since')
    .option('--corrected', 'with --id: what it asked, of what has arrived by now')
    .option('--max-memory <size>', 'memory that a statement may use, such as 2GiB; it goes on on disk at a third', flag(readBytes));
  const example = 'granary dataset fraud_features --spine payments --out train.parquet --to 2026-05-01\ngranary dataset fraud_features --spine labels.csv --time-column paid_at --out train.parquet\ngranary dataset --id 0123456789abcdef --out again.parquet';
  verb<DatasetFlags, [string | undefined]>(command, ['clickhouseUrl'], example, async (context, flags, service) => {
    const { correctDataset, rewriteDataset, writeDataset } = await import('@granary/jobs');
    const files = {
      path: resolve(flags.out),
      folder: join(context.environment.home, 'datasets'),
      maxMemoryBytes: flags.maxMemory,
      onProgress: context.voice.progress.report,
      signal: context.signal,
    };
    if (flags.id !== undefined) {
      if (service !== undefined || givesSpine(flags)) throw usage('--id says what was asked: neither a service nor a spine goes with it');
      const registry = await context.registry();
      const again = flags.corrected === true ? correctDataset : rewriteDataset;
      return answer(await again(await context.offline(), async (id) => currentSnapshot(registry, id), flags.id, files));
    }
    if (flags.corrected === true) throw usage('--corrected goes with --id');
    if (service === undefined) throw usage('name a feature service, or the --id of a training set');
    if ((flags.spine === undefined) === (flags.spineSql === undefined)) throw usage('give the rows by --spine or by --spine-sql');
    const snapshot = await context.snapshot();
    return answer(await writeDataset(await context.offline(), snapshot, service, { ...files, spine: readSpine(flags, (name) => snapshot.sources.some((source) => source.name === name)) }));
  });
}

function givesSpine({ spine, spineSql, spineFormat, timeColumn, from, to }: SpineFlags): boolean {
  return [spine, spineSql, spineFormat, timeColumn, from, to].some((value) => value !== undefined);
}

function readSpine({ spine, spineSql, spineFormat, timeColumn, from, to }: SpineFlags, isSource: (name: string) => boolean): SpineSource {
  const isFile = spine !== undefined && !isSource(spine) && (spineFormat !== undefined || /[./]/.test(spine) || existsSync(spine));
  if (spineSql === undefined && !isFile) {
    if (timeColumn !== undefined) throw usage('--time-column goes with a file or a query; the events of a source have their own time');
    return { kind: 'source', source: spine!, from, to };
  }
  if (from !== undefined || to !== undefined) throw usage('--from and --to go with a source; leave the rows out of the file or the query');
  return spineSql === undefined ? { kind: 'file', path: resolve(spine!), format: spineFormat, timeColumn } : { kind: 'sql', sql: spineSql, timeColumn };
}

function usage(message: string): GranaryError {
  return new GranaryError('INVALID_USAGE', message, { todo: 'Run granary dataset --help.' });
}

function answer(report: DatasetReport): { readonly json: DatasetReport; readonly text: string } {
  const { path, id, rows, columns, bytes, corrects, computed, sameBytes } = report;
  const notes = [
    computed ? null : 'kept from before: not computed again',
    corrects === null ? null : `corrects ${corrects}`,
    sameBytes === null ? null : sameBytes ? 'its file was gone: computed again, the same bytes' : 'its file was gone: computed again, and the bytes differ from the first time',
  ].filter((note) => note !== null);
  return { json: report, text: [`${path}: ${plural(rows, 'row')}, ${plural(columns.length, 'column')}, ${formatBytes(bytes)}`, `id ${id}${notes.map((note) => ` · ${note}`).join('')}`].join('\n') };
}
