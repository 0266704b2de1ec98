import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GranaryError, formatInstant, type Instant } from '@granary/contracts';
import { Argument, type Command } from 'commander';
import type { Context } from '../context.js';
import { INSTANT_HELP, readInstant, wholeNumber } from '../flags.js';
import { formatCount } from '../terminal/format.js';
import { renderTable } from '../terminal/table.js';
import { flag, verb } from '../verb.js';

const DOMAINS = ['marketplace', 'payments'] as const;
export type Domain = (typeof DOMAINS)[number];

const DAY = 86_400_000;

export interface Simulation {
  readonly seed: number;
  /** Events end here, itself excluded; payments end with the day before it. */
  readonly end: Instant;
  readonly days?: number;
  /** Of a marketplace. */
  readonly users?: number;
  /** Of a marketplace. */
  readonly items?: number;
  /** Of payments. */
  readonly customers?: number;
}

/** One file of a domain: rows as its source declares them, and perhaps columns more. */
interface Part {
  readonly path: string;
  readonly rows: Iterable<object>;
}

type SimulateFlags = Partial<Simulation> & { readonly seed: number; readonly end: Instant; readonly out: string };

const ONLY_OF: Readonly<Record<'users' | 'items' | 'customers', Domain>> = { users: 'marketplace', items: 'marketplace', customers: 'payments' };

export function registerSimulate(program: Command): void {
  const command = program
    .command('simulate')
    .addArgument(new Argument('<domain>', 'what to simulate').choices(DOMAINS))
    .description('Write the CSV files of a made-up marketplace or payments stream; the same seed and end give the same files')
    .requiredOption('--out <dir>', 'folder for the files, made if missing')
    .option('--seed <number>', 'a 32-bit integer', flag(wholeNumber(0)), 1)
    .option('--end <instant>', `when events end: ${INSTANT_HELP}`, flag(readInstant), Date.UTC(2026, 4, 1))
    .option('--days <number>', 'how many days of events (default: marketplace 60, payments 183)', flag(wholeNumber(1)))
    .option('--users <number>', 'marketplace: people (default: 1,500)', flag(wholeNumber(1)))
    .option('--items <number>', 'marketplace: items (default: 800)', flag(wholeNumber(1)))
    .option('--customers <number>', 'payments: card holders, on twice as many terminals (default: 5,000)', flag(wholeNumber(1)));
  // The default is an instant; its ISO form is what people read.
  command.options.find((option) => option.long === '--end')!.defaultValueDescription = '2026-05-01';
  const example = 'granary simulate marketplace --out ./data --seed 7 --users 500\ngranary simulate payments --out ./data --customers 200 --days 90';
  verb<SimulateFlags, [Domain]>(command, [], example, async (context, { out, ...flags }, domain) => {
    for (const [name, owner] of Object.entries(ONLY_OF)) {
      if (owner === domain || flags[name as keyof typeof ONLY_OF] === undefined) continue;
      throw new GranaryError('INVALID_USAGE', `--${name} is for ${owner}, not for ${domain}`, { todo: 'Leave it out.' });
    }
    const files = await simulate(context, domain, resolve(out), flags);
    const columns = [{ title: 'file' }, { title: 'rows', align: 'right' }] as const;
    return { json: { domain, seed: flags.seed, end: formatInstant(flags.end), files }, text: renderTable(columns, files.map(({ path, rows }) => [path, formatCount(rows)]), context.voice.style) };
  });
}

/** Streams the domain's rows into the files that its sources name; a file appears under its name when it is whole. */
export async function simulate(context: Pick<Context, 'signal' | 'voice'>, domain: Domain, dir: string, options: Simulation): Promise<readonly { readonly path: string; readonly rows: number }[]> {
  await mkdir(dir, { recursive: true });
  const files: { readonly path: string; readonly rows: number }[] = [];
  for (const part of await partsOf(domain, options)) {
    const path = join(dir, part.path);
    files.push({ path, rows: await writeCsv(context, `simulate ${part.path}`, path, part.rows) });
  }
  return files;
}

async function partsOf(domain: Domain, { customers, days, end, ...rest }: Simulation): Promise<readonly Part[]> {
  // Left-out options must be absent, not undefined: the simulators have defaults of their own.
  const lasting = days === undefined ? {} : { days };
  switch (domain) {
    case 'marketplace': {
      const { items, users, interactions } = await import('@granary/feature-defs/marketplace/simulator');
      const sources = await import('@granary/feature-defs/marketplace/features');
      const options = { ...rest, ...lasting, end };
      return [
        { path: fileOf(sources.users), rows: withInstants(users(options), 'signedUpAt') },
        { path: fileOf(sources.items), rows: withInstants(items(options), 'releasedAt') },
        { path: fileOf(sources.interactions), rows: withInstants(interactions(options), 'at') },
      ];
    }
    case 'payments': {
      const { payments } = await import('@granary/feature-defs/payments/simulator');
      const sources = await import('@granary/feature-defs/payments/features');
      const start = new Date((Math.floor(end / DAY) - (days ?? 183)) * DAY).toISOString().slice(0, 10);
      const rows = payments({ seed: rest.seed, start, ...lasting, ...(customers === undefined ? {} : { customers }) });
      return [{ path: fileOf(sources.payments), rows: withInstants(rows, 'at') }];
    }
  }
}

function fileOf(source: { readonly name: string; readonly definition: { readonly file: { readonly path: string } | null } }): string {
  if (source.definition.file === null) throw new Error(`the source ${source.name} declares no file`);
  return source.definition.file.path;
}

function* withInstants<K extends string, R extends Readonly<Record<K, Instant>>>(rows: Iterable<R>, field: K): Generator<object> {
  for (const row of rows) yield { ...row, [field]: formatInstant(row[field]) };
}

const REPORT_EVERY = 5_000;

async function writeCsv({ signal, voice }: Pick<Context, 'signal' | 'voice'>, stage: string, path: string, rows: Iterable<object>): Promise<number> {
  const { stringify } = await import('csv-stringify');
  const unfinished = `${path}.part`;
  let count = 0;
  const report = (): void => voice.progress.report({ stage, done: count, total: null, unit: 'rows' });
  function* counted(): Generator<object> {
    for (const row of rows) {
      yield row;
      count += 1;
      if (count % REPORT_EVERY === 0) report();
    }
  }
  try {
    const toCsv = stringify({ header: true, cast: { boolean: String } });
    await pipeline(Readable.from(counted()), toCsv, createWriteStream(unfinished), { signal });
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  report();
  return count;
}
