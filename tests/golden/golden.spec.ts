import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileEventSpine } from '@granary/compiler';
import { OfflineStore, type EventRow, type Row } from '@granary/offline-store';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CASES, goldenText } from './cases.js';
import { DAY, EVENTS, T, snapshots, sourceOf } from './world.js';

const WORLDS = Object.keys(snapshots) as (keyof typeof snapshots)[];
const FOLDER = fileURLToPath(new URL('.', import.meta.url));

/** What a row of the backfill has beside its features: user 1's newest event by T is the fourth, user 2's the fifth. */
const USER1 = { userId: 1n, __as_of: T, __event_time: T, __sequence: 4n };
const USER2 = { userId: 2n, __as_of: T, __event_time: T - DAY, __sequence: 5n };
const told = (userId: bigint, eventTime: number, sequence: bigint): Row => ({ userId, __as_of: T, __event_time: eventTime, __sequence: sequence });

/** A row's features with their states: `present` where the value is given alone. */
function answered(given: Readonly<Record<string, Row[string]>>, absent: Readonly<Record<string, string>> = {}): Row {
  const row: Row = {};
  for (const [name, value] of Object.entries(given)) {
    row[name] = value;
    if (!(name.startsWith('__') || ['transactionId', 'amount', 'userId', 'itemId'].includes(name))) row[`${name}__state`] = absent[name] ?? 'present';
  }
  return row;
}
const MISSING = (names: readonly string[]): Record<string, string> => Object.fromEntries(names.map((name) => [name, 'missing']));
const ACTIVITY = ['views1d', 'views7d', 'views30d', 'purchases7d', 'purchases30d', 'spend30d', 'priceSeen7d', 'priceSeen30d', 'lastPrice30d'];
const DEMAND = { itemViews1d: 0, itemViews7d: 1, itemViews30d: 1, itemCarts7d: 0, itemPurchases1d: 1, itemPurchases7d: 1, itemPurchases30d: 1, price: 4 };
const nulls = (names: readonly string[]): Record<string, null> => Object.fromEntries(names.map((name) => [name, null]));

/** The first asks of v1 and v2, the second of v2 and v3, the third of v5; of the fourth's entity there is nothing. */
const PROBED: readonly Row[] = [
  { userId: 1n, __as_of: T - DAY, __event_time: T - DAY, __sequence: 3n, visits2d: 2 },
  { userId: 1n, __as_of: T, __event_time: T, __sequence: 4n, visits2d: 2 },
  { userId: 2n, __as_of: T, __event_time: T - DAY, __sequence: 5n, visits2d: 1 },
];

