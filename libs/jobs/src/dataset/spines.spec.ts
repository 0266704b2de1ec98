import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GranaryError, Snapshot } from '@granary/contracts';
import { OfflineStore } from '@granary/offline-store';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { START, append, sales, snapshot, type Sale } from '../testing/shop.js';
import { readRows } from '../testing/parquet.js';
import { scratchFolder } from '../testing/stores.js';
import { correctDataset, rewriteDataset, writeDataset, type DatasetReport } from './dataset.js';
import type { SpineSource } from './spine.js';

/** Asks about shops by their keys, with a request field. */
const world: Snapshot = {
  ...snapshot,
  services: [{ kind: 'featureService', name: 'asked', views: [{ view: 'shop_sales', features: ['sales1d', 'amount'] }], request: [{ name: 'basket', type: { kind: 'float64' } }] }],
};
const sale = (id: string, more: Partial<Sale> = {}): Sale => ({ id, tenant: 'a', shopId: 1n, amount: 2, payment: 'cash', tags: [], at: START, ...more });

let folder: ReturnType<typeof scratchFolder>;
let store: OfflineStore;
const file = (name: string, text: string): string => {
  const path = join(folder.dir, name);
  writeFileSync(path, text);
  return path;
};
const target = (): string => join(folder.dir, 'out', 'set.parquet');
const ask = async (spine: SpineSource, more: object = {}): Promise<DatasetReport> => writeDataset(store, world, 'asked', { spine, path: target(), folder: join(folder.dir, 'sets'), ...more });

beforeAll(async () => {
  folder = scratchFolder();
  mkdirSync(join(folder.dir, 'out'));
  store = await OfflineStore.open({ kind: 'embedded', path: join(folder.dir, 'db') });
  await append(store, sales, [sale('s1'), sale('s2', { at: START + 1000, amount: 7 })]);
});
afterAll(async () => {
  await store.close();
  folder.remove();
});

const at = (ms: number): string => new Date(START + ms).toISOString();
const answers = [
  { shopId: 1n, sales1d: 1, amount: 2, amount__state: 'present' },
  { shopId: 2n, sales1d: null, amount: null, amount__state: 'missing' },
  { shopId: 1n, sales1d: 2, amount: 7, amount__state: 'present' },
  { shopId: 1n, sales1d: 1, amount: 2, amount__state: 'present' },
];
const CSV = `label,tenant,shopId,basket,at,zip\n1,a,1,1.5,${at(500)},007\n0,a,2,,${at(5000)},1\n,a,1,2,${at(5000)},2\n1,a,1,1.5,${at(500)},3\n`;

describe('a spine of a file', () => {
  it('gives a row for each of its own, in its order, and carries what it has beside', async () => {
    const report = await ask({ kind: 'file', path: file('spine.csv', CSV) });
    expect(report).toMatchObject({ rows: 4, columns: ['label', 'tenant', 'shopId', 'basket', 'at', 'zip', 'sales1d', 'sales1d__state', 'amount', 'amount__state'] });
    const rows = await readRows(report.path);
    expect(rows).toMatchObject(answers);
    expect(rows.map((row) => [row['label'], row['basket'], row['zip'], row['at']])).toEqual([[1n, 1.5, '007', START + 500], [0n, null, '1', START + 5000], [null, 2, '2', START + 5000], [1n, 1.5, '3', START + 500]]);
  });

  it('may be NDJSON or Parquet, and may call the instant otherwise', async () => {
    const lines = [500, 5000, 5000, 500].map((ms, i) => JSON.stringify({ tenant: 'a', shopId: i === 1 ? 2 : 1, basket: 1, when: START + ms, note: i === 0 ? ['x'] : i === 1 ? null : 3, good: i > 1 }));
    const report = await ask({ kind: 'file', path: file('spine.ndjson', lines.join('\n')), timeColumn: 'when' });
    const rows = await readRows(report.path);
    expect(rows).toMatchObject(answers);
    expect(rows.map((row) => [row['note'], row['good']])).toEqual([['["x"]', false], [null, false], ['3', true], ['3', true]]);
    const again = await ask({ kind: 'file', path: report.path, timeColumn: 'when' }).catch((error: unknown) => error as GranaryError);
    expect(again).toMatchObject({ code: 'INVALID_VALUE', message: expect.stringContaining('two columns') });
    const empty = await ask({ kind: 'file', path: file('empty-key.ndjson', JSON.stringify({ tenant: '', shopId: 1, basket: 1, at: at(500) })) });
    expect(await readRows(empty.path)).toMatchObject([{ tenant: '', amount__state: 'missing' }]);
    const cell = await ask({ kind: 'file', path: file('empty-key.csv', `tenant,shopId,basket,at\n,1,1,${at(500)}\n`) });
    expect(await readRows(cell.path)).toMatchObject([{ tenant: '', amount__state: 'missing' }]);
    const parquet = join(folder.dir, 'spine.parquet');
    await store.exportParquet({ sql: `SELECT 'a' AS tenant, toInt64(1) AS shopId, 1.0 AS basket, fromUnixTimestamp64Milli({at:Int64}, 'UTC') AS at, toDate('2026-01-01') AS day`, params: { at: START + 500 } }, parquet);
    expect(await readRows((await ask({ kind: 'file', path: parquet })).path)).toMatchObject([{ ...answers[0], day: START }]);
  });

  it('of no rows gives a file of no rows with all columns', async () => {
    const none = await ask({ kind: 'file', path: file('none.csv', 'tenant,shopId,basket,at\n') });
    expect(none).toMatchObject({ rows: 0, columns: ['tenant', 'shopId', 'basket', 'at', 'sales1d', 'sales1d__state', 'amount', 'amount__state'] });
    expect(await readRows(none.path)).toEqual([]);
  });

  it('is read strictly: the error names file, line and column', async () => {
    const wrong = async (text: string): Promise<unknown> => ask({ kind: 'file', path: file('wrong.csv', text) }).catch((error: unknown) => error);
    const line = (n: number, what: string): object => ({ code: 'INVALID_VALUE', message: expect.stringMatching(new RegExp(`wrong\\.csv, line ${n}: ${what}`)) });
    expect(await wrong(`${CSV}1,a,1.5,2,${at(0)},x\n`)).toMatchObject(line(6, 'shopId: "1.5" is not int64'));
    expect(await wrong(CSV.replace(',007', ''))).toMatchObject(line(2, 'row: 5 columns'));
    expect(await wrong(CSV.replace(at(5000), 'soon'))).toMatchObject(line(3, 'at: "soon" is not timestamp'));
    expect(await wrong(CSV.replace('0,a,2', '0,a,'))).toMatchObject(line(3, 'shopId: missing value'));
    expect(await wrong(CSV.replace('basket', 'basked'))).toMatchObject({ code: 'FILE_UNREADABLE', message: expect.stringContaining('column basket is missing') });
    expect(await store.rows({ sql: "SELECT name FROM system.tables WHERE startsWith(name, 'granary_stage')", params: {} })).toEqual([]);
  });
});

