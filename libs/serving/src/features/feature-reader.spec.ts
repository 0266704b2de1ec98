import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isGranaryError, type Snapshot } from '@granary/contracts';
import { FeatureReader } from './feature-reader.js';
import { DAY, NOW, PROJECT, openTestStore, snapshot, type TestStore } from './shop.testing.js';

let shop: TestStore;
let reader: FeatureReader;
const full = [
  { at: NOW - 3 * DAY, amount: 4, points: 9_007_199_254_740_000n },
  { at: NOW - 2 * DAY, amount: 3.5, points: 993n, member: false },
  { at: NOW - DAY, lastKind: 'buy', member: true, since: NOW - DAY, tags: ['a', 'é'] },
];

beforeAll(async () => {
  shop = await openTestStore();
  reader = new FeatureReader(snapshot, shop.store, { project: PROJECT, now: () => NOW, maxEntities: 50 });
  await shop.put('user_activity', [7n], full);
  await shop.put('user_activity', [8n], [{ at: NOW - 8 * DAY, amount: 9 }]);
  await shop.put('branch_stats', ['DE', 12], [{ at: NOW, amount: 1 }]);
  await shop.put('branch_stats', ['DE1', 2], [{ at: NOW, amount: 2 }]);
  await shop.put('branch_stats', ['日本🏯', -1], [{ at: NOW, amount: 3 }]);
  await shop.put('spending', [7n], [110, -4, -3, -3].map((amount) => ({ at: NOW - 200 * DAY, amount, payer: 7n })));
});
afterAll(() => shop.close());

async function failure(read: Promise<unknown>): Promise<{ code: string; message: string; todo: string | undefined; details: unknown }> {
  const error: unknown = await read.then(() => undefined, (reason: unknown) => reason);
  if (!isGranaryError(error)) throw new Error(`expected a coded error, not ${String(error)}`);
  return error;
}

