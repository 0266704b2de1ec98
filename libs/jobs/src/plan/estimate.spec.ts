import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Feature, Snapshot, Source, VersionedView } from '@granary/contracts';
import { OfflineStore } from '@granary/offline-store';
import { createRowCodec, viewRowSchema } from '@granary/online-store';
import { DAY, append, randomFrom, randomSales, sales, shopReports, shopSales, snapshot } from '../testing/shop.js';
import { scratchFolder } from '../testing/stores.js';
import { estimateView } from './estimate.js';
import { rowSize } from './row-size.js';

const seed = Math.floor(Math.random() * 2 ** 31);
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
    expect(await estimateView(store, snapshot, shopReports)).toEqual({ rows: null, rowsInWindows: null, entities: null, bytesPerEntity: rowSize(shopReports) });
  });

  it('counts the inputs of computed sources', async () => {
    const query: Source = { ...sales, name: 'query', computed: { kind: 'sql', sql: 'SELECT * FROM {{sales}}', inputs: ['sales'] } };
    const enriched: Source = { ...sales, name: 'enriched', computed: { kind: 'enriched', events: 'sales', views: [{ view: 'shop_sales', features: ['sales1d'] }] } };
    const world: Snapshot = { ...snapshot, sources: [...snapshot.sources, query, enriched] };
    expect(await estimateView(store, world, { ...only(shopSales, 'sales1d'), source: 'query' })).toMatchObject({ rows: 2_000, rowsInWindows: 2_000, entities: null });
    expect(await estimateView(store, world, { ...only(shopSales, 'sales1d'), source: 'enriched' })).toMatchObject({ rows: 2_000, rowsInWindows: 2_000, entities });
  });
});

describe('the size of a row', () => {
  it('is that of the codec', () => {
    const view = only(shopSales, 'sales1d', 'turnover7d', 'lastPayment');
    const row = { order: { eventTime: newest, knownAt: newest, sequence: 7 }, values: [newest, 3, 12.5, 'card'] };
    expect(rowSize(view)).toBe(createRowCodec(viewRowSchema(view)).encode(row).length);
  });

  it('counts the values of lists by their n, and knows every type of column', () => {
    const sized = (feature: Feature): number => rowSize({ ...shopSales, features: [feature] });
    const list = (n: number): Feature => ({ name: 'recent', type: { kind: 'array', of: { kind: 'float64' } }, aggregate: { ...shopSales.features[1]!.aggregate, fn: 'lastN', n } });
    expect(sized(list(50)) - sized(list(10))).toBe(40 * 8);
    const kinds: Feature = { name: 'kinds', type: { kind: 'map', of: { kind: 'int32' } }, aggregate: { ...shopSales.features[1]!.aggregate, fn: 'countBy', column: 'payment' } };
    expect(sized(kinds)).toBeGreaterThan(sized(shopSales.features[0]!));
  });

  it('grows with each feature', () => {
    const sizes = shopSales.features.map((_, i) => rowSize({ ...shopSales, features: shopSales.features.slice(0, i + 1) as Feature[] }));
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
    expect(new Set(sizes).size).toBe(sizes.length);
  });
});
