import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { valueMap, type Derived, type ElementType, type Expression, type ExpressionFunction, type FieldType, type Snapshot } from '@granary/contracts';
import type { GivenEvent } from '@granary/online-store/testing';
import { FeatureReader } from './feature-reader.js';
import { DAY, NOW, PROJECT, feature, openTestStore, snapshot as shop, sourceOf, type, view, type TestStore } from './shop.testing.js';

const KIND: ElementType = { kind: 'enum', values: ['card', 'cash'] };

const activity = view(
  'activity',
  'account',
  ['accountId'],
  [
    feature('spend', type('float64'), 'sum'),
    feature('payments', type('int32'), 'count'),
    feature('points', type('int64'), 'latest'),
    feature('kind', KIND, 'latest'),
    feature('since', type('timestamp'), 'latest'),
    feature('byKind', { kind: 'map', of: type('int64') }, 'latest'),
    feature('times', { kind: 'array', of: type('timestamp') }, 'latest'),
    feature('kinds', { kind: 'array', of: KIND }, 'latest'),
    feature('flags', { kind: 'array', of: type('bool') }, 'latest'),
    feature('recent', { kind: 'array', of: type('int64') }, 'lastN', { n: 3, column: 'unit' }),
    feature('top', { kind: 'array', of: KIND }, 'topK', { n: 2, column: 'favourite' }),
    feature('counts', { kind: 'map', of: type('int32') }, 'countBy', { column: 'counted' }),
    feature('sinceLast', type('float64'), 'timeSinceLast', { column: null }),
    feature('withThis', type('int32'), 'count', { request: true }),
  ],
  90 * DAY,
);
const shops = view('shops', 'shop', ['shopId'], [feature('price', type('float64'), 'latest')]);

const field = (name: string, of?: string): Expression => ({ kind: 'field', name, of });
const call = (fn: ExpressionFunction, ...args: Expression[]): Expression => ({ kind: 'call', fn, args });
const float = (value: number): Expression => ({ kind: 'literal', type: type('float64'), value });
const text = (value: string): Expression => ({ kind: 'literal', type: type('string'), value });
const derivedView = (name: string, inputs: Derived['inputs'], features: Readonly<Record<string, readonly [FieldType, Expression]>>): Derived => ({
  kind: 'derived', name, inputs, request: [], features: Object.entries(features).map(([each, [of, expression]]) => ({ name: each, type: of, expression })),
});

const sender = { view: 'activity', alias: 'sender', keys: { accountId: 'senderId' } };
const receiver = { view: 'activity', alias: 'receiver', keys: { accountId: 'receiverId' } };
const usual = derivedView('usual', [{ kind: 'view', ...sender }], { mean: [type('float64'), call('div', field('spend', 'sender'), field('payments', 'sender'))] });
const pair = derivedView('pair', [{ kind: 'view', ...sender }, { kind: 'view', ...receiver }, { kind: 'view', view: 'shops' }, { kind: 'derived', derived: 'usual' }], {
  overUsual: [type('float64'), call('div', field('amount'), field('mean', 'usual'))],
  difference: [type('float64'), call('sub', field('spend', 'sender'), field('spend', 'receiver'))],
  priceShare: [type('float64'), call('div', field('price', 'shops'), field('spend', 'sender'))],
  knownSpend: [type('float64'), call('coalesce', field('spend', 'sender'), float(-1))],
  sameKind: [type('bool'), call('eq', field('kind', 'sender'), field('kind', 'receiver'))],
  label: [type('string'), call('concat', call('toText', field('points', 'sender')), text(' '), field('kind', 'sender'))],
  weekend: [type('bool'), call('gte', call('dayOfWeek', field('at'), text('UTC')), float(6))],
  seenBoth: [type('int64'), call('add', field('withThis', 'sender'), field('withThis', 'receiver'))],
});

