import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { representView } from '@granary/aggregates';
import type { Feature, Snapshot, Source, VersionedView, Window } from '@granary/contracts';
import { OfflineStore } from '@granary/offline-store';
import { DAY, append, randomFrom, randomSales, reports, sales, shopReports, shopSales, snapshot, type Sale } from '../testing/shop.js';
import { scratchFolder } from '../testing/stores.js';
import { adviseHop } from './advise-hop.js';
import { estimateView } from './estimate.js';
import { onlineSize, type OnlineSize } from './online-size.js';

const seed = Number(process.env['SEED']);
console.info(`estimates: seed ${seed}`);
const events = randomSales(randomFrom(seed), 2_000, 40);
const folder = scratchFolder();
let store: OfflineStore;
beforeAll(async () => {
  store = await OfflineStore.open({ kind: 'embedded', path: folder.dir });
  await append(store, sales, events);
});
afterAll(async () => {
  await store.close();
  folder.remove();
});

const sizeOf = (view: VersionedView, source: Source): OnlineSize => onlineSize(view.version, representView(view, source));
const only = (view: VersionedView, ...names: string[]): VersionedView => ({ ...view, features: view.features.filter((each) => names.includes(each.name)) });
const entities = new Set(events.map((sale) => `${sale.tenant}/${sale.shopId}`)).size;
const newest = Math.max(...events.map((sale) => sale.at));

describe('the estimate of a view', () => {
  it('counts the events a backfill reads, those its windows reach, and the entities', async () => {
    expect(await estimateView(store, snapshot, shopSales)).toMatchObject({ rows: 2_000, rowsInWindows: 2_000, entities });
    const week = events.filter((sale) => sale.at >= newest - 7 * DAY).length;
    expect(await estimateView(store, snapshot, only(shopSales, 'sales1d', 'turnover7d'))).toMatchObject({ rows: 2_000, rowsInWindows: week, entities });
  });

  it('knows no counts of what was never ingested', async () => {
    expect(await estimateView(store, snapshot, shopReports)).toMatchObject({ rows: null, rowsInWindows: null, entities: null, eventsPerEntity: null, bytesPerEntity: sizeOf(shopReports, reports).rowBytes });
  });

  it('counts the inputs of computed sources', async () => {
    const query: Source = { ...sales, name: 'query', computed: { kind: 'sql', sql: 'SELECT * FROM {{sales}}', inputs: ['sales'] } };
    const enriched: Source = { ...sales, name: 'enriched', computed: { kind: 'enriched', events: 'sales', views: [{ view: 'shop_sales', features: ['sales1d'] }] } };
    const world: Snapshot = { ...snapshot, sources: [...snapshot.sources, query, enriched] };
    expect(await estimateView(store, world, { ...only(shopSales, 'sales1d'), source: 'query' })).toMatchObject({ rows: 2_000, rowsInWindows: 2_000, entities: null });
    expect(await estimateView(store, world, { ...only(shopSales, 'sales1d'), source: 'enriched' })).toMatchObject({ rows: 2_000, rowsInWindows: 2_000, entities });
  });
});

