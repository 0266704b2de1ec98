import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { granary, granaryJson, loadedModules, startGranary, temporaryFolder } from './granary.js';

const seed = Number(process.env['SEED']);
console.info(`cli: seed ${seed}`);

const definitions = (window: string) => `import { count, entity, featureService, featureView, source, sum, t } from '@granary/sdk';
export const reader = entity('reader', { readerId: t.int64 });
export const clicks = source('clicks', {
  fields: { clickId: t.string, readerId: t.int64, cost: t.float64, at: t.timestamp },
  eventId: 'clickId',
  eventTime: 'at',
  file: 'clicks.csv',
});
export const reading = featureView('reading', {
  entity: reader,
  source: clicks,
  features: (e) => ({ clicked: count().over('${window}'), spent: sum(e.cost).over('${window}') }),
});
export const page = featureService('page', [reading]);
`;

const HEADER = 'clickId,readerId,cost,at\n';
const start = Date.UTC(2026, 0, 1);
const click = (i: number, readers = 10) => `c${i},${i % readers},${(i % 7) / 2},${new Date(start + i * 1000).toISOString()}\n`;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let defs: string;
let home: string;

/** The arguments that every test needs. */
const at = (where = home) => ['--home', where];

beforeAll(async () => {
  folder = await temporaryFolder();
  defs = join(folder.path, 'defs');
  home = join(folder.path, 'home');
  await mkdir(defs, { recursive: true });
  await writeFile(join(defs, 'features.ts'), definitions('7d'));
});
afterAll(() => folder.remove());

