import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { compileEvaluate, representView, viewParts } from '@granary/aggregates';
import { BACKFILL, backfillTable, identifier, named, type Instant, type VersionedView } from '@granary/contracts';
import type { OfflineStore, OfflineStoreOptions } from '@granary/offline-store';
import { createStateCodec, rowKey, type OnlineStore } from '@granary/online-store';
import { snapshot, type StoredRow } from './shop.js';

const FRONT = fileURLToPath(new URL('../../../offline-store/dist/http-front/main.js', import.meta.url));
const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

/** A fresh folder, made when it is first asked for (a suite that is skipped removes nothing), removed by `remove`. */
export function scratchFolder(): { readonly dir: string; remove(): void } {
  let dir: string | null = null;
  return {
    get dir() {
      return (dir ??= mkdtempSync(join(tmpdir(), 'granary-jobs-')));
    },
    remove: () => (dir === null ? undefined : rmSync(dir, { recursive: true, force: true })),
  };
}

export interface Target {
  readonly options: OfflineStoreOptions;
  stop(): Promise<void>;
}

/** The two ways to ClickHouse: in this process, and by URL through the front in a process of its own. */
export const OFFLINE: Readonly<Record<'embedded' | 'by URL', () => Promise<Target>>> = {
  async embedded() {
    const folder = scratchFolder();
    return Promise.resolve({ options: { kind: 'embedded', path: join(folder.dir, 'db') }, stop: async () => Promise.resolve(folder.remove()) });
  },
  async 'by URL'() {
    const folder = scratchFolder();
    const child = spawn(process.execPath, [FRONT, '--path', join(folder.dir, 'db')], { stdio: ['ignore', 'pipe', 'inherit'] });
    const url = await new Promise<string>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the front ended with ${code}: is it built?`)));
      child.stdout.once('data', (line: Buffer) => resolve(/http:\S+/.exec(String(line))![0]));
    });
    return {
      options: { kind: 'server', url },
      async stop() {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGTERM');
        await ended;
        folder.remove();
      },
    };
  },
};

export interface Child {
  readonly process: ChildProcess;
  /** What it has printed so far, by lines. */
  readonly lines: readonly string[];
  /** Resolves when it has printed that many lines or has ended. */
  printed(lines: number): Promise<void>;
  /** The exit code; null after a signal. */
  readonly ended: Promise<number | null>;
}

/**
 * Runs the body of an async function in a Node process of its own, on the built packages. In scope: all of @granary/jobs
 * as `jobs`, `OfflineStore`, `openOnlineStore`, `snapshot` of the shop, `argument`, and `print`.
 */
export function runChild(argument: unknown, body: string): Child {
  const code = `
    import * as jobs from '@granary/jobs';
    import { OfflineStore } from '@granary/offline-store';
    import { openOnlineStore } from '@granary/online-store';
    const snapshot = ${JSON.stringify(snapshot)};
    const argument = ${JSON.stringify(argument)};
    const print = (text) => process.stdout.write(text + '\\n');
    ${body}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], { cwd: PACKAGE, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const ended = new Promise<number | null>((resolve) => child.once('close', (exitCode) => resolve(exitCode)));
  const reader = createInterface(child.stdout).on('line', (line) => lines.push(line));
  return {
    process: child,
    lines,
    ended,
    async printed(count) {
      const enough = new Promise<void>((resolve) => {
        const look = (): void => void (lines.length >= count && resolve());
        reader.on('line', look);
        look();
      });
      await Promise.race([enough, ended]);
    },
  };
}

/** The backfilled rows of a view as of an instant, by `tenant/shopId`. */
export async function storedRows(store: OfflineStore, view: VersionedView, at: Instant): Promise<Map<string, StoredRow>> {
  return (await storedSeries(store, view, [at]))[0]!;
}

/** The backfilled rows of a view as of each of many instants, by `tenant/shopId`. */
export async function storedSeries(store: OfflineStore, view: VersionedView, instants: readonly Instant[]): Promise<Map<string, StoredRow>[]> {
  const columns = [BACKFILL.eventTime, ...viewParts(view).map(({ name }) => name)];
  const rows = await store.rows({
    sql: `SELECT tenant, shopId, toUnixTimestamp64Milli(${identifier(BACKFILL.asOf)}) AS at, ${columns.map(identifier).join(', ')}
FROM ${identifier(backfillTable(view))} FINAL WHERE has({instants:Array(Int64)}, at)`,
    params: { instants },
  });
  return instants.map((at) => {
    const own = rows.filter((row) => Number(row['at']) === at);
    const byShop = new Map(own.map((row) => [`${String(row['tenant'])}/${String(row['shopId'])}`, columns.map((name) => row[name]) as unknown as StoredRow]));
    if (byShop.size !== own.length) throw new Error(`${own.length} rows for ${byShop.size} shops`);
    return byShop;
  });
}

/** What the online values of these shops (`tenant/shopId`) come to as of an instant; of those that have any. */
export async function onlineRows(store: OnlineStore, view: VersionedView, project: string, shops: Iterable<string>, at: Instant): Promise<Map<string, StoredRow>> {
  const names = [...shops];
  const entity = snapshot.entities[0]!;
  const kept = representView(view, named(snapshot.sources, view.source));
  const [codec, evaluate] = [createStateCodec(kept, view.version), compileEvaluate(kept)];
  const packed = await store.read(names.map((name) => rowKey(project, entity, [name.split('/')[0]!, BigInt(name.split('/')[1]!)], view.name, view.version)));
  return new Map(
    packed.flatMap((bytes, i) => {
      if (bytes === null) return [];
      const state = codec.decode(bytes);
      if (state.asOf > at) throw new Error(`${names[i]!} is online as of ${state.asOf}, later than ${at}`);
      const { eventTime, parts } = evaluate(state, at);
      return eventTime === null ? [] : [[names[i]!, [eventTime, ...parts.flatMap((own) => [...own])] as unknown as StoredRow]];
    }),
  );
}

/** Floats to 1e-9 relative, the rest to the letter. */
export function rounded(rows: ReadonlyMap<string, StoredRow>): unknown {
  const round = (value: unknown): unknown => (typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(9)) : value);
  return Object.fromEntries([...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([shop, row]) => [shop, row.map(round)]));
}
