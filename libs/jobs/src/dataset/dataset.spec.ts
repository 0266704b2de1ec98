import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FeatureService, Snapshot } from '@granary/contracts';
import { OfflineStore } from '@granary/offline-store';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { DAY, START, append, naiveRows, randomFrom, randomSales, reports, sales, shopSales, snapshot, type Sale } from '../testing/shop.js';
import { OFFLINE, scratchFolder, type Target } from '../testing/stores.js';
import { writeDataset } from './dataset.js';

const seed = Number(process.env['SEED']);

// The spine has the key under the entity's name: a view of sales by `owner` is asked about the shop of `tenant`.
const bySale: Snapshot = { ...snapshot, views: snapshot.views.map((view) => ({ ...view, keyFields: ['tenant', 'shopId'] })) };

async function readParquet(path: string): Promise<Record<string, unknown>[]> {
  const bytes = readFileSync(path);
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  return (await parquetReadObjects({ file, compressors })) as Record<string, unknown>[];
}

/** As a plain reader of the file sees it: instants as Date, texts as text. */
function plain(value: unknown): unknown {
  if (value instanceof Date) return value.getTime();
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (typeof value === 'number' && !Number.isInteger(value)) return Number(value.toPrecision(9));
  return Array.isArray(value) ? value.map(plain) : value;
}

