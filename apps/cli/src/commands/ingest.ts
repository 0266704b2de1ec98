import { GranaryError, fileFormats, type FileFormat } from '@granary/contracts';
import type { IngestFolderReport, IngestReport } from '@granary/jobs';
import { Option, type Command } from 'commander';
import type { Context } from '../context.js';
import { formatCount, formatElapsed, plural } from '../terminal/format.js';
import type { Style } from '../terminal/style.js';
import { renderTable } from '../terminal/table.js';
import { verb } from '../verb.js';

interface IngestFlags {
  readonly data?: string;
  readonly source?: readonly string[];
  readonly file?: string;
  readonly format?: FileFormat;
}

export function registerIngest(program: Command): void {
  const command = program
    .command('ingest')
    .description('Load files into the events of their sources; loading a file again adds only what is not there yet')
    .option('--data <dir>', 'a folder with the files that the sources declare')
    .option('--source <names...>', 'only these sources (default: all that declare a file)')
    .option('--file <path>', 'one file, into the one source given by --source')
    .addOption(new Option('--format <format>', 'what --file holds (default: as the source declares, else by the file’s name)').choices(fileFormats));
  verb<IngestFlags, []>(command, ['clickhouseUrl'], 'granary ingest --data ./data\ngranary ingest --source payments --file ./march.csv.gz', async (context, flags) => {
    const report = await ingest(context, flags);
    const quarantined = report.reports.reduce((sum, each) => sum + each.quarantined, 0);
    const hint = quarantined === 0 ? '' : `\n\n${plural(quarantined, 'row')} in quarantine: granary quarantine shows them`;
    return { json: report, text: `${renderReports(report, context.voice.style)}${hint}`, error: unreadFiles(report) };
  });
}

async function ingest(context: Context, { data, source, file, format }: IngestFlags): Promise<IngestFolderReport> {
  if ((data === undefined) === (file === undefined)) throw usage('give either --data or --file', 'Give --data DIR, or --file PATH with --source NAME.');
  const snapshot = await context.snapshot();
  const options = { onProgress: context.voice.progress.report, signal: context.signal };
  if (file === undefined) {
    const { ingestFolder } = await import('@granary/jobs');
    return ingestFolder(await context.offline(), snapshot, data!, { ...options, sources: source });
  }
  const [name, ...more] = source ?? [];
  if (name === undefined || more.length > 0) throw usage('--file goes into one source', 'Name it with --source.');
  const into = snapshot.sources.find((each) => each.name === name);
  if (into === undefined) {
    throw new GranaryError('DEFINITION_NOT_FOUND', `There is no source ${name}`, { todo: `Name one of ${snapshot.sources.map((each) => each.name).join(', ')}.` });
  }
  const { ingestSource } = await import('@granary/jobs');
  return { reports: [await ingestSource(await context.offline(), into, file, { ...options, format })], missing: [] };
}

/** The error of a folder of which a file could not be read to its end. */
export function unreadFiles({ reports }: IngestFolderReport): GranaryError | undefined {
  const failed = reports.filter((each) => each.error !== undefined);
  if (failed.length === 0) return undefined;
  return new GranaryError('FILE_UNREADABLE', `${failed.length} of ${plural(reports.length, 'file')} could not be read to the end: ${failed.map(({ file }) => file).join(', ')}`, {
    todo: 'Mend what is said of each above and run it again; nothing is loaded twice.',
    details: { files: failed.map(({ source, file, error }) => ({ source, file, error })) },
  });
}

function usage(message: string, todo: string): GranaryError {
  return new GranaryError('INVALID_USAGE', message, { todo });
}

export function renderReports({ reports, missing }: IngestFolderReport, style: Style): string {
  const columns = [
    { title: 'source' },
    { title: 'file' },
    ...['read', 'inserted', 'duplicates', 'quarantined', 'time'].map((title) => ({ title, align: 'right' as const })),
  ];
  const rows = reports.map((each) => [
    each.source,
    each.file,
    ...[each.read, each.inserted, each.duplicates].map(formatCount),
    each.quarantined === 0 ? '0' : style.warn(formatCount(each.quarantined)),
    formatElapsed(each.ms),
  ]);
  return [renderTable(columns, rows, style), ...reports.flatMap((each) => remarks(each, style)), ...missing.map(({ source, file }) => style.dim(`${source}: there is no ${file} in the folder`))].join('\n');
}

function remarks({ source, reasons, ignoredColumns, error }: IngestReport, style: Style): readonly string[] {
  return [
    ...(error === undefined ? [] : [`${style.bad(`${source}: ${error.message}`)}${error.todo === null ? '' : `\n${style.dim('→')} ${error.todo}`}`]),
    ...reasons.map(({ reason, count }) => style.warn(`${source}: ${plural(count, 'row')} quarantined: ${reason}`)),
    ...(ignoredColumns.length === 0 ? [] : [style.dim(`${source}: columns not declared, so not loaded: ${ignoredColumns.join(', ')}`)]),
  ];
}
