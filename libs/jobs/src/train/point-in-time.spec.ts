import { join } from 'node:path';
import type { Entity, Value } from '@granary/contracts';
import { OfflineStore } from '@granary/offline-store';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DAY, START, append, naiveRows, randomFrom, randomSales, reports, sales, snapshot, type Sale } from '../testing/shop.js';
import { scratchFolder } from '../testing/stores.js';
import { loadInteractions } from './interactions.js';
import { pointInTime } from './point-in-time.js';

const seed = Number(process.env['SEED']);

describe(`what a ranker is trained on (seed ${seed})`, () => {
  const random = randomFrom(seed);
  const events = randomSales(random, 500, 20);
  const folder = scratchFolder();
  const shop = snapshot.entities[0]!;
  const thing: Entity = { kind: 'entity', name: 'thing', keys: [{ name: 'thingId', type: { kind: 'int64' } }] };
  let store: OfflineStore;

  beforeAll(async () => {
    store = await OfflineStore.open({ kind: 'embedded', path: join(folder.dir, 'db') });
    await append(store, sales, events);
  });
  afterAll(async () => {
    await store?.close();
    folder.remove();
  });

  it('are the features as of the instant of each question, and nothing of later', async () => {
    const shops: (readonly [string, bigint])[] = [...new Set(events.map(({ tenant, shopId }) => `${tenant}/${shopId}`)), 't11/777'].map((key) => [key.split('/')[0]!, BigInt(key.split('/')[1]!)]);
    const userIds = (index: number): readonly Value[] => shops[index]!;
    const ask = pointInTime(store, snapshot, snapshot.services[0]!, { user: shop, item: thing, userIds, itemIds: () => [1n] });
    // Among them the instants of events, and those a millisecond beside.
    const questions = Array.from({ length: 300 }, () => ({ user: Math.floor(random() * shops.length), time: events[Math.floor(random() * events.length)]!.at + Math.floor(random() * 3) - 1 }));
    const { names, values, mask } = await ask({
      users: Int32Array.from(questions, ({ user }) => user),
      items: new Int32Array(questions.length),
      times: Float64Array.from(questions, ({ time }) => time),
    });
    // Texts and arrays are no inputs.
    expect(names).toEqual(['sales1d', 'turnover7d', 'mean1d', 'amount']);
    questions.forEach(({ user, time }, i) => {
      const row = naiveRows(events, time).get(shops[user]!.join('/'));
      const expected = row === undefined ? [null, null, null, null] : [row[1], row[2] ?? 0, row[4] === 0 ? null : row[3]! / row[4], row[6]];
      const got = names.map((_, column) => (mask[i * names.length + column] === 1 ? Number(values[i * names.length + column]!.toPrecision(5)) : null));
      expect(got).toEqual(expected.map((value) => (value === null ? null : Number(Math.fround(value).toPrecision(5)))));
    });
    expect(await store.rows({ sql: "SELECT name FROM system.tables WHERE startsWith(name, 'granary_stage')", params: {} })).toEqual([]);
  });

  it('may be nothing at all', async () => {
    const ask = pointInTime(store, snapshot, snapshot.services[0]!, { user: shop, item: thing, userIds: () => ['a', 1n], itemIds: () => [1n] });
    const answered = await ask({ users: new Int32Array(0), items: new Int32Array(0), times: new Float64Array(0) });
    expect(answered).toMatchObject({ values: new Float32Array(0), mask: new Uint8Array(0) });
  });

  it('are interactions as they were last corrected, each once', async () => {
    const sale: Sale = { id: 'a', tenant: 'x', shopId: 1n, amount: 1, payment: 'cash', tags: [], at: START + DAY, reportedAt: START + DAY };
    await append(store, reports, [sale, { ...sale, id: 'b', shopId: 2n, at: START }, { ...sale, tenant: 'y', amount: 3, reportedAt: START + 2 * DAY }]);
    const user: Entity = { kind: 'entity', name: 'owner', keys: [{ name: 'owner', type: { kind: 'string' } }] };
    const item: Entity = { kind: 'entity', name: 'number', keys: [{ name: 'shopId', type: { kind: 'int64' } }] };
    const recommender = { kind: 'recommender', name: 'r', user: 'owner', item: 'number', interactions: 'reports', weight: { field: 'shopId', values: null }, generators: [], ranker: null, rules: [] } as const;
    const { users, items, events: loaded } = await loadInteractions(store, snapshot, { recommender: { ...recommender, generators: [], rules: [] }, user, item, source: reports }, {});
    expect([[...users.keys].sort(), [...items.keys].sort()]).toEqual([['x', 'y'], [1n, 2n]]);
    expect([...loaded.times].sort()).toEqual([START, START + DAY]);
  });
});
