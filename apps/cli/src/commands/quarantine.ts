import { GranaryError, formatInstant, quarantineTable, type Source } from '@granary/contracts';
import type { QuarantinedRow } from '@granary/offline-store';
import type { Command } from 'commander';
import { wholeNumber } from '../flags.js';
import { formatCount, plural } from '../terminal/format.js';
import { renderTable } from '../terminal/table.js';
import { flag, verb } from '../verb.js';

interface Rejects {
  readonly source: string;
  readonly total: number;
  readonly rows: readonly (Omit<QuarantinedRow, 'at'> & { readonly at: string })[];
}

export function registerQuarantine(program: Command): void {
  const command = program
    .command('quarantine')
    .argument('[source]', 'only this source (default: all)')
    .description('List the rows that could not be read as events, with their place and the reason')
    .option('--limit <number>', 'rows of each source', flag(wholeNumber(1)), 20);
  verb<{ readonly limit: number }, [name: string | undefined]>(command, ['clickhouseUrl'], 'granary quarantine payments', async (context, { limit }, name) => {
    const { style } = context.voice;
    const store = await context.offline();
    const rejects: Rejects[] = [];
    for (const source of chosen((await context.snapshot()).sources, name)) {
      if (!(await store.tableExists(quarantineTable(source)))) continue;
      const total = await store.countQuarantined(source);
      const rows = total === 0 ? [] : await store.listQuarantine(source, limit);
      rejects.push({ source: source.name, total, rows: rows.map((row) => ({ ...row, at: formatInstant(row.at) })) });
    }
    const parts = rejects.filter(({ total }) => total > 0).map(({ source, total, rows }) => {
      const shown = rows.length < total ? `, the first ${rows.length} of them` : '';
      const lines = rows.map((row) => [row.file, row.line === null ? '–' : String(row.line), row.reason, style.dim(oneLine(row.text))]);
      const columns = [{ title: 'file' }, { title: 'line', align: 'right' }, { title: 'reason' }, { title: 'row' }] as const;
      return `${style.heading(source)}: ${formatCount(total)}${shown}\n${renderTable(columns, lines, style)}`;
    });
    return { json: { quarantine: rejects }, text: parts.length === 0 ? 'the quarantine is empty' : parts.join('\n\n') };
  });
  registerExport(command);
  registerReplay(command);
  registerDrop(command);
}

function registerExport(quarantine: Command): void {
  const command = quarantine
    .command('export')
    .argument('<source>', 'whose rows')
    .description('Write quarantined rows to a file, a JSON object a line with the reason: mend what stands under "row", then replay --file')
    .requiredOption('--out <file>', 'a new file')
    .option('--where <text>', 'only rows whose reason holds this text');
  verb<{ readonly out: string; readonly where?: string }, [name: string]>(command, ['clickhouseUrl'], 'granary quarantine export payments --out bad.ndjson', async (context, { out, where }, name) => {
    const [source] = chosen((await context.snapshot()).sources, name);
    const { exportDeadLetters } = await import('@granary/jobs');
    const exported = await exportDeadLetters(await context.offline(), source!, out, { reason: where });
    return { json: { source: name, out, exported }, text: `${plural(exported, 'row')} in ${out}; mended, they go back with: granary quarantine replay ${name} --file ${out}` };
  });
}

function registerReplay(quarantine: Command): void {
  const command = quarantine
    .command('replay')
    .argument('<source>', 'whose rows')
    .description('Read quarantined rows again, with fields corrected or as mended in an exported file; those that are events now are stored and leave the quarantine')
    .option('--where <text>', 'only rows whose reason holds this text')
    .option('--set <field=value...>', 'fields that get this value first (JSON, or else text)')
    .option('--file <path>', 'instead: what granary quarantine export wrote, mended');
  const examples = "granary quarantine replay payments --where 'amount: missing' --set amount=0\ngranary quarantine replay payments --file bad.ndjson";
  verb<{ readonly where?: string; readonly set?: readonly string[]; readonly file?: string }, [name: string]>(command, ['clickhouseUrl'], examples, async (context, { where, set = [], file }, name) => {
    if (file !== undefined && (where !== undefined || set.length > 0)) throw new GranaryError('INVALID_USAGE', '--file goes without --where and --set', { todo: 'Mend the rows in the file, or leave it out.' });
    const { createIntake, noPublisher, parseJson, replayDeadLetters, replayFile } = await import('@granary/jobs');
    const snapshot = await context.snapshot();
    const [source] = chosen(snapshot.sources, name);
    const store = await context.offline();
    const sink = createIntake({ store, snapshot, publisher: noPublisher });
    context.onClose(() => sink.close());
    const { signal } = context;
    const report =
      file === undefined
        ? await replayDeadLetters(store, source!, sink, { reason: where, set: Object.fromEntries(set.map((each) => assignment(each, parseJson))), signal })
        : await replayFile(store, source!, sink, file, { signal });
    const reasons = report.reasons.map(({ reason, count }) => `  ${formatCount(count)} × ${reason}`);
    const text = [`${formatCount(report.replayed)} replayed (${formatCount(report.duplicates)} were stored before), ${formatCount(report.stillWrong)} still wrong${report.gone === 0 ? '' : `, ${formatCount(report.gone)} gone before`}`, ...reasons.slice(0, 20)].join('\n');
    return { json: report, text, exitCode: report.stillWrong > 0 ? 1 : 0 };
  });
}

function registerDrop(quarantine: Command): void {
  const command = quarantine
    .command('drop')
    .argument('<source>', 'whose rows')
    .description('Remove quarantined rows for good')
    .option('--where <text>', 'only rows whose reason holds this text (default: all)');
  verb<{ readonly where?: string }, [name: string]>(command, ['clickhouseUrl'], "granary quarantine drop payments --where 'not JSON'", async (context, { where }, name) => {
    const [source] = chosen((await context.snapshot()).sources, name);
    const store = await context.offline();
    const dropped = (await store.tableExists(quarantineTable(source!))) ? await store.dropQuarantined(source!, where) : 0;
    return { json: { source: name, dropped }, text: `${formatCount(dropped)} dropped` };
  });
}

function assignment(text: string, parseJson: (json: string) => unknown): readonly [field: string, value: unknown] {
  const at = text.indexOf('=');
  if (at < 1) throw new GranaryError('INVALID_USAGE', `--set ${text} sets nothing`, { todo: 'Write --set field=value.' });
  const value = text.slice(at + 1);
  try {
    return [text.slice(0, at), parseJson(value)];
  } catch {
    return [text.slice(0, at), value];
  }
}

function chosen(sources: readonly Source[], name: string | undefined): readonly Source[] {
  const found = sources.filter((source) => name === undefined || source.name === name);
  if (found.length > 0 || name === undefined) return found;
  throw new GranaryError('DEFINITION_NOT_FOUND', `There is no source ${name}`, { todo: `Name one of ${sources.map((source) => source.name).join(', ')}.` });
}

function oneLine(text: string): string {
  const flat = text.replace(/\s+/g, ' ').trim();
  return flat.length > 60 ? `${flat.slice(0, 60)}…` : flat;
}
