import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EVENT, eventsTable, isGranaryError, named, resolveService, type FeatureValue, type Instant, type Snapshot, type Source } from '@granary/contracts';
import { appendServed, createEventParser, explainRow, featureHistory, materialise, prove, readHistory, type Proof, type ProveOptions } from '@granary/jobs';
import { OfflineStore, type EventRow } from '@granary/offline-store';
import { openOnlineStore, rowKey, type OnlineStore } from '@granary/online-store';
import { openRegistry, resolveSnapshot } from '@granary/registry';
import { avg, count, countDistinct, derived, entity, featureService, featureView, lastN, latest, request, source, sqlSource, stddevPopulation, sum, t } from '@granary/sdk';
import { FeatureReader, ServingLog } from '@granary/serving';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const T = Date.UTC(2026, 0, 10);
const seed = Number(process.env['SEED']);
console.info(`prove: seed ${seed}`);

const account = entity('account', { accountId: t.int64 });
const fields = { id: t.string, accountId: t.int64, peerId: t.int64, amount: t.float64.nullable(), kind: t.enum('app', 'web'), at: t.timestamp };
const transfers = source('transfers', { fields, eventId: 'id', eventTime: 'at' });
const reports = source('reports', { fields: { ...fields, toldAt: t.timestamp }, eventId: 'id', eventTime: 'at', knownAt: 'toldAt', corrected: true });
const large = sqlSource('large', { inputs: [transfers], sql: 'SELECT id, accountId, amount, at FROM {{transfers}} WHERE amount > 50', fields: { id: t.string, accountId: t.int64, amount: t.float64, at: t.timestamp }, eventId: 'id', eventTime: 'at' });
const both = sqlSource('both', { inputs: [transfers, reports], sql: "SELECT concat('t', id) AS id, accountId, amount, at FROM {{transfers}} UNION ALL SELECT concat('r', id) AS id, accountId, amount, at FROM {{reports}}", fields: { id: t.string, accountId: t.int64, amount: t.float64.nullable(), at: t.timestamp }, eventId: 'id', eventTime: 'at' });
const spending = featureView('spending', {
  entity: account,
  source: transfers,
  ttl: '5d',
  features: (e) => ({
    transfers: count().where(e.kind.eq('app')).over('1d', '7d'),
    spent: sum(e.amount).over('7d', { delay: '1h', bounds: '(]' }),
    mean: avg(e.amount).over('7d', { includeRequest: true }),
    spread: stddevPopulation(e.amount).over('7d'),
    kinds: countDistinct(e.kind).over('7d'),
    peers: lastN(3, e.peerId),
    kind: latest(e.kind),
  }),
});
const told = featureView('told', { entity: account, source: reports, features: (e) => ({ reports: count().over('7d'), said: latest(e.amount) }) });
const big = featureView('big', { entity: account, source: large, features: (e) => ({ largest: sum(e.amount).over('7d') }) });
const all = featureView('all_spending', { entity: account, source: both, features: (e) => ({ spent: sum(e.amount).over('7d') }) });
const peer = spending.as('peer', { accountId: 'peerId' }).pick('spent7d', 'kind');
const unusual = derived('unusual', [spending, told, request({ amount: t.float64 })], (s, r, q) => ({ times: q.amount.div(s.spent7d), reported: r.reports7d.add(s.transfers1d) }));
const page = featureService('page', [spending, peer, told, unusual]);
const bigPage = featureService('big_page', [big, all]);
const plain = featureService('plain_page', [spending.pick('transfers7d', 'spent7d', 'kind')]);
const lines = source('lines', { fields: { orderId: t.string, line: t.int64, amount: t.float64, at: t.timestamp, accountId: t.int64 }, eventId: ['orderId', 'line'], eventTime: 'at' });
const orders = featureView('orders', { entity: account, source: lines, features: (e) => ({ ordered: sum(e.amount).where(e.amount.gt(0)).over('7d', { includeRequest: true }), lines: count().over('7d') }) });
const ordersPage = featureService('orders_page', [orders, request({ amount: t.float64 })]);
const snapshot = snapshotOf();

function snapshotOf(): Snapshot {
  return resolveSnapshot([account, transfers, reports, large, both, spending, told, big, all, unusual, page, bigPage, plain, lines, orders, ordersPage].map(({ definition }) => definition as never));
}