describe('rows', () => {
  it('finish every aggregate from its parts, exactly', async () => {
    const [row] = await reader.rows('user_page', [{ userId: '7' }]);
    const present = (value: unknown) => ({ value, state: 'present', eventTime: NOW - DAY });
    expect(row).toEqual({
      keys: { userId: 7n },
      values: {
        visits: present(3),
        points: present(9_007_199_254_740_993n),
        meanPrice: present(3.75),
        dearest: present(4),
        lastKind: present('buy'),
        member: present(true),
        since: present(NOW - DAY),
        tags: present(['a', 'é']),
      },
    });
  });

  it('tell null from missing, and give empty windows their own value or the declared one', async () => {
    const [empty, unknown] = await reader.rows('user_page', [{ userId: 8n }, { userId: 9 }]);
    const state = (value: unknown, state_: string) => ({ value, state: state_, eventTime: NOW - 8 * DAY });
    expect(empty!.values).toEqual({
      visits: state(0, 'present'),
      points: state(0n, 'present'),
      meanPrice: state(null, 'null'),
      dearest: state(5, 'present'),
      lastKind: state(null, 'null'),
      member: state(null, 'null'),
      since: state(null, 'null'),
      tags: state([], 'present'),
    });
    for (const value of Object.values(unknown!.values)) expect(value).toEqual({ value: null, state: 'missing', eventTime: null });
  });

  it('expire by TTL at the millisecond, counted back from the instant of the read', async () => {
    const atEdge = NOW - DAY + 90 * DAY;
    const [visible] = await reader.rows('visits_only', [{ userId: 7 }], { at: atEdge });
    const [expired] = await reader.rows('visits_only', [{ userId: 7 }], { at: atEdge + 1 });
    expect(visible!.values['visits']).toEqual({ value: 0, state: 'present', eventTime: NOW - DAY });
    expect(expired!.values['visits']).toEqual({ value: null, state: 'expired', eventTime: NOW - DAY });
  });

  it('add the request to its window: never missing, never expired, even without a row', async () => {
    const [known, unknown] = await reader.rows('fraud', [{ userId: 7, amount: 150 }, { userId: 70, amount: 20 }]);
    expect(known!.values).toEqual({
      payments: { value: 5, state: 'present', eventTime: NOW },
      meanAmount: { value: 50, state: 'present', eventTime: NOW },
      bigOnes: { value: 2, state: 'present', eventTime: NOW },
      // the key is a field of the request's event, under its name in the source
      ownPayments: { value: 5, state: 'present', eventTime: NOW },
      paidBefore: { value: null, state: 'expired', eventTime: NOW - 200 * DAY },
    });
    expect(Object.fromEntries(Object.entries(unknown!.values).map(([name, { value, state }]) => [name, [value, state]]))).toEqual({
      payments: [1, 'present'],
      meanAmount: [20, 'present'],
      bigOnes: [0, 'present'],
      ownPayments: [0, 'present'],
      paidBefore: [null, 'missing'],
    });
    expect(known!.keys).toEqual({ userId: 7n, amount: 150 });
  });

  it('add to the request what it names another entity by', async () => {
    await shop.put('spending', [8n], [{ at: NOW, payer: 8n, country: 'DE' }]);
    const requests = [{ userId: 8, country: 'DE', branchNo: 12 }, { userId: 8, country: 'FR', branchNo: 12 }];
    expect((await reader.rows('abroad', requests)).map((row) => row.values['countries']!.value)).toEqual([1, 2]);
    expect([...(await reader.matrix('abroad', { userId: 8 }, requests)).data].filter((_, i) => i % 2 === 0)).toEqual([1, 2]);
  });

  it('keep composite and unicode keys apart', async () => {
    const rows = await reader.rows('ranking', [
      { userId: 1, country: 'DE', branchNo: 12 },
      { userId: 1, country: 'DE1', branchNo: 2 },
      { userId: 1, country: '日本🏯', branchNo: -1 },
      { userId: 1, country: 'DE', branchNo: 1 },
    ]);
    expect(rows.map((row) => row.values['turnover']!.value)).toEqual([1, 2, 3, null]);
  });

  it('are one read of the store, each row once, in the order asked', async () => {
    shop.reads.length = 0;
    const requests = Array.from({ length: 20 }, (_, i) => ({ userId: 7, country: i % 2 === 0 ? 'DE' : 'DE1', branchNo: i % 2 === 0 ? 12 : 2 }));
    const rows = await reader.rows('ranking', requests);
    expect(shop.reads.map((keys) => keys.length)).toEqual([3]);
    expect(rows.map((row) => row.values['turnover']!.value)).toEqual(requests.map((_, i) => (i % 2 === 0 ? 1 : 2)));
    expect(await reader.rows('ranking', [])).toEqual([]);
    expect(shop.reads).toHaveLength(1);
  });

  it('of an older snapshot stay those of its own view versions', async () => {
    const old: Snapshot = { ...snapshot, views: snapshot.views.map((each) => ({ ...each, version: 'bbbbbbbbbbbb' })) };
    await shop.put('user_activity', [7n], full.slice(1), old);
    const older = new FeatureReader(old, shop.store, { project: PROJECT, now: () => NOW });
    expect((await older.rows('visits_only', [{ userId: 7 }]))[0]!.values['visits']!.value).toBe(2);
    expect((await reader.rows('visits_only', [{ userId: 7 }]))[0]!.values['visits']!.value).toBe(3);
  });

  it('of another project are not seen', async () => {
    const other = new FeatureReader(snapshot, shop.store, { project: 'other', now: () => NOW });
    expect((await other.freshness()).every((each) => each.asOf === null)).toBe(true);
    await shop.materialised(snapshot, 'other');
    expect((await other.rows('visits_only', [{ userId: 7 }]))[0]!.values['visits']!.state).toBe('missing');
  });

  it('of a view that is not online are an error, and not missing, until it is', async () => {
    const other = new FeatureReader(snapshot, shop.store, { project: 'empty', now: () => NOW });
    await shop.put('user_activity', [7n], [{ at: NOW }], snapshot, 'empty');
    expect((await other.rows('visits_only', [{ userId: 7 }]))[0]!.values['visits']!.state).toBe('present');
    for (const read of [() => other.rows('ranking', [{ userId: 7, country: 'DE', branchNo: 1 }]), () => other.matrix('ranking', { userId: 7 }, [{ country: 'DE', branchNo: 1 }])]) {
      expect(await failure(read())).toMatchObject({ code: 'NOT_MATERIALISED', kind: 'notReady', message: expect.stringMatching(/^branch_stats of ranking is /), todo: expect.any(String), details: { views: ['branch_stats'] } });
    }
    await shop.materialised(snapshot, 'empty');
    expect((await other.rows('ranking', [{ userId: 7, country: 'DE', branchNo: 1 }]))[0]!.values['turnover']!.state).toBe('missing');
  });
});