/** The answers, worked out by hand from the events in world.ts. */
const ANSWERS: Readonly<Record<string, readonly Row[]>> = {
  'backfill-latest': [{ ...USER1, amount: 2, tags: ['c', 'd'] }, { ...USER2, amount: 7, tags: ['e'] }],
  'backfill-count': [{ ...USER1, visits2d: 2 }, { ...USER2, visits2d: 1 }],
  'backfill-sum': [{ ...USER1, amount2d: 5, coins2d__sum: 6n, coins2d__carry: 0 }, { ...USER2, amount2d: 7, coins2d__sum: 16n, coins2d__carry: 0 }],
  'backfill-avg': [{ ...USER1, amount2d__sum: 5, amount2d__count: 1 }, { ...USER2, amount2d__sum: 7, amount2d__count: 1 }],
  'backfill-min': [{ ...USER1, coins2d: 2n }, { ...USER2, coins2d: 16n }],
  'backfill-max': [{ ...USER1, amount2d: 5 }, { ...USER2, amount2d: 7 }],
  'backfill-last': [{ ...USER1, amount2d: 5, kind2d: 'view' }, { ...USER2, amount2d: 7, kind2d: 'view' }],
  'backfill-variance': [
    { ...USER1, views4d__count: 2, views4d__mean: 7.5, views4d__deviation: 12.5 },
    { ...USER2, views4d__count: 1, views4d__mean: 7, views4d__deviation: 0 },
  ],
  'backfill-ends': [
    { ...USER1, opening4d: 10, recent4d: [8n, 4n], quiet4d: T },
    { ...USER2, opening4d: 7, recent4d: [16n], quiet4d: T - DAY },
  ],
  'backfill-categories': [
    { ...USER1, different4d: 2, nearly4d: 4, top4d: ['buy'], kinds4d: { buy: 2, view: 2 }, median4d: 5, middle4d: 5 },
    { ...USER2, different4d: 1, nearly4d: 1, top4d: ['view'], kinds4d: { view: 1 }, median4d: 7, middle4d: 7 },
  ],
  // User 1's events are 3, 2, 1 and 0 half-lives old; v2 has no amount.
  'backfill-shares': [
    { ...USER1, bought4d__hits: 2, bought4d__count: 4, daily4d: 4, fading4d__weight: 1.875, fading4d__asOf: T, worth4d__weight: 5.75, worth4d__asOf: T },
    { ...USER2, bought4d__hits: 0, bought4d__count: 1, daily4d: 1, fading4d__weight: 0.5, fading4d__asOf: T, worth4d__weight: 3.5, worth4d__asOf: T },
  ],
  // Hops of two days began three days and one day ago, which is an odd day of the epoch.
  'backfill-hops': [
    { ...USER1, visits2d: 3, worth2d: 15, different2d: 2, usual2d: [5], kinds2d: { buy: 1, view: 2 }, middle2d: 7.5 },
    { ...USER2, visits2d: 1, worth2d: 7, different2d: 1, usual2d: [7], kinds2d: { view: 1 }, middle2d: 7 },
  ],
  'backfill-history': [{ ...USER1, visits: 3 }, { ...USER2, visits: 1 }],
  // Between two days ago and one day ago lie v2 on the one end and v3 (for user 2: v5) on the other.
  'backfill-bounds': [
    { ...USER1, closedOpen1d: 1, openClosed1d: 1, closed1d: 2, open1d: 0 },
    { ...USER2, closedOpen1d: 0, openClosed1d: 1, closed1d: 1, open1d: 0 },
  ],
  'backfill-where': [
    { ...USER1, both4d: 1, either4d: 3, negated4d: 1, absent4d: 1, listed4d: 2, other4d: 1, quoted4d: 4 },
    { ...USER2, both4d: 1, either4d: 0, negated4d: 0, absent4d: 0, listed4d: 1, other4d: 0, quoted4d: 1 },
  ],
  'backfill-composite-key': [
    { region: 'eu', number: 1n, __as_of: T, __event_time: T, __sequence: 4n, visits2d: 2 },
    { region: 'us', number: 2n, __as_of: T, __event_time: T - DAY, __sequence: 5n, visits2d: 1 },
  ],
  // r1 corrected to 100; r2 not known yet; r3 corrected to be user 3's, so user 2 has none.
  'backfill-known-at': [{ ...told(1n, T - 2 * DAY, 3n), told7d: 100 }, { ...told(3n, T - DAY, 4n), told7d: 9 }],
  // v3 and v4 are new: each matters from when it happened, v3 as long as the window reaches, v4 for ever as the newest.
  'touched-count': [
    { userId: 1n, __as_of: T - DAY, __newest: T - DAY },
    { userId: 1n, __as_of: T, __newest: T },
    { userId: 1n, __as_of: T + DAY, __newest: T },
    { userId: 1n, __as_of: T + 5 * DAY, __newest: T },
  ],
  // That r3 is user 3's was known from T - 1: it is user 2's no more.
  'touched-known-at': [{ userId: 2n, __as_of: T, __newest: T - DAY }, { userId: 3n, __as_of: T, __newest: T - DAY }],
  'probes-keys': PROBED,
  'probes-touched': PROBED,
  // User 3's visit is still to come: it waits in the log, and there is no row yet.
  'state-latest': [
    { userId: 1n, __event_time: T, __latest_run_0: [2], __latest_run_1: [['c', 'd']], __log_time: [], __log_run_0: [], __log_run_1: [] },
    { userId: 2n, __event_time: T - DAY, __latest_run_0: [7], __latest_run_1: [['e']], __log_time: [], __log_run_0: [], __log_run_1: [] },
    { userId: 3n, __event_time: null, __latest_run_0: [], __latest_run_1: [], __log_time: [BigInt(T + 1)], __log_run_0: [[1]], __log_run_1: [[[]]] },
  ],
  'state-latest-settled': [
    { userId: 1n, __event_time: T, __latest_run_0: [2], __latest_run_1: [['c', 'd']] },
    { userId: 2n, __event_time: T - DAY, __latest_run_0: [7], __latest_run_1: [['e']] },
    { userId: 3n, __event_time: T + 1, __latest_run_0: [1], __latest_run_1: [[]] },
  ],
  'state-ends': [
    { userId: 1n, __event_time: T, __log_time: [3, 2, 1, 0].map((days) => BigInt(T - days * DAY)), __log_run_0: [[10], [null], [5], [2]], __log_run_1: [[1n], [2n], [4n], [8n]] },
    { userId: 2n, __event_time: T - DAY, __log_time: [BigInt(T - DAY)], __log_run_0: [[7]], __log_run_1: [[16n]] },
    { userId: 3n, __event_time: null, __log_time: [BigInt(T + 1)], __log_run_0: [[1]], __log_run_1: [[32n]] },
  ],
  'state-hops': [
    {
      ...{ userId: 1n, __event_time: T, __tiles0: [T - 3 * DAY, T - DAY], __tiles0_visits2d: [2, 1], __tiles0_worth2d: [10, 5], __tiles0_worth2d__events: [1, 1], __log_time: [BigInt(T)], __log_run_0: [[2]], __log_run_1: [['buy']] },
      // The first hop has view too, but the second one has it later.
      ...{ __tiles0_different2d__ends: [1, 2], __tiles0_different2d: ['buy', 'view'] },
      // Of each value the step to its place, doubled, and one less than its count.
      ...{ __tiles0_usual2d__values: [10, 5], __tiles0_usual2d__counts: ['00', '20'] },
      ...{ __tiles0_kinds2d__values: ['buy', 'view'], __tiles0_kinds2d__counts: ['0020', '20'] },
      // 10 and 5: their exponent, plus 1,023, and the seven bits after the first.
      ...{ __tiles0_middle2d__buckets: [1026 * 128 + 32, 1025 * 128 + 32], __tiles0_middle2d__counts: ['00', '20'] },
    },
    {
      ...{ userId: 2n, __event_time: T - DAY, __tiles0: [T - DAY], __tiles0_visits2d: [1], __tiles0_worth2d: [7], __tiles0_worth2d__events: [1], __log_time: [], __log_run_0: [], __log_run_1: [] },
      ...{ __tiles0_different2d__ends: [1], __tiles0_different2d: ['view'] },
      ...{ __tiles0_usual2d__values: [7], __tiles0_usual2d__counts: ['00'] },
      ...{ __tiles0_kinds2d__values: ['view'], __tiles0_kinds2d__counts: ['00'] },
      ...{ __tiles0_middle2d__buckets: [1025 * 128 + 96], __tiles0_middle2d__counts: ['00'] },
    },
    {
      ...{ userId: 3n, __event_time: null, __tiles0: [], __tiles0_visits2d: [], __tiles0_worth2d: [], __tiles0_worth2d__events: [], __log_time: [BigInt(T + 1)], __log_run_0: [[1]], __log_run_1: [['buy']] },
      ...{ __tiles0_different2d__ends: [], __tiles0_different2d: [] },
      ...{ __tiles0_usual2d__values: [], __tiles0_usual2d__counts: [] },
      ...{ __tiles0_kinds2d__values: [], __tiles0_kinds2d__counts: [] },
      ...{ __tiles0_middle2d__buckets: [], __tiles0_middle2d__counts: [] },
    },
  ],
  // What is superseded by T is gone, with it all of user 2; what is not known yet waits.
  'state-known-at': [
    { userId: 1n, __event_time: T - 2 * DAY, __log_time: [BigInt(T - 2 * DAY), BigInt(T - DAY)], __log_known: [BigInt(T - DAY), BigInt(T + 1)], __log_until: [Infinity, Infinity], __log_run_0: [[100], [5]] },
    { userId: 3n, __event_time: T - DAY, __log_time: [BigInt(T - DAY)], __log_known: [BigInt(T - 1)], __log_until: [Infinity], __log_run_0: [[9]] },
  ],
  'dataset-ttl': [
    answered({ __row: 1n, coins: 8n, tags: ['c', 'd'] }),
    answered({ __row: 2n, coins: 8n, tags: ['c', 'd'] }),
    answered({ __row: 3n, coins: null, tags: [] }, { coins: 'expired', tags: 'expired' }),
    answered({ __row: 4n, coins: null, tags: [] }, { coins: 'missing', tags: 'missing' }),
  ],
  'dataset-default': [
    answered({ __row: 1n, bought1d: -1, spent1d: -2n, visits1d: 1, middle1d: 5 }),
    answered({ __row: 2n, bought1d: 2, spent1d: 8n, visits1d: 1, middle1d: 2 }),
    answered({ __row: 3n, bought1d: -1, spent1d: -2n, visits1d: -3, middle1d: -4 }),
    answered({ __row: 4n, bought1d: null, spent1d: null, visits1d: null, middle1d: null }, MISSING(['bought1d', 'spent1d', 'visits1d', 'middle1d'])),
  ],
  'dataset-include-request': [
    answered({ __row: 1n, amount: 2, total2d: 14n, mean2d: 3.5, here2d: 3 }),
    answered({ __row: 2n, amount: 1, total2d: 112n, mean2d: 8 / 3, here2d: 3 }),
    answered({ __row: 3n, amount: null, total2d: 3n, mean2d: null, here2d: 0 }, { mean2d: 'null' }),
    answered({ __row: 4n, amount: 2, total2d: 14n, mean2d: 3.5, here2d: 3 }),
  ],
  'dataset-include-request-of-all': [
    answered({ __row: 1n, different4d: 2, top4d: ['buy'], kinds4d: { buy: 2, view: 2 }, median4d: 5, middle4d: 5, recent4d: [8n, 4n], quiet4d: 0, fading4d: 1.875, views4d: 6.25, bought4d: 0.5 }),
    answered(
      { __row: 2n, different4d: 1, top4d: ['view'], kinds4d: { view: 1 }, median4d: null, middle4d: null, recent4d: [3n], quiet4d: 0, fading4d: 1, views4d: null, bought4d: 0 },
      { median4d: 'null', middle4d: 'null', views4d: 'null' },
    ),
  ],
  'dataset-known-at': [
    answered({ __row: 1n, told7d: 1 }),
    answered({ __row: 2n, told7d: 100 }),
    answered({ __row: 3n, told7d: 100 }),
    answered({ __row: 4n, told7d: 105 }),
    answered({ __row: 5n, told7d: 9 }),
    answered({ __row: 6n, told7d: null }, { told7d: 'missing' }),
    answered({ __row: 7n, told7d: 9 }),
  ],
  'dataset-derived': [
    // Two visits in two days, its peer had one; the peer of the second was never seen, that of the third long ago.
    { ...answered({ __row: 1n, ratio: 2, worth: 10n }), amount: 2, amount__state: 'present' },
    { ...answered({ __row: 2n, ratio: null, worth: 5n }, { ratio: 'missing' }), amount: 7, amount__state: 'present' },
    { ...answered({ __row: 3n, ratio: null, worth: 0n }, { ratio: 'expired' }), amount: 2, amount__state: 'present' },
  ],
  'dataset-fraud-features': [
    // A Wednesday and a Saturday at midnight, between them a Friday at 23:00.
    answered({ transactionId: 1n, amount: 10, payments1d: 1, payments7d: 1, payments30d: 1, meanAmount1d: 10, meanAmount7d: 10, meanAmount30d: 10, ...terminal(0, 0, 0, 0, 0, 0), weekend: false, night: true }),
    answered({ transactionId: 2n, amount: 20, payments1d: 1, payments7d: 1, payments30d: 2, meanAmount1d: 20, meanAmount7d: 20, meanAmount30d: 15, ...terminal(0, 1, 1, 0, 1, 1), weekend: false, night: false }),
    answered({ transactionId: 3n, amount: 60, payments1d: 2, payments7d: 2, payments30d: 3, meanAmount1d: 40, meanAmount7d: 40, meanAmount30d: 30, ...terminal(0, 1, 1, 0, 1, 1), weekend: true, night: true }),
  ],
  'dataset-ranking': [
    answered({ userId: 1n, itemId: 5n, views1d: 0, views7d: 1, views30d: 1, purchases7d: 1, purchases30d: 1, spend30d: 3, priceSeen7d: 3, priceSeen30d: 3, lastPrice30d: 3, ...DEMAND }),
    answered({ userId: 2n, itemId: 5n, ...nulls(ACTIVITY), ...DEMAND }, MISSING(ACTIVITY)),
    answered({ userId: 1n, itemId: 6n, ...nulls(ACTIVITY), ...nulls(Object.keys(DEMAND)) }, MISSING([...ACTIVITY, ...Object.keys(DEMAND)])),
  ],
  'event-spine': [
    { __row: 1n, __time: T - 10 * DAY, __event_id: '1', __sequence: 1n, transactionId: 1n, customerId: 1n, terminalId: 9n, amount: 10, fraud: true, at: T - 10 * DAY },
    { __row: 2n, __time: T - DAY / 24, __event_id: '2', __sequence: 2n, transactionId: 2n, customerId: 1n, terminalId: 9n, amount: 20, fraud: false, at: T - DAY / 24 },
    { __row: 3n, __time: T, __event_id: '3', __sequence: 3n, transactionId: 3n, customerId: 1n, terminalId: 9n, amount: 60, fraud: false, at: T },
  ],
  'event-spine-range': [
    { __row: 1n, __time: T - DAY, __event_id: 'v3', __sequence: 3n, visitId: 'v3', userId: 1n, area: 'eu', amount: 5, coins: 4n, kind: 'view', tags: ['b'], at: T - DAY },
    { __row: 2n, __time: T - DAY, __event_id: 'v5', __sequence: 5n, visitId: 'v5', userId: 2n, area: 'us', amount: 7, coins: 16n, kind: 'view', tags: ['e'], at: T - DAY },
    { __row: 3n, __time: T, __event_id: 'v4', __sequence: 4n, visitId: 'v4', userId: 1n, area: 'eu', amount: 2, coins: 8n, kind: 'buy', tags: ['c', 'd'], at: T },
  ],
  'event-spine-known-at': [
    { __row: 1n, __time: T - 2 * DAY, __event_id: 'r1', __sequence: 3n, reportId: 'r1', userId: 1n, amount: 100, at: T - 2 * DAY, toldAt: T - DAY },
    { __row: 2n, __time: T - DAY, __event_id: 'r3', __sequence: 4n, reportId: 'r3', userId: 3n, amount: 9, at: T - DAY, toldAt: T - 1 },
    { __row: 3n, __time: T - DAY, __event_id: 'r2', __sequence: 5n, reportId: 'r2', userId: 1n, amount: 5, at: T - DAY, toldAt: T + 1 },
  ],
};

