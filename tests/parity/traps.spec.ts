import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeDataset } from '@granary/jobs';
import { OfflineStore, type EventRow, type Row } from '@granary/offline-store';
import { resolveSnapshot } from '@granary/registry';
import { avg, count, entity, featureService, featureView, lastN, latest, max, min, source, sqlSource, stddevPopulation, sum, t } from '@granary/sdk';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const DAY = 86_400_000;
const T = Date.UTC(2026, 0, 10);

const pair = entity('pair', { a: t.int64, b: t.int64 });
const visits = source('visits', { fields: { id: t.string, a: t.int64, b: t.int64, whole: t.int64, part: t.float64.nullable(), at: t.timestamp }, eventId: 'id', eventTime: 'at' });
const told = source('told', { fields: { id: t.string, a: t.int64, b: t.int64, whole: t.int64, at: t.timestamp, toldAt: t.timestamp }, eventId: 'id', eventTime: 'at', knownAt: 'toldAt' });
const both = sqlSource('both', {
  inputs: [visits, told],
  sql: "SELECT concat('v', id) AS id, a, b, whole, at FROM {{visits}} UNION ALL SELECT concat('t', id), a, b, whole, at FROM {{told}}",
  fields: { id: t.string, a: t.int64, b: t.int64, whole: t.int64, at: t.timestamp },
  eventId: 'id',
  eventTime: 'at',
});

const seen = featureView('seen', {
  entity: pair,
  source: visits,
  features: (v) => ({ whole: latest(v.whole), part: latest(v.part), visits: count().over('7d'), total: sum(v.whole).over('7d'), least: min(v.part).over('2d'), most: max(v.part).over('2d'), mean: avg(v.part).over('7d'), spread: stddevPopulation(v.part).over('7d'), recent: lastN(3, v.whole).over('30d') }),
});
const said = featureView('said', { entity: pair, source: told, features: (v) => ({ said: latest(v.whole) }) });
const joined = featureView('joined', { entity: pair, source: both, features: (v) => ({ newest: latest(v.whole) }) });
const resolved = resolveSnapshot([pair, visits, told, both, seen, said, joined, featureService('all', [seen, said, joined])].map(({ definition }) => definition));
// Files may have holes where the SDK wants none: the declared field may be null.
const snapshot = { ...resolved, sources: resolved.sources.map((each) => (each.name === 'told' ? { ...each, fields: each.fields.map((field) => ({ ...field, nullable: field.name === 'toldAt' })) } : each)) };

/** Days before T, in no order, on which (9, 9) visits. */
const DAILY = [4, 9, 1, 7, 2, 8, 3, 6, 5];

let folder: string;
let store: OfflineStore;
let asked = 0;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'granary-traps-'));
  store = await OfflineStore.open({ kind: 'embedded', path: join(folder, 'db') });
  const declared = (name: string) => snapshot.sources.find((each) => each.name === name)!;
  await store.ensureSource(declared('visits'));
  await store.ensureSource(declared('told'));
  const visit = (id: string, a: bigint, b: bigint, at: number, whole: bigint, part: number | null): EventRow => ({ eventId: id, eventTime: at, knownAt: at, values: [id, a, b, whole, part, at] });
  await store.appendEvents(declared('visits'), [
    visit('v1', 1n, 12n, T - 3 * DAY, 9_007_199_254_740_993n, 4),
    visit('v2', 1n, 12n, T - DAY, 2n, 0.5),
    visit('v3', 1n, 12n, T - DAY, 3n, null),
    visit('v4', 11n, 2n, T - DAY, 50n, 50),
    visit('zero', 5n, 5n, 0, 7n, 1),
    visit('nothing', 7n, 7n, T - DAY, 1n, null),
    visit('future', 1n, 12n, T + DAY, 99n, 99),
    ...DAILY.map((day) => visit(`daily${day}`, 9n, 9n, T - day * DAY, BigInt(day), null)),
  ]);
  const report = (id: string, at: number, toldAt: number | null, whole: bigint): EventRow => ({ eventId: id, eventTime: at, knownAt: toldAt ?? at, values: [id, 1n, 12n, whole, at, toldAt] });
  await store.appendEvents(declared('told'), [report('r1', T - DAY, null, 1n), report('r1', T - DAY, T + 1, 2n), report('r2', T - DAY, T - DAY, 3n)]);
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The answers to (a, b, instant), in their order. */
async function ask(...questions: readonly (readonly [a: number, b: number, at: number])[]): Promise<readonly Row[]> {
  const [spine, path] = [join(folder, `spine-${++asked}.csv`), join(folder, `set-${asked}.parquet`)];
  writeFileSync(spine, ['n,a,b,at', ...questions.map(([a, b, at], n) => `${n},${a},${b},${new Date(at).toISOString()}`)].join('\n'));
  const { rows } = await writeDataset(store, snapshot, 'all', { spine: { kind: 'file', path: spine }, path, folder: join(folder, 'sets') });
  expect(rows).toBe(questions.length);
  return store.rows({ sql: `SELECT * FROM file({path:String}, Parquet) ORDER BY n`, params: { path } });
}