describe('bad input', () => {
  const cases: readonly [string, string, readonly unknown[], string, RegExp][] = [
    ['an unknown service', 'user_pag', [{ userId: 1 }], 'UNKNOWN_SERVICE', /user_pag/],
    ['a service named like a property of objects', 'constructor', [{ userId: 1 }], 'UNKNOWN_SERVICE', /constructor/],
    ['no key', 'user_page', [{}], 'MISSING_KEY', /userId/],
    ['a null key', 'user_page', [{ userId: null }], 'MISSING_KEY', /userId/],
    ['half a composite key', 'ranking', [{ userId: 1, country: 'DE' }], 'MISSING_KEY', /branchNo/],
    ['text for an integer key', 'user_page', [{ userId: 'seven' }], 'INVALID_KEY', /userId of user: "seven"/],
    ['a fraction for an integer key', 'user_page', [{ userId: 1.5 }], 'INVALID_KEY', /1\.5/],
    ['an integer that a double does not hold', 'user_page', [{ userId: 2 ** 53 }], 'INVALID_KEY', /9007199254740992/],
    ['an integer beyond int64', 'user_page', [{ userId: '9223372036854775808' }], 'INVALID_KEY', /9223372036854775808/],
    ['a number for a text key', 'ranking', [{ userId: 1, country: 49, branchNo: 1 }], 'INVALID_KEY', /country/],
    ['half a surrogate pair', 'ranking', [{ userId: 1, country: '\ud83c', branchNo: 1 }], 'INVALID_KEY', /Unicode/],
    ['no request field', 'fraud', [{ userId: 1 }], 'INVALID_VALUE', /amount/],
    ['a wrong request field', 'fraud', [{ userId: 1, amount: 'much' }], 'INVALID_VALUE', /amount of fraud: "much"/],
    ['no object', 'user_page', [7], 'INVALID_VALUE', /object/],
    ['too many', 'user_page', Array.from({ length: 51 }, (_, i) => ({ userId: i })), 'TOO_MANY_ENTITIES', /51.*50/],
    ['one bad among many', 'user_page', [{ userId: 1 }, { userId: 'x' }], 'INVALID_KEY', /Entity 2 of 2/],
  ];
  it.each(cases)('%s has a code and says what to do', async (_, service, requests, code, message) => {
    const error = await failure(reader.rows(service, requests as Record<string, unknown>[]));
    expect(error).toMatchObject({ code, message: expect.stringMatching(message), todo: expect.any(String) });
  });

  it('of an unknown service names the known ones', async () => {
    expect(await failure(reader.matrix('nothing', {}, []))).toMatchObject({ details: { known: ['user_page', 'visits_only', 'ranking', 'fraud', 'abroad'] } });
  });

  it('is found before anything is read', async () => {
    shop.reads.length = 0;
    await failure(reader.rows('user_page', [{ userId: 1 }, { userId: 'x' }]));
    await failure(reader.matrix('ranking', { userId: 1 }, [{ country: 'DE', branchNo: 'x' }]));
    expect(shop.reads).toEqual([]);
  });
});

it('freshness says how far each view is materialised', async () => {
  expect(await reader.freshness()).toEqual(snapshot.views.map(({ name, version }) => ({ view: name, version, asOf: NOW, rows: 1 })));
});

it('a closed store is reported as unavailable', async () => {
  const other = await openTestStore();
  const late = new FeatureReader(snapshot, other.store, { project: PROJECT });
  await late.ping();
  await other.close();
  expect(await failure(late.rows('user_page', [{ userId: 1 }]))).toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(await failure(late.ping())).toMatchObject({ code: 'STORE_UNAVAILABLE' });
});