function terminal(day: number, week: number, month: number, riskDay: number, riskWeek: number, riskMonth: number): Record<string, number> {
  return { terminalPayments1d: day, terminalPayments7d: week, terminalPayments30d: month, terminalRisk1d: riskDay, terminalRisk7d: riskWeek, terminalRisk30d: riskMonth };
}

/** The questions of the data sets, as rows: the place, the instant, the event that asks, then the columns named. */
const SPINES: readonly { readonly world: keyof typeof snapshots; readonly table: string; readonly columns: string; readonly rows: readonly string[] }[] = [
  { world: 'small', table: 'spine_ttl', columns: 'userId Int64', rows: [`1, ${T}, '', 1`, `2, ${T + DAY}, '', 1`, `3, ${T + DAY + 1}, '', 1`, `4, ${T}, '', 7`] },
  { world: 'small', table: 'spine_default', columns: 'userId Int64', rows: [`1, ${T}, '', 1`, `2, ${T + 1}, '', 1`, `3, ${T + 5 * DAY}, '', 1`, `4, ${T}, '', 9`] },
  {
    world: 'small',
    table: 'spine_include_request',
    columns: 'region String, number Int64, coins Int64, amount Nullable(Float64)',
    rows: [`1, ${T}, 'v4', 'eu', 1, 8, 2`, `2, ${T + 1}, '', 'eu', 1, 100, 1`, `3, ${T}, '', 'us', 99, 3, NULL`, `4, ${T}, '', 'eu', 1, 8, 2`],
  },
  {
    world: 'small',
    table: 'spine_include_request_of_all',
    columns: 'region String, number Int64, coins Int64, amount Nullable(Float64), kind String',
    rows: [`1, ${T}, 'v4', 'eu', 1, 8, 2, 'buy'`, `2, ${T}, '', 'us', 99, 3, NULL, 'view'`],
  },
  {
    world: 'small',
    table: 'spine_known_at',
    columns: 'userId Int64',
    rows: [`1, ${T - DAY - 1}, '', 1`, `2, ${T - DAY}, '', 1`, `3, ${T}, '', 1`, `4, ${T + 1}, '', 1`, `5, ${T - 2}, '', 2`, `6, ${T}, '', 2`, `7, ${T}, '', 3`],
  },
  { world: 'small', table: 'spine_derived', columns: 'userId Int64, peerId Int64, coins Int64', rows: [`1, ${T}, '', 1, 2, 5`, `2, ${T}, '', 2, 9, 5`, `3, ${T + 3 * DAY}, '', 1, 2, 5`] },
  { world: 'marketplace', table: 'spine_ranking', columns: 'userId Int64, itemId Int64', rows: [`1, ${T}, '', 1, 5`, `2, ${T}, '', 2, 5`, `3, ${T - 9 * DAY}, '', 1, 6`] },
];