const transfers: Snapshot = {
  ...shop,
  entities: [{ kind: 'entity', name: 'account', keys: [{ name: 'accountId', type: type('int64') }] }, { kind: 'entity', name: 'shop', keys: [{ name: 'shopId', type: type('int64') }] }],
  sources: [
    sourceOf({
      amount: type('float64'), points: type('int64'), kind: KIND, since: type('timestamp'), byKind: { kind: 'map', of: type('int64') }, times: { kind: 'array', of: type('timestamp') },
      kinds: { kind: 'array', of: KIND }, flags: { kind: 'array', of: type('bool') }, unit: type('int64'), favourite: KIND, counted: KIND,
    }),
  ],
  views: [activity, shops],
  derived: [usual, pair],
  services: [
    {
      kind: 'featureService',
      name: 'transfer',
      views: [{ ...sender, features: ['spend', 'byKind', 'times', 'kinds', 'flags', 'recent', 'top', 'counts', 'sinceLast'] }, { ...receiver, features: ['spend', 'since'] }],
      derived: [{ derived: 'pair', features: pair.features.map(({ name }) => name) }],
      request: [{ name: 'amount', type: type('float64') }, { name: 'at', type: type('timestamp') }],
    },
    { kind: 'featureService', name: 'only_derived', views: [], derived: [{ derived: 'pair', features: ['priceShare', 'weekend'] }], request: [{ name: 'at', type: type('timestamp') }] },
  ],
};

const SATURDAY = Date.UTC(2026, 0, 31, 12);
const HUGE = 9_007_199_254_740_993n;
let store: TestStore;
let reader: FeatureReader;

beforeAll(async () => {
  store = await openTestStore();
  reader = new FeatureReader(transfers, store.store, { project: PROJECT, now: () => NOW });
  const put = (id: bigint, ...events: GivenEvent[]): Promise<void> => store.put('activity', [id], events, transfers);
  await put(
    1n,
    { at: NOW - DAY - 3, amount: 4, counted: 'cash', favourite: 'cash', unit: 1n },
    { at: NOW - DAY - 2, amount: 4, counted: 'cash' },
    { at: NOW - DAY - 1, amount: 4, unit: HUGE },
    { at: NOW - DAY, points: HUGE, kind: 'card', since: 5, byKind: valueMap([['10', 2n], ['9', HUGE], ['__proto__', 1n], ['é', -1n]]), times: [NOW, 0], kinds: ['cash', 'card', 'cash'], flags: [true, false] },
  );
  await put(2n, { at: NOW - 2 * DAY, amount: 5, kind: 'card', since: 7 });
  await put(3n, { at: NOW - 91 * DAY, amount: 1 });
  await put(4n, { at: NOW - 8 * DAY, amount: 3 });
  await store.put('shops', [1n], [{ at: NOW - 3 * DAY, amount: 6 }], transfers);
});
afterAll(() => store.close());

const ask = { receiverId: 2, shopId: 1, amount: 9, at: SATURDAY };
const values = async (senderId: number, more: object = {}) => (await reader.rows('transfer', [{ ...ask, senderId, ...more }]))[0]!.values;
const present = (value: unknown, eventTime: number | null) => ({ value, state: 'present', eventTime });
const absent = (state: string, eventTime: number | null) => ({ value: null, state, eventTime });

describe('a view under two aliases', () => {
  it('is read for two entities in one read, and served under both names', async () => {
    store.reads.length = 0;
    const [row] = await reader.rows('transfer', [{ ...ask, senderId: 1 }]);
    expect(store.reads.map((keys) => keys.length)).toEqual([3]);
    expect([row!.values['senderSpend'], row!.values['receiverSpend']]).toEqual([present(12, NOW - DAY), present(5, NOW - 2 * DAY)]);
    expect(row!.keys).toEqual({ senderId: 1n, receiverId: 2n, shopId: 1n, amount: 9, at: SATURDAY });
    const same = await values(1, { receiverId: 1 });
    expect([same['receiverSpend'], same['difference']]).toEqual([present(12, NOW - DAY), present(0, NOW - DAY)]);
  });

  it('asks for its keys by the names of the alias', async () => {
    await expect(reader.rows('transfer', [{ ...ask, accountId: 1 }])).rejects.toMatchObject({ code: 'MISSING_KEY', message: expect.stringContaining('senderId') });
  });
});