describe('what an entity keeps online', () => {
  const payments = (more: Partial<Window>): Feature => ({
    name: 'payments',
    type: { kind: 'map', of: { kind: 'int32' } },
    aggregate: { fn: 'countBy', column: 'payment', where: null, window: { sizeMs: 7 * DAY, delayMs: 0, bounds: '[)', includeRequest: false, ...more }, default: null },
  });

  it('is its row, and the events that its windows reach', async () => {
    const perShop = new Map<string, number>();
    for (const sale of events.filter(({ at }) => at >= newest - 7 * DAY)) perShop.set(`${sale.tenant}/${sale.shopId}`, (perShop.get(`${sale.tenant}/${sale.shopId}`) ?? 0) + 1);
    const reached = [...perShop.values()].reduce((a, b) => a + b, 0);
    const estimate = await estimateView(store, snapshot, shopSales);
    const { rowBytes, eventBytes } = sizeOf(shopSales, sales);
    expect(estimate.eventsPerEntity).toBeCloseTo(reached / entities, 9);
    expect(estimate).toMatchObject({ mostEventsPerEntity: Math.max(...perShop.values()), bytesPerEvent: eventBytes, bytesPerEntity: Math.round(rowBytes + (reached / entities) * eventBytes) });
    expect(await estimateView(store, snapshot, only(shopSales, 'amount', 'tags'))).toMatchObject({ eventsPerEntity: 0, bytesPerEvent: 0 });
  });

  it('is, of windows with a hop, a total for each hop in which it has events', async () => {
    const hopping: VersionedView = { ...shopSales, features: [1, 7].flatMap((days) => only(shopSales, `${days === 1 ? 'sales1d' : 'turnover7d'}`).features.map((each) => ({ ...each, aggregate: { ...each.aggregate, window: { ...each.aggregate.window!, hopMs: DAY } } }))) };
    const from = Math.floor((newest - 7 * DAY) / DAY);
    const hops = new Set(events.flatMap(({ tenant, shopId, at }) => (Math.floor(at / DAY) >= from ? [`${tenant}/${shopId}/${Math.floor(at / DAY)}`] : []))).size;
    const { rowBytes, hopBytes } = sizeOf(hopping, sales);
    // The hop's beginning, both counts and the sum.
    expect(hopBytes).toEqual([8 + 4 + 8 + 4]);
    const { bytesPerEntity, eventsPerEntity } = await estimateView(store, snapshot, hopping);
    expect([eventsPerEntity, Math.abs(bytesPerEntity - (rowBytes + (hops / entities) * 24)) <= 24]).toEqual([0, true]);
  });

  it('is, of a sketch of hops, a hash for each of few different values', async () => {
    const [turnover] = only(shopSales, 'turnover7d').features as [Feature];
    const buyers: Feature = { ...turnover, name: 'amounts', type: { kind: 'int32' }, aggregate: { ...turnover.aggregate, fn: 'approxCountDistinct', column: 'payment', where: null, window: { ...turnover.aggregate.window!, sizeMs: 365 * DAY, hopMs: 365 * DAY } } };
    const view = { ...shopSales, features: [buyers] };
    const pairs = new Set(events.flatMap(({ tenant, shopId, payment }) => (payment === null ? [] : [`${tenant}/${shopId}/${payment}`]))).size;
    const { rowBytes, hopBytes: [each] } = sizeOf(view, sales);
    const { bytesPerEntity } = await estimateView(store, snapshot, view);
    // Of one or two hops.
    expect(bytesPerEntity - rowBytes - 8 * (pairs / entities)).toBeGreaterThanOrEqual(each! - 1);
    expect(bytesPerEntity - rowBytes - 8 * (pairs / entities)).toBeLessThanOrEqual(2 * each! + 1);
  });

  it('is, of counts by value, 3 bytes for each value of each hop and each value once', async () => {
    const view = { ...shopSales, features: [payments({ hopMs: DAY })] };
    const inWindow = events.filter(({ at }) => at > newest - 8 * DAY);
    const [hops, pairs, values] = [(sale: Sale) => Math.floor(sale.at / DAY), (sale: Sale) => `${Math.floor(sale.at / DAY)} ${sale.payment}`, (sale: Sale) => sale.payment].map(
      (of) => new Set(inWindow.map((sale) => `${sale.tenant}/${sale.shopId}/${of(sale)}`)).size / entities,
    ) as [number, number, number];
    const { rowBytes, hopBytes } = sizeOf(view, sales);
    // The hop's beginning, where its pairs end, and how many events count.
    expect(hopBytes).toEqual([8 + 4 + 4]);
    const { bytesPerEntity } = await estimateView(store, snapshot, view);
    expect(Math.abs(bytesPerEntity - (rowBytes + 16 * hops + 3 * pairs + 2 * values))).toBeLessThanOrEqual(0.5);
  });

  it('could be totals of hops, with fewer values than events', async () => {
    const many: Source = { ...sales, name: 'many' };
    await append(store, many, randomSales(randomFrom(seed), 3_000, 1));
    const world: Snapshot = { ...snapshot, sources: [...snapshot.sources, many] };
    const adviseOf = async (feature: Feature) => (await estimateView(store, world, { ...shopSales, source: 'many', features: [feature] })).hop;
    const of = payments({ sizeMs: 700 * DAY });
    // In each hop of a day both, or one.
    const advice = await adviseOf(of);
    expect(advice).toMatchObject({ features: ['payments'], hopMs: DAY });
    expect(advice!.valueBytes).toBeLessThanOrEqual(4 + 2 * 3 * advice!.hops);
    expect(advice!.valueBytes).toBeGreaterThan(0);
    expect(await adviseOf({ ...of, type: { kind: 'array', of: { kind: 'string' } }, aggregate: { ...of.aggregate, fn: 'topK', column: 'saleId', n: 3 } })).toBeNull();
  });

  it('could be totals of hops, where it is very many events that nothing needs one by one', () => {
    const advise = (mostEvents: number, ...names: string[]) => adviseHop(representView(only(shopSales, ...names), sales), mostEvents);
    expect(advise(9_000, 'sales1d', 'turnover7d', 'lastPayment', 'amount')).toEqual({ features: ['turnover7d'], sizeMs: 7 * DAY, hopMs: DAY / 96, hops: 673, approximate: [], valueBytes: 0 });
    expect([advise(1_000, 'turnover7d'), advise(9_000, 'lastPayment', 'amount')]).toEqual([null, null]);
    const [turnover] = only(shopSales, 'turnover7d').features as [Feature];
    const percentile: Feature = { ...turnover, name: 'p', aggregate: { ...turnover.aggregate, fn: 'percentile', fraction: 0.5 } };
    expect(adviseHop(representView({ features: [turnover, percentile] }, sales), 9_000)).toMatchObject({ features: ['turnover7d', 'p'], approximate: ['p'] });
    const first: Feature = { ...turnover, name: 'f', aggregate: { ...turnover.aggregate, fn: 'first' } };
    expect(adviseHop(representView({ features: [turnover, first] }, sales), 9_000)).toBeNull();
  });

  it('has a size for values and one for events, by what the features need', () => {
    const sized = (...features: Feature[]) => sizeOf({ ...shopSales, features }, sales);
    const [count1d, , , , amount] = shopSales.features as [Feature, Feature, Feature, Feature, Feature];
    expect([sized(count1d).eventBytes, sized(amount).eventBytes]).toEqual([8, 0]);
    expect(sized(amount).rowBytes - sized(count1d).rowBytes).toBe(8);
    const kinds: Feature = { name: 'kinds', type: { kind: 'map', of: { kind: 'int32' } }, aggregate: { ...count1d.aggregate, fn: 'countBy', column: 'payment', window: { ...count1d.aggregate.window!, sizeMs: null } } };
    expect(sized(kinds).rowBytes).toBeGreaterThan(sized(amount).rowBytes + 100);
  });
});
