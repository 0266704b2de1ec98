import { SPINE, compileDataset, compileEventSpine } from '@granary/compiler';
import { named, type Derived, type FeatureService, type Snapshot } from '@granary/contracts';
import { OfflineStore, type Row } from '@granary/offline-store';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DAY, append, randomFrom, randomSales, reports, sales, shopSales, snapshot } from '../testing/shop.js';
import { scratchFolder } from '../testing/stores.js';
import { withChunkedDataset } from './in-chunks.js';
import { withSpine } from './spine-table.js';

const seed = Number(process.env['SEED']);
const [first] = shopSales.features;
const derived: Derived = {
  kind: 'derived',
  name: 'told',
  inputs: [{ kind: 'view', view: shopSales.name }],
  request: [],
  features: [{ name: 'known', type: { kind: 'bool' }, expression: { kind: 'call', fn: 'isNull', args: [{ kind: 'field', of: shopSales.name, name: first!.name }] } }],
};

describe(`a training set in chunks (seed ${seed})`, () => {
  const folder = scratchFolder();
  let store: OfflineStore;
  beforeAll(async () => {
    store = await OfflineStore.open({ kind: 'embedded', path: folder.dir });
    await append(store, sales, randomSales(randomFrom(seed), 300, 12));
    // Corrected, most of them under another shop: each version is in the chunks of both.
    const told = randomSales(randomFrom(seed + 1), 200, 12);
    await append(store, reports, [...told, ...randomSales(randomFrom(seed + 2), 100, 12).map((sale) => ({ ...sale, reportedAt: sale.at + DAY }))]);
  });
  afterAll(async () => {
    await store?.close();
    folder.remove();
  });

  it.each([2, 7])('has the rows of the whole, in their order: %p chunks', async (chunks) => {
    const page = named(snapshot.services, 'shop_page');
    const corrected = { view: 'shop_reports', alias: 'reported', keys: { tenant: 'tenant', shopId: 'shopId' }, features: snapshot.views[1]!.features.map(({ name }) => name) };
    const service: FeatureService = { ...page, views: [...page.views, corrected], derived: [{ derived: 'told', features: ['known'] }] };
    const world: Snapshot = { ...snapshot, views: snapshot.views.map((view) => ({ ...view, keyFields: ['tenant', 'shopId'] })), derived: [derived] };
    await withSpine(store, compileEventSpine(sales), async (table) => {
      const spine = { table, columns: ['saleId'], events: sales.name };
      const whole = await store.rows(compileDataset(world, service, { ...spine, columns: [...spine.columns, SPINE.row] }));
      const parts = await withChunkedDataset({ store, snapshot: world, service, spine, scope: {}, limits: {}, onChunk: () => undefined }, chunks, (select, options) => store.rows(select, options));
      expect(whole).toHaveLength(300);
      // In which order floats are added is left to ClickHouse.
      const twelveDigits = (row: Row): Row => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, typeof value === 'number' ? Number(value.toPrecision(12)) : value]));
      expect(parts.map(twelveDigits)).toEqual(whole.map(({ [SPINE.row]: _, ...row }) => twelveDigits(row)));
    });
    expect(await store.rows({ sql: "SELECT name FROM system.tables WHERE startsWith(name, 'granary_stage')", params: {} })).toEqual([]);
  });
});