describe('a training set does not fall into the trap of', () => {
  it('a join that gives zero for an entity that was never seen', async () => {
    const [row] = await ask([8, 8, T]);
    for (const name of ['whole', 'part', 'visits7d', 'total7d', 'least2d', 'most2d', 'mean7d', 'spread7d', 'said', 'newest']) expect([name, row![name], row![`${name}__state`]]).toEqual([name, null, 'missing']);
  });

  it('composite keys without a separator: (1, 12) is not (11, 2)', async () => {
    expect(await ask([1, 12, T], [11, 2, T], [1, 2, T], [11, 12, T])).toMatchObject([{ visits7d: 3 }, { visits7d: 1, whole: 50n }, { visits7d: null }, { visits7d: null }]);
  });

  it('ties that fan one row out to two, and rows that ask the same and come out once', async () => {
    const rows = await ask([1, 12, T], [1, 12, T], [11, 2, T], [1, 12, T]);
    // Of events of one instant the one that arrived last.
    expect(rows).toMatchObject([{ whole: 3n }, { whole: 3n }, { whole: 50n }, { whole: 3n }]);
  });

  it('a known-at that is null, which turns the feature null; and a correction before it was known', async () => {
    expect(await ask([1, 12, T - DAY], [1, 12, T])).toMatchObject([{ said: 3n }, { said: 3n }]);
    expect(await ask([1, 12, T + 1])).toMatchObject([{ said: 2n }]);
  });

  it('windows as running totals: least and most forget what has left the window', async () => {
    expect(await ask([1, 12, T - DAY - 1], [1, 12, T])).toMatchObject([{ least2d: 4, most2d: 4 }, { least2d: 0.5, most2d: 0.5 }]);
  });

  it('newest values that are some of the newest: a list that was given once and then goes on', async () => {
    const newest = (day: number): object => ({ recent30d: [1n, 2n, 3n].map((each) => each + BigInt(day)).filter((each) => each <= 9n) });
    expect(await ask(...DAILY.map((day) => [9, 9, T - day * DAY] as const))).toMatchObject(DAILY.map(newest));
    const path = join(folder, 'own.parquet');
    await writeDataset(store, snapshot, 'all', { spine: { kind: 'source', source: 'visits' }, path, folder: join(folder, 'sets') });
    const own = await store.rows({ sql: "SELECT recent30d, whole FROM file({path:String}, Parquet) WHERE id LIKE 'daily%' ORDER BY at", params: { path } });
    expect(own).toMatchObject([...DAILY].sort((a, b) => b - a).map(newest));
  });

  it('a standard deviation that is the mean', async () => {
    expect(await ask([1, 12, T])).toMatchObject([{ mean7d: 2.25, spread7d: 1.75 }]);
  });

  it('a spine without rows', async () => {
    expect(await ask()).toEqual([]);
  });

  it('the instant 0, which is none', async () => {
    expect(await ask([5, 5, 0], [5, 5, 1], [5, 5, -1])).toMatchObject([{ whole: 7n, visits7d: 0 }, { whole: 7n, visits7d: 1 }, { whole: null, whole__state: 'missing' }]);
  });

  it('rows of the future', async () => {
    const rows = await ask([1, 12, T], [1, 12, T + DAY - 1], [1, 12, T + DAY]);
    expect(rows.map((row) => [row['whole'], row['visits7d']])).toEqual([[3n, 3], [3n, 3], [99n, 3]]);
  });

  it('a union whose equal times come out by chance', async () => {
    const [first] = await ask([1, 12, T]);
    for (let again = 0; again < 2; again++) {
      const rows = await ask([1, 12, T], [11, 2, T - again]);
      expect(rows[0]!['newest']).toBe(first!['newest']);
    }
  });

  it('integers that become floats on their way', async () => {
    const [row] = await ask([1, 12, T - 2 * DAY]);
    expect([row!['whole'], row!['total7d']]).toEqual([9_007_199_254_740_993n, 9_007_199_254_740_993n]);
  });

  it('null least, most and count where nothing but nulls came', async () => {
    const states = { least2d__state: 'null', most2d__state: 'null', mean7d__state: 'null', visits7d__state: 'present' };
    expect(await ask([7, 7, T])).toMatchObject([{ visits7d: 1, total7d: 1n, least2d: null, most2d: null, mean7d: null, ...states }]);
    expect(await ask([7, 7, T + 30 * DAY])).toMatchObject([{ visits7d: 0, total7d: 0n, least2d: null, ...states }]);
  });
});