describe('a spine of a query', () => {
  it('gives a row for each of its own, in its order; it may read tables and the events of sources', async () => {
    const numbers = `SELECT 'a' AS tenant, toInt32(if(number = 1, 2, 1)) AS shopId, NULL::Nullable(Float64) AS basket, toDateTime64(({{no}} + if(number IN (1, 2), 5000, 500)) / 1000, 3, 'UTC') AS at, 10 - number AS left FROM numbers(4) ORDER BY number`;
    const report = await ask({ kind: 'sql', sql: numbers.replace('{{no}}', String(START)) });
    expect(await readRows(report.path)).toMatchObject(answers.map((row, i) => ({ ...row, left: BigInt(10 - i) })));
    const down = await ask({ kind: 'sql', sql: `${numbers.replace('{{no}}', String(START))} DESC` });
    expect(await readRows(down.path)).toMatchObject([...answers].reverse());
    const events = await ask({ kind: 'sql', sql: 'SELECT owner AS tenant, shopId, amount AS basket, at FROM {{sales}} WHERE amount > 2' });
    expect(await readRows(events.path)).toMatchObject([{ sales1d: 1, amount: 7, basket: 7 }]);
    expect(events.id).not.toBe(down.id);
  });

  it('is refused where it lacks a column or a value', async () => {
    const bad = async (sql: string): Promise<unknown> => ask({ kind: 'sql', sql }).catch((error: unknown) => error);
    expect(await bad('SELECT 1 AS shopId')).toMatchObject({ code: 'DEFINITION_INVALID', message: expect.stringContaining('no column tenant') });
    expect(await bad("SELECT 'a' AS tenant, 1 AS shopId, 1 AS basket, 5 AS at")).toMatchObject({ code: 'DEFINITION_INVALID', message: expect.stringContaining('at is UInt8') });
    expect(await bad("SELECT 'a' AS tenant, NULL::Nullable(Int64) AS shopId, 1 AS basket, now() AS at")).toMatchObject({ code: 'INVALID_VALUE', message: 'the spine: a value of shopId is not int64' });
    expect(await bad('SELECT 1; DROP TABLE events_sales')).toMatchObject({ code: 'DEFINITION_INVALID' });
  });
});

it('a training set is the same for ever under its id, and anew with what has arrived since', async () => {
  // The same rows as in other files would be the same training set as theirs.
  const questions = CSV.replace('zip', 'code');
  const spine: SpineSource = { kind: 'file', path: file('asked.csv', questions) };
  const sets = join(folder.dir, 'sets');
  const files = { path: target(), folder: sets };
  const snapshotOf = async (): Promise<Snapshot> => Promise.resolve(world);
  const first = await ask(spine);
  const bytes = readFileSync(first.path);
  expect(await ask(spine)).toEqual({ ...first, computed: false });

  await append(store, sales, [sale('late', { at: START + 100, amount: 4 })]);
  expect(await rewriteDataset(store, snapshotOf, first.id, files)).toEqual({ ...first, computed: false });
  expect(readFileSync(files.path).equals(bytes)).toBe(true);

  const anew = await correctDataset(store, snapshotOf, first.id, files);
  expect(anew).toMatchObject({ corrects: first.id, computed: true, rows: 4 });
  expect(anew.id).not.toBe(first.id);
  expect((await readRows(files.path)).map((row) => row['sales1d'])).toEqual([2, null, 3, 2]);
  expect(await ask(spine)).toMatchObject({ id: anew.id, computed: false });
  // Nothing has arrived since: the same question is the same training set.
  expect(await correctDataset(store, snapshotOf, anew.id, files)).toEqual({ ...anew, computed: false });

  rmSync(join(sets, `${first.id}.parquet`));
  expect(await rewriteDataset(store, snapshotOf, first.id, files)).toEqual({ ...first, computed: true, sameBytes: true });
  expect(readFileSync(files.path).equals(bytes)).toBe(true);

  rmSync(join(sets, `${first.id}.parquet`));
  file('asked.csv', `${questions}1,a,1,1,${at(0)},x\n`);
  await expect(rewriteDataset(store, snapshotOf, first.id, files)).rejects.toMatchObject({ code: 'INVALID_VALUE', message: expect.stringContaining('no longer what it was') });
  await expect(rewriteDataset(store, snapshotOf, 'none', files)).rejects.toMatchObject({ code: 'UNKNOWN_DATASET' });
});