describe('maps and sequences', () => {
  it('come back whole, of any kind of element', async () => {
    const row = await values(1);
    expect(Object.entries(row['senderByKind']!.value as object).sort()).toEqual([['10', 2n], ['9', HUGE], ['__proto__', 1n], ['é', -1n]].sort());
    expect(['Times', 'Kinds', 'Flags'].map((name) => row[`sender${name}`]!.value)).toEqual([[NOW, 0], ['cash', 'card', 'cash'], [true, false]]);
    expect((await values(4))['senderByKind']).toEqual(present(valueMap([]), NOW - 8 * DAY));
  });

  it('that aggregates make are null when they are empty, and a time since the last event is as of the read', async () => {
    const names = ['senderRecent', 'senderTop', 'senderCounts', 'senderSinceLast'];
    const [full, empty, never] = await Promise.all([1, 4, 9].map((senderId) => values(senderId)));
    expect(names.map((name) => full![name])).toEqual([[HUGE, 1n], ['cash'], valueMap([['cash', 2]]), DAY].map((value) => present(value, NOW - DAY)));
    expect(names.map((name) => empty![name])).toEqual(names.map(() => absent('null', NOW - 8 * DAY)));
    expect(names.map((name) => never![name])).toEqual(names.map(() => absent('missing', null)));
    const [later] = await reader.rows('transfer', [{ ...ask, senderId: 1 }], { at: NOW + 1 });
    expect(later!.values['senderSinceLast']).toEqual(present(DAY + 1, NOW - DAY));
  });
});

describe('derived features', () => {
  it('are computed from features and request fields, as of the newest event that they read', async () => {
    expect(await values(1)).toMatchObject({
      overUsual: present(3, NOW - DAY),
      difference: present(7, NOW - DAY),
      priceShare: present(0.5, NOW - DAY),
      knownSpend: present(12, NOW - DAY),
      sameKind: present(true, NOW - DAY),
      label: present(`${HUGE} card`, NOW - DAY),
      weekend: present(true, null),
      seenBoth: present(7n, NOW),
    });
    expect((await values(1, { at: '2026-01-30T23:59:59.999Z' }))['weekend']).toEqual(present(false, null));
  });

  it('are null where what they read is there and gives nothing', async () => {
    const row = await values(4);
    expect([row['overUsual'], row['priceShare'], row['label']]).toEqual([absent('null', NOW - 8 * DAY), absent('null', NOW - 3 * DAY), absent('null', NOW - 8 * DAY)]);
  });

  it('are missing or expired like what they read, missing first, unless they have a value all the same', async () => {
    const never = await values(9);
    expect([never['overUsual'], never['difference'], never['knownSpend']]).toEqual([absent('missing', null), absent('missing', NOW - 2 * DAY), present(-1, null)]);
    const old = await values(3);
    expect([old['overUsual'], old['difference'], old['knownSpend']]).toEqual([absent('expired', NOW - 91 * DAY), absent('expired', NOW - 2 * DAY), present(-1, NOW - 91 * DAY)]);
    expect((await values(3, { receiverId: 9 }))['difference']).toEqual(absent('missing', NOW - 91 * DAY));
    // The request is itself an event of windows that include it.
    expect([never['seenBoth'], old['seenBoth']]).toEqual([present(3n, NOW), present(3n, NOW)]);
  });

  it('alone read their inputs without serving them, and ask only for their keys', async () => {
    const [row] = await reader.rows('only_derived', [{ senderId: 1, shopId: 1, at: SATURDAY }]);
    expect(row!.values).toEqual({ priceShare: present(0.5, NOW - DAY), weekend: present(true, null) });
    expect(reader.plan('only_derived').service.keys.map((key) => key.name)).toEqual(['senderId', 'shopId']);
  });

  it('are columns of a matrix, in the order of the row, numbers and bools only', async () => {
    const candidates = [1, 2, 9].map((shopId) => ({ shopId }));
    const { names, data, mask } = await reader.matrix('transfer', { senderId: 1, receiverId: 2, amount: 9, at: SATURDAY }, candidates);
    expect(names).toEqual(['senderSpend', 'senderSinceLast', 'receiverSpend', 'overUsual', 'difference', 'priceShare', 'knownSpend', 'sameKind', 'weekend', 'seenBoth']);
    expect([...data.subarray(0, 10)]).toEqual([12, DAY, 5, 3, 7, 0.5, 12, 1, 1, 7]);
    expect([...data.subarray(10, 20)]).toEqual([12, DAY, 5, 3, 7, 0, 12, 1, 1, 7]);
    expect([...mask].map((each, i) => (each === 0 ? i : -1)).filter((i) => i >= 0)).toEqual([15, 25]);
  });
});