/** Runs the workspace's own TypeScript. */
async function typeCheck(tsconfig: string): Promise<{ code: number | null; stdout: string }> {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const child = spawn(process.execPath, [tsc, '-p', tsconfig], { stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (stdout += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout };
}

interface Failure {
  readonly error: { readonly code: string; readonly message: string; readonly todo: string; readonly details: Record<string, unknown> };
}

describe('wrong usage', () => {
  it.each<[args: string[], code: number, says: string]>([
    [[], 2, 'granary --help'],
    [['pln'], 2, "unknown command 'pln'; did you mean plan?"],
    [['plan', '--jsno'], 2, "unknown option '--jsno'; did you mean --json?"],
    [['plan', 'extra'], 2, 'too many arguments'],
    [['plan', '--defs', '/nowhere/at/all'], 2, 'no such file or folder'],
    [['serve', '--port', '99999'], 2, '--port must be at most 65535'],
    [['backfill', '--at', 'yesterday'], 2, '"yesterday" is not a timestamp'],
    [['backfill', '--every', '5 minutes'], 2, 'is not a duration'],
    [['backfill', '--from', '2026-01-01'], 2, 'a range needs --from, --to and --every'],
    [['ingest'], 2, 'give either --data or --file'],
    [['ingest', '--file', 'a.csv', '--format', 'xlsx'], 2, 'Allowed choices are csv, ndjson, parquet'],
    [['dataset', 'page', '--out', 'x.parquet'], 2, 'give the rows by --spine or by --spine-sql'],
    [['simulate', 'weather', '--out', 'x'], 2, 'Allowed choices are marketplace, payments'],
    [['simulate', 'payments', '--users', '7', '--out', 'x'], 2, '--users is for marketplace'],
    [['status', '--clickhouse-url', 'http://127.0.0.1:1'], 0, 'STORE_UNAVAILABLE'],
    [['prove', '--sample', '2'], 2, 'is not a share'],
    [['explain', 'model', 'x', 'id=1'], 2, 'granary explains no model'],
    [['train', '--redis-url', 'x'], 2, "unknown option '--redis-url'"],
    [['materialise', '--redis-url', 'http://x'], 2, 'must be a URL that begins with redis://'],
    [['apply', '--snapshot', 'abcdef'], 2, 'no snapshot abcdef was ever applied'],
    [['history', '--help'], 0, 'granary history'],
    [['--version'], 0, '0.1.0'],
  ])('granary %j ends with %i', async (args, code, says) => {
    const outcome = await granary(args, { GRANARY_HOME: join(folder.path, 'unused') });
    expect([outcome.code, outcome.stdout + outcome.stderr]).toEqual([code, expect.stringContaining(says)]);
    expect(outcome.stderr).not.toMatch(/^\s+at /m);
  });

  it('says where nothing was applied yet, and makes no stores for it', async () => {
    const empty = join(folder.path, 'empty');
    for (const args of [['ingest', '--data', '.'], ['backfill'], ['materialise'], ['train'], ['evaluate', 'x'], ['dataset', 'x', '--spine', 'y', '--out', 'z'], ['serve'], ['up'], ['intake'], ['delete', 'x', 'id=1'], ['prove'], ['explain', 'feature', 'x', 'id=1']]) {
      const { error } = await granaryJson<Failure>([...args, ...at(empty)], 2);
      expect([args[0], error.code, error.todo]).toEqual([args[0], 'REGISTRY_EMPTY', 'Run granary plan, then granary apply.']);
    }
    expect(await readdir(empty).catch(() => [])).toEqual([]);
  }, 120_000);

  it('puts errors of the command line itself into the document too', async () => {
    const { error } = await granaryJson<Failure>(['paln'], 2);
    expect(error).toMatchObject({ code: 'INVALID_USAGE', message: "unknown command 'paln'; did you mean plan?" });
  });
});

describe('starting', () => {
  it('init writes definitions that plan takes, and overwrites nothing', async () => {
    const dir = join(folder.path, 'begun');
    const { file } = await granaryJson<{ file: string }>(['init', dir]);
    const plan = await granaryJson<{ changes: unknown[] }>(['plan', '--defs', dir, ...at()]);
    expect(plan.changes).toHaveLength(7);
    await writeFile(file, 'mine');
    expect((await granary(['init', dir])).code).toBe(2);
    expect(await readFile(file, 'utf8')).toBe('mine');
  });

  it('init writes a folder that type-checks wherever it lies, and tells a mistake', async () => {
    const dir = join(folder.path, 'checked');
    const { file, tsconfig } = await granaryJson<{ file: string; tsconfig: string }>(['init', dir]);
    expect(await typeCheck(tsconfig)).toEqual({ code: 0, stdout: '' });
    const text = await readFile(file, 'utf8');
    const mistaken = {
      filter: text.replace('sum(order.amount)', 'sum(order.amount).where(order.orderId.eq(7))'),
      field: text.replace('order.amount', 'order.amuont'),
      value: text.replace('t.string,', "t.enum('a', 'b'),").replace('count().over', "count().where(order.orderId.eq('sale')).over"),
    };
    for (const [name, mistake] of Object.entries(mistaken)) await writeFile(join(dir, `${name}.ts`), mistake);
    const { code, stdout } = await typeCheck(tsconfig);
    const files = [...stdout.matchAll(/(\w+)\.ts\(\d+,\d+\): error/g)].map((found) => found[1]);
    expect([code, [...new Set(files)].sort()]).toEqual([2, ['field', 'filter', 'value']]);
    expect(stdout).toMatch(/filter\.ts.*error TS2345: Argument of type 'number' is not assignable to parameter of type 'string\b/);
    expect(stdout).toMatch(/field\.ts.*Did you mean 'amount'\?/);
    expect(stdout).toMatch(/value\.ts.*Argument of type '"sale"' is not assignable to parameter of type '.*"a" \| "b"/);
  }, 60_000);

  it('init leaves a tsconfig.json that is there', async () => {
    const dir = join(folder.path, 'configured');
    await mkdir(dir);
    await writeFile(join(dir, 'tsconfig.json'), '{}');
    expect(await granaryJson(['init', dir])).toEqual({ file: join(dir, 'features.ts'), tsconfig: null });
    expect(await readFile(join(dir, 'tsconfig.json'), 'utf8')).toBe('{}');
  });

  it('help and plan load none of the engines', async () => {
    for (const args of [['--help'], ['plan', '--help'], ['plan', '--defs', defs, ...at()]]) {
      const { code, loaded } = await loadedModules(args);
      expect(code).toBe(0);
      expect(loaded).toEqual(expect.arrayContaining([expect.stringContaining('/commander/')]));
      expect(loaded.filter((url) => /\/(chdb|@clickhouse|@tensorflow|@nestjs|lmdb|ioredis|libs\/(offline-store|online-store|models|jobs|serving))\//.test(url))).toEqual([]);
    }
  });
});

describe('plan, apply, history', () => {
  it('tells all problems with file and line, and ends with 2', async () => {
    const broken = join(folder.path, 'broken');
    await mkdir(broken);
    await writeFile(join(broken, 'features.ts'), definitions('7 days').replace("'reader'", "'Reader'"));
    await writeFile(join(broken, 'more.ts'), "import { entity, t } from '@granary/sdk';\n\nexport const x = entity('no name', { id: t.int64 });\n");
    const outcome = await granary(['plan', '--defs', broken, ...at()]);
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toContain(`${join(broken, 'features.ts')}:2`);
    expect(outcome.stderr).toContain(`${join(broken, 'more.ts')}:3`);
    const { error } = await granaryJson<Failure>(['plan', '--defs', broken, ...at()], 2);
    expect(error.code).toBe('DEFINITION_INVALID');
    expect((error.details['problems'] as unknown[]).length).toBeGreaterThan(1);
  });

  it('shows what the checks found, and applies nothing that fails one', async () => {
    const leaking = join(folder.path, 'leaking.ts');
    const scored = (delay: string) => `${definitions('7d').replace('cost: t.float64', 'cost: t.float64, fraud: t.bool').replace('sum(e.cost).over(', `avg(e.fraud).over(`).replaceAll("over('7d')", `over('7d', { delay: '${delay}' })`).replace('sum, t }', 'avg, scorer, t }')}export const score = scorer('score', { service: page, events: clicks, label: 'fraud', labelDelay: '2d' });\n`;
    await writeFile(leaking, scored('1d'));
    const home = join(folder.path, 'checked-home');
    const plan = await granary(['plan', '--defs', leaking, ...at(home)]);
    expect([plan.code, plan.stdout]).toEqual([1, expect.stringMatching(/^! LEAK-001 {2}scorer score: its label fraud leaks through reading\.spent7d.*\n.*leaking\.ts:9 {3}use delay: '2d'\n\n1 error/m)]);
    expect(await granaryJson<{ checks: unknown[] }>(['plan', '--defs', leaking, ...at(home)], 1)).toMatchObject({ checks: [{ id: 'LEAK-001', severity: 'error', file: leaking, line: 9 }] });
    const { error } = await granaryJson<Failure>(['apply', '--defs', leaking, ...at(home)], 1);
    expect([error.code, error.message]).toEqual(['CHECK_FAILED', expect.stringContaining('LEAK-001')]);
    await writeFile(leaking, scored('2d'));
    expect(await granaryJson(['apply', '--defs', leaking, ...at(home)])).toMatchObject({ outcome: 'applied', checks: [] });
  }, 60_000);

  it('of two applies at once, one wins and the other is told so with 1', async () => {
    const registry = join(folder.path, 'contested');
    const other = join(folder.path, 'other.ts');
    await writeFile(other, definitions('3d'));
    const both = await Promise.all([defs, other].map((path) => granary(['apply', '--defs', path, '--expect', 'none', '--json', ...at(registry)])));
    expect(both.map(({ code }) => code).sort()).toEqual([0, 1]);
    const loser = JSON.parse(both.find(({ code }) => code === 1)!.stdout) as Failure;
    expect(loser.error).toMatchObject({ code: 'REGISTRY_CONFLICT', todo: 'Plan again, look at the changes, and apply.' });
    expect((await granaryJson<{ history: unknown[] }>(['history', ...at(registry)])).history).toHaveLength(1);
  });

  it('applies, shows changes, lists history and applies an older snapshot again', async () => {
    type Applied = { outcome: string; snapshot: string };
    type Planned = { head: string | null; snapshot: string; changes: { sign: string; name: string }[] };
    const planned = await granaryJson<Planned>(['plan', '--defs', defs, ...at()]);
    expect([planned.head, planned.changes.map(({ sign, name }) => sign + name)]).toEqual([null, ['+reader', '+clicks', '+reading', '+page']]);
    const first = await granaryJson<Applied>(['apply', '--defs', defs, '-m', 'first', ...at()]);
    expect(first).toMatchObject({ outcome: 'applied', snapshot: planned.snapshot });
    expect(await granaryJson<Applied>(['apply', '--defs', defs, ...at()])).toMatchObject({ outcome: 'unchanged', snapshot: first.snapshot });

    const changed = join(folder.path, 'changed.ts');
    await writeFile(changed, definitions('30d'));
    const plan = await granary(['plan', '--defs', changed, ...at()]);
    expect([plan.code, plan.stdout]).toEqual([0, expect.stringMatching(/~ feature view reading .*30d[\s\S]*2 to change/)]);
    const second = await granaryJson<Applied>(['apply', '--defs', changed, '--expect', first.snapshot.slice(0, 8), ...at()]);
    expect(second.snapshot).not.toBe(first.snapshot);
    expect((await granary(['apply', '--defs', defs, '--expect', first.snapshot, ...at()])).code).toBe(1);
    expect(await granaryJson<Applied>(['apply', '--snapshot', first.snapshot.slice(0, 6), ...at()])).toMatchObject({ outcome: 'applied', snapshot: first.snapshot });

    const { history } = await granaryJson<{ history: { number: number; snapshotId: string; message?: string }[] }>(['history', ...at()]);
    expect(history.map(({ number, snapshotId }) => [number, snapshotId])).toEqual([[3, first.snapshot], [2, second.snapshot], [1, first.snapshot]]);
    expect((await granary(['history', ...at()])).stdout).toContain('first');
  }, 120_000);
});

describe('ingest to status', () => {
  interface Ingested {
    readonly reports: readonly { read: number; inserted: number; duplicates: number; quarantined: number; reasons: { reason: string; count: number }[] }[];
  }
  interface Status {
    readonly offline: { available: boolean; sources: { source: string; events: number; quarantined: number }[]; views: { view: string; backfilled: string | null; instants: number }[] };
    readonly online: { available: boolean; views: { view: string; asOf: string | null; rows: number; behind: number | null }[]; memory: unknown };
  }
  let data: string;

  beforeAll(async () => {
    data = join(folder.path, 'data');
    await mkdir(data);
    const good = Array.from({ length: 100 }, (_, i) => click(i)).join('');
    expect((await granary(['apply', '--defs', defs, ...at()])).code).toBe(0);
    await writeFile(join(data, 'clicks.csv'), `${HEADER}${good}c100,three,1.5,2026-01-01\nc101,3,cheap,2026-01-01\nc102,3,1\nc103,3,2,yesterday\n${click(5)}`);
  });

  it('loads good rows, keeps bad ones apart with their reasons, and loads nothing twice', async () => {
    const { reports } = await granaryJson<Ingested>(['ingest', '--data', data, ...at()]);
    expect(reports).toMatchObject([{ read: 105, inserted: 100, duplicates: 1, quarantined: 4 }]);
    expect(reports[0]!.reasons.reduce((sum, { count }) => sum + count, 0)).toBe(4);
    const again = await granary(['ingest', '--data', data, ...at()]);
    expect([again.code, again.stdout]).toEqual([0, expect.stringMatching(/clicks +clicks\.csv +105 +0 +101 +4 /)]);

    const { quarantine } = await granaryJson<{ quarantine: { source: string; total: number; rows: { line: number; reason: string }[] }[] }>(['quarantine', ...at()]);
    expect(quarantine).toMatchObject([{ source: 'clicks', total: 4 }]);
    expect(quarantine[0]!.rows.map(({ line }) => line)).toEqual([102, 103, 104, 105]);
    expect((await granary(['quarantine', 'clicks', '--limit', '1', ...at()])).stdout).toContain('the first 1 of them');
    expect((await granary(['quarantine', 'nothing', ...at()])).code).toBe(2);
  }, 120_000);

  it('loads one file into one source', async () => {
    const file = join(folder.path, 'late.ndjson');
    await writeFile(file, `${JSON.stringify({ clickId: 'late', readerId: '3', cost: 1, at: '2026-01-01T00:00:30Z' })}\n`);
    expect((await granaryJson<Ingested>(['ingest', '--file', file, '--source', 'clicks', '--format', 'ndjson', ...at()])).reports).toMatchObject([{ inserted: 1 }]);
    expect((await granary(['ingest', '--file', '/nowhere.csv', '--source', 'clicks', ...at()])).code).toBe(2);
  });

  it('backfills a range, materialises, writes a training set, and status says so', async () => {
    const range = ['--from', '2026-01-01T12:00', '--to', '2026-01-03T12:00', '--every', '1d'];
    const { runs } = await granaryJson<{ runs: { asOf: string; rows: number; computed: boolean }[] }>(['backfill', ...range, ...at()]);
    expect(runs.map(({ asOf, rows, computed }) => [asOf.slice(0, 10), rows, computed])).toEqual([['2026-01-01', 10, true], ['2026-01-02', 10, true], ['2026-01-03', 10, true]]);
    expect((await granary(['backfill', ...range, ...at()])).stdout.match(/nothing new/g)).toHaveLength(3);

    type Materialised = { views: { view: string; asOf: string; rows: number; written: number }[] };
    const materialise = ['materialise', '--at', '2026-01-03T12:00', ...at()];
    expect((await granaryJson<Materialised>(materialise)).views).toMatchObject([{ view: 'reading', rows: 10, written: 10 }]);
    expect((await granaryJson<Materialised>(materialise)).views).toMatchObject([{ view: 'reading', rows: 10, written: 0 }]);
    const earlier = await granary(['materialise', '--at', '2026-01-01T12:00', ...at()]);
    expect([earlier.code, earlier.stderr]).toEqual([2, expect.stringContaining('later than 2026-01-01T12:00')]);

    const out = join(folder.path, 'train.parquet');
    const set = await granaryJson(['dataset', 'page', '--spine', 'clicks', '--out', out, ...at()]);
    expect(set).toMatchObject({ path: out, rows: 101, computed: true });
    const again = join(dirname(out), 'again.parquet');
    expect(await granaryJson(['dataset', '--id', (set as { id: string }).id, '--out', again, ...at()])).toEqual({ ...(set as object), path: again, computed: false });
    expect((await readFile(again)).equals(await readFile(out))).toBe(true);
    expect((await readFile(out)).subarray(0, 4).toString()).toBe('PAR1');

    const status = await granaryJson<Status>(['status', ...at()]);
    expect(status.offline).toMatchObject({ available: true, sources: [{ source: 'clicks', events: 101, quarantined: 4 }], views: [{ view: 'reading', backfilled: '2026-01-03T12:00:00.000Z', instants: 3 }] });
    expect(status.online).toMatchObject({ available: true, views: [{ view: 'reading', asOf: '2026-01-03T12:00:00.000Z', rows: 10, behind: 0 }], memory: { complete: true, entities: [{ entity: 'reader', views: [{ view: 'reading', rows: 10 }] }] } });
    expect((await granary(['status', ...at()])).stdout).toMatch(/reading +[0-9a-f]{12} +2026-01-03T12:00:00\.000Z/);
  }, 120_000);

  it('a plan tells how many events a new version would scan, and what it keeps online', async () => {
    const changed = join(folder.path, 'changed.ts');
    await writeFile(changed, definitions('30d'));
    expect((await granary(['plan', '--defs', changed, ...at()])).stdout).toMatch(/scans 101 rows\s+~\d+ B per reader online \(10 events of 16 B\), [\d.]+ k?B in all\s+keeps 2 features by the events of 30d/);
    expect((await granary(['plan', '--defs', changed, '--no-estimates', ...at()])).stdout).not.toContain('scans');
    expect((await granary(['plan', '--defs', changed, '--no-estimates', '--explain', ...at()])).stdout).toMatch(/reading +clicked30d +events +slides with the clock: the events of 30d are kept +exact/);
  });

  async function readPage(graphql: string): Promise<unknown> {
    const query = '{ page(readerId: "3") { clicked7d { value state } } }';
    const response = await fetch(graphql, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query }) });
    return ((await response.json()) as { data: { page: { clicked7d: unknown } } }).data.page.clicked7d;
  }

  it('serves from the online store without keeping the offline one', async () => {
    const serve = startGranary(['serve', '--port', '0', '--json', ...at()]);
    try {
      const graphql = (await serve.saw(/"graphql": "(.+)"/))[1]!;
      expect((await granary(['backfill', '--at', '2026-01-03T12:00', ...at()])).code).toBe(0);
      // Every window has slid past the events by now.
      expect(await readPage(graphql)).toEqual({ value: 0, state: 'PRESENT' });
    } finally {
      serve.child.kill('SIGTERM');
    }
    expect((await serve.ended).code).toBe(0);
  }, 120_000);

  it('erases an entity, once', async () => {
    const { error } = await granaryJson<Failure>(['delete', 'reader', 'id=4', ...at()], 2);
    expect(error).toMatchObject({ code: 'INVALID_KEY', todo: 'Give readerId=….' });
    type Events = { readonly events: Readonly<Record<string, number>> };
    const planned = await granaryJson<Events>(['delete', 'reader', 'readerId=4', ...at()]);
    const { events } = await granaryJson<Events>(['delete', 'reader', 'readerId=4', '--yes', ...at()]);
    expect(Object.values(events)).toEqual([expect.any(Number)]);
    expect(planned.events).toEqual(events);
    expect((await granary(['delete', 'reader', 'readerId=4', '--yes', ...at()])).stdout).toContain('erased reader readerId=4: no events; no dead letters');
  });

  it('while granary up has the directory, other commands say how to go through it, and can', async () => {
    const up = startGranary(['up', '--port', '0', '--intake-port', '0', '--clickhouse-port', '0', '--json', ...at()]);
    try {
      const url = (await up.saw(/"clickhouse": "(.+)"/))[1]!;
      const graphql = (await up.saw(/"graphql": "(.+)"/))[1]!;
      const { error } = await granaryJson<Failure>(['backfill', ...at()], 3);
      expect(error).toMatchObject({ code: 'STORE_LOCKED', todo: expect.stringContaining(`--clickhouse-url ${url}`) });
      const locked = await granaryJson<Status>(['status', ...at()]);
      expect([locked.offline, locked.online]).toMatchObject([{ available: false, code: 'STORE_LOCKED' }, { available: true }]);
      const through = await granaryJson<Status>(['status', '--clickhouse-url', url, ...at()]);
      expect(through.offline.sources).toMatchObject([{ events: 91 }]);
      const unknown = await granaryJson<Failure>(['prove', 'pgae', '--clickhouse-url', url, ...at()], 2);
      expect(unknown.error).toMatchObject({ code: 'UNKNOWN_SERVICE', todo: 'Name one of page.' });

      const elsewhere = await granaryJson<Failure>(['delete', 'reader', 'readerId=1', '--yes', '--clickhouse-url', url, '--redis-url', 'redis://127.0.0.1:1', ...at()], 2);
      expect(elsewhere.error).toMatchObject({ code: 'CONFIG_INVALID', todo: expect.stringContaining('Leave out --redis-url') });

      expect(await readPage(graphql)).toEqual({ value: 0, state: 'PRESENT' });

      const port = new URL(graphql).port;
      const second = await granary(['serve', '--port', port, '--clickhouse-url', url, ...at()]);
      expect([second.code, second.stderr]).toEqual([2, expect.stringContaining(`can't listen on 127.0.0.1:${port}`)]);
    } finally {
      up.child.kill('SIGTERM');
    }
    expect((await up.ended).code).toBe(0);
    expect(await readdir(home)).not.toContain('up.json');
    expect((await granary(['backfill', '--at', '2026-01-03T12:00', ...at()])).code).toBe(0);
  }, 120_000);
});

describe('Ctrl-C', () => {
  it('a second time ends at once, whatever still runs', async () => {
    const listening = new URL('../../apps/cli/dist/interrupt.js', import.meta.url);
    const script = `import { listenForInterrupt } from '${listening.href}';
      listenForInterrupt(() => console.log('stopping'));
      setInterval(() => {}, 1000);
      console.log('ready');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (/ready|stopping/.test(text)) child.kill('SIGINT');
    });
    expect(await once(child, 'exit')).toEqual([null, 'SIGINT']);
  });

  const ROWS = 100_000;
  const random = (() => {
    let state = seed;
    // Park and Miller's generator: enough for delays.
    return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  })();

  /** Runs a verb again and again, stopping it after a random while, until one run ends by itself; how many were stopped. */
  async function stopAndGoOn(args: readonly string[], patience: number): Promise<number> {
    for (let stopped = 0; ; stopped += 1) {
      const running = startGranary(args);
      // The first run is stopped well before it can end; each gets twice as long as the one before, so that the work ends at last.
      const timer = setTimeout(() => running.child.kill('SIGINT'), patience * (0.5 + 0.5 * random()) * 2 ** stopped);
      const { code, stderr, stdout } = await running.ended;
      clearTimeout(timer);
      if (code === 0) return stopped;
      expect([code, stdout + stderr]).toEqual([130, expect.not.stringMatching(/^\s+at /m)]);
    }
  }

  it('in the middle of ingest and materialise leaves work that the next run completes', async () => {
    const place = join(folder.path, 'stopped');
    const data = join(folder.path, 'many');
    await mkdir(data);
    const lines: string[] = [HEADER];
    for (let i = 0; i < ROWS; i += 1) lines.push(click(i, 20_000));
    await writeFile(join(data, 'clicks.csv'), lines.join(''));
    expect((await granary(['apply', '--defs', defs, ...at(place)])).code).toBe(0);

    const ingests = await stopAndGoOn(['ingest', '--data', data, ...at(place)], 1_000);
    const asOf = ['--at', '2026-01-05'];
    const materialisations = await stopAndGoOn(['materialise', ...asOf, ...at(place)], 1_000);
    console.info(`cli: ingest was stopped ${ingests} times, materialise ${materialisations} times`);
    expect(ingests + materialisations).toBeGreaterThan(0);

    type Status = { offline: { sources: unknown[] }; online: { views: unknown[] } };
    const status = await granaryJson<Status>(['status', ...at(place)]);
    expect(status.offline.sources).toMatchObject([{ source: 'clicks', events: ROWS, quarantined: 0 }]);
    expect(status.online.views).toMatchObject([{ asOf: '2026-01-05T00:00:00.000Z', rows: 20_000, unfinished: null }]);
  }, 300_000);
});