for (const [name, start] of Object.entries(OFFLINE)) {
  describe(`a training set, ClickHouse ${name} (seed ${seed})`, () => {
    const events = randomSales(randomFrom(seed), 300, 12);
    const folder = scratchFolder();
    const path = join(folder.dir, 'set.parquet');
    const sets = join(folder.dir, 'sets');
    let target: Target;
    let store: OfflineStore;

    beforeAll(async () => {
      target = await start();
      store = await OfflineStore.open(target.options);
      await append(store, sales, events);
    });
    afterAll(async () => {
      await store?.close();
      await target?.stop();
      folder.remove();
    });

    const temporary = async (): Promise<unknown[]> => store.rows({ sql: "SELECT name FROM system.tables WHERE startsWith(name, 'granary_stage')", params: {} });

    it('has a row for each event of the spine, in order, with exactly the values of its own instant', async () => {
      const report = await writeDataset(store, bySale, 'shop_page', { spine: { kind: 'source', source: 'sales' }, path, folder: sets });
      const rows = await readParquet(path);
      expect(report).toMatchObject({ path, rows: events.length, bytes: readFileSync(path).length });
      expect(Object.keys(rows[0]!)).toEqual(report.columns);
      rows.forEach((row, i) => {
        const sale = events[i]!;
        // Only events of before: what shares its instant is inside `latest`, and outside of the windows.
        const own = naiveRows(events, sale.at).get(`${sale.tenant}/${sale.shopId}`)!;
        const [, sales1d, turnover7d, sum, count, lastPayment, amount, tags] = own;
        const mean1d = count === 0 ? null : sum! / count;
        const state = (value: unknown): string => (value === null ? 'null' : 'present');
        const got = Object.fromEntries(Object.entries(row).map(([column, value]) => [column, plain(value)]));
        expect(got).toEqual({
          saleId: sale.id,
          owner: sale.tenant,
          tenant: `not ${sale.tenant}`,
          shopId: sale.shopId,
          amount__spine: sale.amount,
          payment: sale.payment,
          tags__spine: sale.tags,
          at: sale.at,
          sales1d,
          sales1d__state: 'present',
          turnover7d: plain(turnover7d ?? 0),
          turnover7d__state: 'present',
          mean1d: plain(mean1d),
          mean1d__state: state(mean1d),
          lastPayment,
          lastPayment__state: state(lastPayment),
          amount,
          amount__state: state(amount),
          tags,
          tags__state: 'present',
        });
      });
      expect(await temporary()).toEqual([]);
    });

    it('takes the events of a range of time', async () => {
      const [from, to] = [events[100]!.at, events[200]!.at];
      const report = await writeDataset(store, bySale, 'shop_page', { spine: { kind: 'source', source: 'sales', from, to }, path, folder: sets });
      const rows = await readParquet(path);
      expect(rows.map((row) => row['saleId'])).toEqual(events.filter(({ at }) => at >= from && at < to).map(({ id }) => id));
      expect(report.rows).toBe(rows.length);
    });

    it('is a valid file without rows where the spine has none', async () => {
      const range = { from: START - 2 * DAY, to: START - DAY };
      expect(await writeDataset(store, bySale, 'shop_page', { spine: { kind: 'source', source: 'sales', ...range }, path, folder: sets })).toMatchObject({ rows: 0 });
      expect(await readParquet(path)).toEqual([]);
      expect(await writeDataset(store, snapshot, 'reported_page', { spine: { kind: 'source', source: 'reports' }, path, folder: sets })).toMatchObject({ rows: 0 });
      expect(await readParquet(path)).toEqual([]);
    });

    it('knows a corrected event by what was known at the instant asked about', async () => {
      const sale: Sale = { id: 'r1', tenant: 'a', shopId: 1n, amount: 1, payment: 'cash', tags: [], at: START, reportedAt: START };
      const moved: Sale = { ...sale, tenant: 'b', reportedAt: START + 3 };
      await append(store, reports, [sale, { ...sale, id: 'r2', at: START + 2, reportedAt: START + 2 }, moved, { ...sale, id: 'r3', at: START + 5, reportedAt: START + 5 }]);
      await writeDataset(store, bySale, 'reported_page', { spine: { kind: 'source', source: 'reports' }, path, folder: sets });
      const rows = await readParquet(path);
      expect(rows.map((row) => [row['saleId'], row['owner'], row['sales1d'], row['sales1d__state']])).toEqual([
        // At its own instant the shop that the correction names had no event that was known.
        ['r1', 'b', null, 'missing'],
        ['r2', 'a', 1, 'present'],
        // r1 was of another shop by then, as far as was known.
        ['r3', 'a', 1, 'present'],
      ]);
    });

    it('names what is not there or does not fit, writes nothing then, and leaves no table behind', async () => {
      const none = join(folder.dir, 'none.parquet');
      await expect(writeDataset(store, bySale, 'no_page', { spine: { kind: 'source', source: 'sales' }, path: none, folder: sets })).rejects.toMatchObject({ code: 'UNKNOWN_SERVICE' });
      await expect(writeDataset(store, bySale, 'shop_page', { spine: { kind: 'source', source: 'no_sales' }, path: none, folder: sets })).rejects.toMatchObject({ code: 'DEFINITION_NOT_FOUND' });
      const keyless: Snapshot = { ...bySale, sources: [...bySale.sources, { ...sales, name: 'visits', fields: sales.fields.filter((field) => field.name !== 'shopId') }] };
      const lacking = writeDataset(store, keyless, 'shop_page', { spine: { kind: 'source', source: 'visits' }, path: none, folder: sets });
      await expect(lacking).rejects.toMatchObject({ code: 'DEFINITION_INVALID', message: expect.stringContaining('shopId'), todo: expect.stringContaining('tenant, shopId') });
      const broken: FeatureService = { ...snapshot.services[0]!, views: [{ view: 'shop_sales', features: ['gone'] }] };
      const failing: Snapshot = { ...bySale, services: [broken], views: [{ ...shopSales, features: [{ ...shopSales.features[0]!, name: 'gone', aggregate: { ...shopSales.features[1]!.aggregate, column: 'gone' } }] }] };
      await expect(writeDataset(store, failing, 'shop_page', { spine: { kind: 'source', source: 'sales' }, path: none, folder: sets })).rejects.toThrow('gone');
      const signal = AbortSignal.abort();
      await expect(writeDataset(store, bySale, 'shop_page', { spine: { kind: 'source', source: 'sales' }, path: none, folder: sets, signal })).rejects.toMatchObject({ code: 'CANCELLED' });
      expect(await temporary()).toEqual([]);
      expect(existsSync(none)).toBe(false);
    });
  });
}