interface Transfer {
  readonly id: string;
  readonly accountId: bigint;
  readonly peerId?: bigint;
  readonly amount: number | null;
  readonly kind?: 'app' | 'web';
  readonly at: Instant;
  readonly toldAt?: Instant;
}

let folder: string;
let store: OfflineStore;
let online: OnlineStore;
let log: ServingLog;
let reader: FeatureReader;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'granary-prove-'));
  store = await OfflineStore.open({ kind: 'embedded', path: join(folder, 'offline') });
  online = await openOnlineStore({ kind: 'lmdb', path: join(folder, 'online') });
  log = new ServingLog({ sample: 1, write: (rows) => appendServed(store, rows) });
  reader = new FeatureReader(snapshot, online, { project: 'test', log, history: featureHistory(store) });
});
afterEach(async () => {
  await online.close();
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function append(to: 'transfers' | 'reports', ...events: readonly Transfer[]): Promise<void> {
  const declared = snapshot.sources.find(({ name }) => name === to)!;
  await store.ensureSource(declared);
  await store.appendEvents(declared, events.map((event) => eventRow(declared, event)));
}

function eventRow({ knownAt }: Source, { id, accountId, peerId = 0n, amount, kind = 'app', at, toldAt = at }: Transfer): EventRow {
  return { eventId: id, eventTime: at, knownAt: knownAt === null ? at : toldAt, values: [id, accountId, peerId, amount, kind, at, ...(knownAt === null ? [] : [toldAt])] };
}

async function check(options: ProveOptions = {}): Promise<Proof> {
  await log.flush();
  return prove(store, (id) => (id === snapshot.id ? Promise.resolve(snapshot) : openRegistry(join(folder, 'none')).snapshot(id)), options);
}

/** mulberry32: uniform in [0, 1). */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function randomTransfers(random: () => number, count: number): Transfer[] {
  const below = (n: number): number => Math.floor(random() * n);
  return Array.from({ length: count }, (_, i): Transfer => {
    // Of account 5 all is too old to be seen, of account 4 no amount is known.
    const account = below(6);
    const at = T - (below(10 * 24) + (account === 5 ? 6 * 24 : 0)) * HOUR;
    return { id: `e${below(count)}`, accountId: BigInt(account), peerId: BigInt(below(6)), amount: account === 4 || below(5) === 0 ? null : below(20_000) / 100 - 40, kind: below(2) === 0 ? 'app' : 'web', at, toldAt: at + below(40) * HOUR + i };
  });
}

const asked = Array.from({ length: 8 }, (_, i) => ({ accountId: BigInt(i), peerId: BigInt((i * 3) % 8), amount: i }));

describe('prove', () => {
  it('finds nothing wrong with what was served, whatever has arrived since', async () => {
    const random = randomFrom(seed);
    const [early, late] = [randomTransfers(random, 150), randomTransfers(random, 150)];
    await append('transfers', ...early);
    await append('reports', ...early);
    await materialise(store, online, snapshot, { at: T, project: 'test' });
    const known = new Map<string, number>();
    for (const { id, source: { name } } of resolveService(snapshot, named(snapshot.services, 'page')).views) known.set(id, await store.countEvents({ name }));
    // Stored, and not online yet: what is served now does not know of them.
    await append('transfers', ...late.map((each) => ({ ...each, id: `late ${each.id}` })));
    await append('reports', ...late);
    const rows = await reader.rows('page', asked, { at: T });
    await reader.rows('big_page', asked, { at: T });
    const proof = await check();
    expect(proof.mismatches.map(({ asked: of, feature, served, computed }) => ({ of, feature, served, computed }))).toEqual([]);
    expect(proof).toMatchObject({ rows: 16, matched: 16, mismatched: 0, missing: 0, mismatchedValues: 0, missingBecause: [] });
    expect(new Set(rows.flatMap(({ values }) => Object.values(values).map(({ state }) => state))).size).toBe(4);

    // Event times too.
    const again = await readHistory(store, snapshot, 'page', rows.map(({ keys }) => ({ values: keys, at: T, horizons: known })));
    const times = (values: Readonly<Record<string, FeatureValue>>): unknown => Object.entries(values).map(([name, { eventTime }]) => [name, eventTime]);
    expect(again.map(times)).toEqual(rows.map(({ values }) => times(values)));
  }, 60_000);

  it('names the event that came behind the back of what is online', async () => {
    await append('transfers', ...[1, 2, 3].map((i) => ({ id: `e${i}`, accountId: 1n, amount: 10 * i, at: T - i * DAY })), { id: 'other', accountId: 2n, amount: 1, at: T - DAY });
    await materialise(store, online, snapshot, { at: T, project: 'test' });
    await reader.rows('plain_page', [{ accountId: 1 }, { accountId: 2 }], { at: T });
    expect(await check()).toMatchObject({ rows: 2, matched: 2 });
    const columns = [...Object.values(EVENT), ...transfers.definition.fields.map(({ name }) => name)];
    await store.command({
      sql: `INSERT INTO ${eventsTable({ name: 'transfers' })} (${columns.join(', ')}) SELECT 'forged', __event_time, __known_at, 1, 'forged', accountId, peerId, 7, kind, at FROM events_transfers WHERE id = 'e2'`,
      params: {},
    });
    const proof = await check();
    expect(proof).toMatchObject({ rows: 2, matched: 1, mismatched: 1, missing: 0, values: 6, mismatchedValues: 2 });
    expect(proof.mismatches.map(({ feature, served, computed, suspects }) => [feature, served.value, computed.value, suspects?.map(({ event, says }) => [event.id, says])])).toEqual([
      ['transfers7d', 3, 4, ['forged', 'e1', 'e2', 'e3'].map((id) => [id, 'served without it']).sort()],
      ['spent7d', 60, 67, [['forged', 'served without it']]],
    ].map(([feature, served, computed, suspects]) => [feature, served, computed, expect.arrayContaining(suspects as unknown[])]));
    expect(await check({ show: 1 })).toMatchObject({ mismatchedValues: 2, mismatches: [{ feature: 'transfers7d' }] });
  });

  it('finds an entity that should be online, and is not', async () => {
    await append('transfers', { id: 'e', accountId: 1n, amount: 1, at: T - DAY });
    await materialise(store, online, snapshot, { at: T, project: 'test' });
    const { version } = snapshot.views.find(({ name }) => name === 'spending')!;
    await online.delete([rowKey('test', account.definition, [1n], 'spending', version)]);
    const ask = async (): Promise<Proof> => {
      await reader.rows('plain_page', [{ accountId: 1 }], { at: T });
      return check();
    };
    // How far views are online is learned beside the first reads.
    let proof = await ask();
    for (let tries = 0; proof.mismatched === 0 && tries < 50; tries++) proof = await ask();
    expect(proof.mismatches[0]).toMatchObject({ feature: 'transfers7d', served: { state: 'missing' }, computed: { value: 1 }, suspects: [{ event: { id: 'e' }, says: 'served without it' }] });
  });

  it('names the event that is gone, and a value that was changed in the log', async () => {
    await append('transfers', ...[1, 2, 3].map((i) => ({ id: `e${i}`, accountId: 1n, amount: 10 * i, at: T - i * DAY })));
    await materialise(store, online, snapshot, { at: T, project: 'test' });
    await reader.rows('plain_page', [{ accountId: 1 }], { at: T });
    await log.flush();
    await store.command({ sql: "ALTER TABLE granary_served UPDATE features = replaceOne(features, '\"kind\":[\"present\",1767916800000,\"app\"]', '\"kind\":[\"present\",1767916800000,\"web\"]') WHERE 1 SETTINGS mutations_sync = 1", params: {} });
    expect((await check()).mismatches).toMatchObject([{ feature: 'kind', served: { value: 'web' }, computed: { value: 'app' }, explained: [{ events: [{ id: 'e1', leftOut: null }, { leftOut: 'not the latest' }, { leftOut: 'not the latest' }] }] }]);
  });

  it('suspects no event that had not happened, was not known or not stored when it was served; and where none is left, none', async () => {
    // All of one amount: any of them would explain what was served.
    const event = (id: string, age: number, knownAfter = age): Transfer => ({ id, accountId: 1n, amount: 5, at: T - age, toldAt: T - knownAfter });
    await append('transfers', event('kept', DAY), event('gone', 2 * DAY), event('ahead', -HOUR));
    await append('reports', event('kept', DAY), event('gone', 2 * DAY), event('told later', 3 * DAY, -HOUR));
    await materialise(store, online, snapshot, { at: T, project: 'test' });
    await reader.rows('page', [{ accountId: 1, peerId: 2, amount: 1 }], { at: T });
    await append('transfers', event('stored later', 3 * DAY));
    await append('reports', event('stored later', 3 * DAY));
    const differing = async (): Promise<Record<string, unknown>> => Object.fromEntries((await check()).mismatches.map(({ feature, suspects }) => [feature, suspects?.map(({ event: { id }, says }) => [id, says]) ?? null]));
    expect(await differing()).toEqual({});
    for (const name of ['transfers', 'reports']) await store.command({ sql: `ALTER TABLE ${eventsTable({ name })} DELETE WHERE id = 'gone' SETTINGS mutations_sync = 1`, params: {} });
    expect(await differing()).toEqual({ transfers7d: [], spent7d: [], mean7d: [], peers: [], reports7d: [], times: null, reported: null });
  });

  it.each([10, 0])('takes a sum of what cancels out to be as exact as its numbers, also where it shows %i', async (show) => {
    await append('transfers', ...[1e12, 3, -1e12].map((amount, i) => ({ id: `e${i}`, accountId: 1n, amount, at: T - (i + 1) * DAY })));
    await materialise(store, online, snapshot, { at: T, project: 'test' });
    await reader.rows('plain_page', [{ accountId: 1 }], { at: T });
    await log.flush();
    const say = (sum: number): Promise<void> => store.command({ sql: `ALTER TABLE granary_served UPDATE features = replaceRegexpOne(features, '("spent7d":\\["present",\\d+,)\\d+', '\\1${sum}') WHERE 1 SETTINGS mutations_sync = 1`, params: {} });
    await say(4);
    expect(await check({ show })).toMatchObject({ rows: 1, matched: 1 });
    await say(9_999);
    expect(await check({ show })).toMatchObject({ rows: 1, mismatched: 1, mismatchedValues: 1 });
  });

  it('counts what it can not compute again as missing, with the reason', async () => {
    await append('transfers', { id: 'e', accountId: 1n, amount: 1, at: T - DAY });
    await materialise(store, online, snapshot, { at: T, project: 'test' });
    await reader.rows('plain_page', [{ accountId: 1 }], { at: T });
    await log.flush();
    await store.command({ sql: `INSERT INTO granary_served (served_at, service, snapshot, as_of, asked, features, horizons) SELECT served_at, service, repeat('f', 64), as_of, asked, features, horizons FROM granary_served`, params: {} });
    await store.command({ sql: `INSERT INTO granary_served (served_at, service, snapshot, as_of, asked, features, horizons) SELECT served_at, service, '${snapshot.id}', as_of, '{', features, horizons FROM granary_served LIMIT 1`, params: {} });
    expect(await check()).toMatchObject({ rows: 3, matched: 1, mismatched: 0, missing: 2, missingBecause: expect.arrayContaining([{ reason: 'what was logged of it is damaged', rows: 1 }, { reason: expect.stringContaining('was ever applied'), rows: 1 }]) });
  });

  it('takes rows by service, time and share', async () => {
    await append('transfers', { id: 'e', accountId: 1n, amount: 1, at: T - DAY });
    await materialise(store, online, snapshot, { at: T, project: 'test' });
    await reader.rows('plain_page', Array.from({ length: 400 }, (_, i) => ({ accountId: i })), { at: T });
    const half = await check({ sample: 0.5 });
    expect(half.rows).toBeGreaterThan(120);
    expect(half.rows).toBeLessThan(280);
    expect((await check({ sample: 0.5 })).rows).toBe(half.rows);
    expect((await check({ service: 'page' })).rows).toBe(0);
    expect((await check({ since: Date.now() + HOUR })).rows).toBe(0);
    expect((await check({ since: Date.now() - HOUR, service: 'plain_page' })).rows).toBe(400);
  });
});

describe('explain', () => {
  it('lists the events of each feature, and why the others do not count', async () => {
    await append(
      'transfers',
      { id: 'future', accountId: 1n, amount: 1, at: T + 1 },
      { id: 'now', accountId: 1n, amount: 2, at: T },
      { id: 'day', accountId: 1n, amount: 3, at: T - DAY },
      { id: 'web', accountId: 1n, amount: 4, kind: 'web', at: T - 2 * DAY },
      { id: 'none', accountId: 1n, amount: null, at: T - 3 * DAY },
      { id: 'old', accountId: 1n, amount: 5, at: T - 8 * DAY },
      { id: 'other', accountId: 2n, amount: 6, at: T - DAY },
      { id: 'late', accountId: 1n, amount: 7, at: T - DAY },
    );
    const { features } = await explainRow(store, snapshot, 'plain_page', { values: { accountId: 1n }, at: T }, { horizons: new Map([['spending', 7]]) });
    const said = Object.fromEntries(features.map(({ name, served, events }) => [name, [served.value, ...events.map(({ id, leftOut }) => `${id}: ${leftOut ?? 'counts'}`)]]));
    expect(said).toEqual({
      transfers7d: [2, 'future: not happened yet', 'now: too new', 'late: arrived later', 'day: counts', 'web: filtered by where', 'none: counts', 'old: too old'],
      spent7d: [7, 'future: not happened yet', 'now: too new', 'late: arrived later', 'day: counts', 'web: counts', 'none: no value', 'old: too old'],
      kind: ['app', 'future: not happened yet', 'now: counts', 'late: arrived later', ...['day', 'web', 'none', 'old'].map((id) => `${id}: not the latest`)],
    });
  });

  it('knows versions, and the inputs of derived features', async () => {
    await append('transfers', { id: 'e', accountId: 1n, amount: 1, at: T - HOUR });
    await append(
      'reports',
      { id: 'r', accountId: 1n, amount: 1, at: T - DAY },
      { id: 'r', accountId: 1n, amount: 2, at: T - DAY, toldAt: T - HOUR },
      { id: 'r', accountId: 1n, amount: 3, at: T - DAY, toldAt: T + HOUR },
      { id: 'moved', accountId: 1n, amount: 4, at: T - 2 * DAY },
      { id: 'moved', accountId: 9n, amount: 4, at: T - 2 * DAY, toldAt: T - HOUR },
    );
    const { features, derived: computed } = await explainRow(store, snapshot, 'page', { values: { accountId: 1n, peerId: 2n, amount: 5 }, at: T }, { features: ['reported'] });
    expect(computed).toMatchObject([{ name: 'reported', served: { value: 2n, state: 'present' }, reads: ['reports7d', 'transfers1d'] }]);
    expect(features.map(({ name, served }) => [name, served.value])).toEqual([['transfers1d', 1], ['reports7d', 1]]);
    expect(features[1]!.events.map(({ id, row, leftOut }) => [id, row['amount'], leftOut])).toEqual([
      ['r', 3, 'not known yet'],
      ['r', 2, null],
      ['r', 1, 'corrected by a later version'],
      ['moved', 4, 'of another entity in this version'],
      ['moved', 4, 'corrected by a later version'],
    ]);
  });

  it('lists the request of a window that includes it, and names events as who sent them does', async () => {
    const declared = snapshot.sources.find(({ name }) => name === 'lines')!;
    await store.ensureSource(declared);
    const parsed = createEventParser(declared, 'json').parseRecord({ orderId: 'o1', line: 2, amount: 10, at: T - DAY, accountId: 1 });
    if (parsed.kind !== 'event') throw new Error(parsed.reason);
    await store.appendEvents(declared, [parsed]);
    const ask = async (amount: number) => (await explainRow(store, snapshot, 'orders_page', { values: { accountId: 1n, amount }, at: T })).features;
    const [ordered, counted] = await ask(5);
    expect([ordered!.served.value, ordered!.request]).toEqual([15, { row: { accountId: 1n, amount: 5 }, leftOut: null }]);
    expect(ordered!.events).toMatchObject([{ id: parsed.eventId, sentId: 'orderId=o1 line=2', leftOut: null }]);
    expect(counted!.request).toBeNull();
    expect((await ask(-5))[0]).toMatchObject({ served: { value: 10 }, request: { leftOut: 'filtered by where' } });
  });

  it('refuses a feature that is not there', async () => {
    const error: unknown = await explainRow(store, snapshot, 'page', { values: { accountId: 1n, peerId: 1n, amount: 1 }, at: T }, { features: ['spend'] }).catch((thrown: unknown) => thrown);
    expect(isGranaryError(error, 'INVALID_VALUE')).toBe(true);
  });
});