describe('golden SQL', () => {
  let folder: string;
  const stores = new Map<string, OfflineStore>();

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'granary-golden-'));
    const path = join(folder, 'db');
    for (const world of WORLDS) {
      const store = await OfflineStore.open({ kind: 'embedded', path, database: world, connections: 1 });
      stores.set(world, store);
      for (const [name, rows] of Object.entries(EVENTS[world])) {
        const source = sourceOf(snapshots[world], name);
        const at = (row: (typeof rows)[number], field: string | null): number => (field === null ? 0 : (row[source.fields.findIndex((each) => each.name === field)] as number));
        const events = rows.map((row): EventRow => ({ eventId: String(row[0]), eventTime: at(row, source.eventTime), knownAt: at(row, source.knownAt ?? source.eventTime), values: row }));
        await store.ensureSource(source);
        await store.appendEvents(source, events);
      }
    }
    for (const { world, table, columns, rows } of SPINES) {
      const values = `values('__row UInt64, at Int64, __event_id String, ${columns}', ${rows.map((row) => `(${row})`).join(', ')})`;
      await stores.get(world)!.command({ sql: `CREATE TABLE ${table} ENGINE = Memory AS SELECT fromUnixTimestamp64Milli(at, 'UTC') AS __time, * EXCEPT at FROM ${values}`, params: {} });
    }
    const probes = [[1, T - DAY, T - DAY], [1, T, T], [2, T, T - DAY], [9, T, T], [1, T, T]].map((row) => `(${row.join(', ')})`);
    await stores.get('small')!.command({
      sql: `CREATE TABLE probes_count ENGINE = Memory AS SELECT userId, fromUnixTimestamp64Milli(at, 'UTC') AS __as_of, fromUnixTimestamp64Milli(newest, 'UTC') AS __newest FROM values('userId Int64, at Int64, newest Int64', ${probes.join(', ')})`,
      params: {},
    });
    const spine = compileEventSpine(sourceOf(snapshots.payments, 'payments'));
    await stores.get('payments')!.command({ sql: `CREATE TABLE spine_fraud_features ENGINE = Memory AS ${spine.sql}`, params: spine.params });
  });
  afterAll(async () => {
    for (const store of stores.values()) await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('has one file for each statement, and none that is left over', () => {
    const files = readdirSync(FOLDER).filter((file) => file.endsWith('.sql'));
    expect(files.sort()).toEqual(CASES.map(({ name }) => `${name}.sql`).sort());
    expect(Object.keys(ANSWERS).sort()).toEqual(CASES.map(({ name }) => name).sort());
  });

  for (const golden of CASES) {
    it(`${golden.name}: text and parameters are those of the file, and ClickHouse answers as worked out by hand`, async () => {
      expect(goldenText(golden)).toBe(readFileSync(join(FOLDER, `${golden.name}.sql`), 'utf8'));
      const rows = await stores.get(golden.world)!.rows(golden.statement);
      const inOrder = /^(dataset|event)/.test(golden.name) ? rows : rows.sort((a, b) => Number((a['userId'] ?? a['number']) as bigint) - Number((b['userId'] ?? b['number']) as bigint) || (a['__as_of'] as number) - (b['__as_of'] as number));
      expect(inOrder).toEqual(ANSWERS[golden.name]);
    });
  }
});
