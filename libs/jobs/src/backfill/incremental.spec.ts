import { BACKFILL, backfillTable, identifier, type Instant, type Snapshot, type VersionedView } from '@granary/contracts';
import { OfflineStore } from '@granary/offline-store';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DAY, START, append, naiveRows, randomFrom, randomSales, reports, sales, shopReports, shopSales, snapshot, type Sale } from '../testing/shop.js';
import { OFFLINE, rounded, storedRows, storedSeries, type Target } from '../testing/stores.js';
import { backfill, type BackfillOptions, type BackfillResult } from './backfill.js';

const seed = Number(process.env['SEED']);
const SERIES = Array.from({ length: 25 }, (_, i) => START + i * DAY);

describe(`incremental backfill (seed ${seed})`, () => {
  const random = randomFrom(seed);
  let target: Target;
  let store: OfflineStore;
  let events: Sale[];

  beforeEach(async () => {
    target = await OFFLINE.embedded();
    store = await OfflineStore.open(target.options);
    events = [];
  });
  afterEach(async () => {
    await store.close();
    await target.stop();
  });

  const arrive = async (more: readonly Sale[], source = sales): Promise<void> => {
    await append(store, source, more);
    events.push(...more);
  };
  const run = (view: VersionedView, more: Partial<BackfillOptions> = {}, of: Snapshot = snapshot): Promise<BackfillResult[]> => backfill(store, of, { instants: SERIES, views: [view.name], ...more });
  const expectRows = async (view: VersionedView, told: readonly Sale[] = events, instants: readonly Instant[] = SERIES): Promise<void> => {
    const stored = await storedSeries(store, view, instants);
    instants.forEach((at, i) => expect([at, rounded(stored[i]!)]).toEqual([at, rounded(naiveRows(told, at))]));
  };
  const total = (results: readonly BackfillResult[]): number => results.reduce((sum, { recomputed }) => sum + recomputed, 0);

  it('computes again exactly the entities and instants whose values late events change', async () => {
    await arrive(randomSales(random, 600, 40));
    const first = await run(shopSales);
    expect(total(first)).toBe(first.reduce((sum, { rows }) => sum + rows, 0));
    expect(total(await run(shopSales))).toBe(0);
    for (let round = 0; round < 3; round++) {
      const before = SERIES.map((at) => naiveRows(events, at));
      await arrive(randomSales(random, 4, 45).map((sale) => ({ ...sale, id: `late ${round} ${sale.id}` })));
      const results = await run(shopSales);
      await expectRows(shopSales);
      results.forEach(({ rows, recomputed, computed }, i) => {
        const after = naiveRows(events, SERIES[i]!);
        const changed = [...after].filter(([shop, row]) => JSON.stringify(row) !== JSON.stringify(before[i]!.get(shop))).length;
        expect(rows).toBe(after.size);
        expect(recomputed).toBeGreaterThanOrEqual(changed);
        // A sale reaches the rows of its own shop only.
        expect(recomputed).toBeLessThanOrEqual(4);
        expect(computed).toBe(recomputed > 0);
      });
    }
  });

  it('leaves alone what an event out of reach of every window does not change, and finds where it is the first or the newest', async () => {
    const sale = (id: string, day: number, amount = 1): Sale => ({ id, tenant: 't', shopId: 1n, amount, payment: 'cash', tags: [], at: START + day * DAY });
    await arrive([sale('a', 5), sale('b', 20), ...randomSales(random, 300, 9)]);
    await run(shopSales);
    await arrive([sale('c', 1)]);
    // Instants 1 to 4: its first row; 5 to 8: in reach of seven days; from then on the sale of day 5 is newer and hides it.
    const results = await run(shopSales);
    expect(results.map(({ recomputed }, day) => (recomputed === 0 ? [] : [[day, recomputed]])).flat()).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((day) => [day, 1]));
    await expectRows(shopSales);
    await arrive([sale('d', 6)]);
    // In reach up to day 13, the newest up to day 19.
    expect(total(await run(shopSales))).toBe(14);
    await expectRows(shopSales);
  });

  it('follows corrections that move events to other entities and times, known late or out of order', async () => {
    const report = (sale: Sale, round: number): Sale => ({ ...sale, reportedAt: sale.at + Math.floor(random() * 6) * DAY + round });
    await arrive(randomSales(random, 300, 12).map((sale) => report(sale, 0)), reports);
    await run(shopReports);
    for (let round = 1; round <= 4; round++) {
      const other = randomSales(random, 300, 14);
      const corrected = randomSales(random, 6, 14).map((_, i) => ({ ...report(other[Math.floor(random() * 300)]!, round * 10 + i), id: `s${Math.floor(random() * 300)}` }));
      await arrive(corrected, reports);
      const results = await run(shopReports, { chunkRows: round === 4 ? 5 : undefined });
      await expectRows(shopReports);
      results.forEach(({ rows }, i) => expect(rows).toBe(naiveRows(events, SERIES[i]!).size));
    }
    expect(total(await run(shopReports))).toBe(0);
  });

  it('in chunks gives the rows that it gives without', async () => {
    await arrive(randomSales(random, 500, 60));
    const other = { ...shopSales, version: 'c0c0c0c0c0c0' };
    const seen: number[] = [];
    const onProgress = ({ total: chunks }: { readonly total: number | null }): void => void seen.push(chunks!);
    await run(shopSales);
    const chunked = await run(other, { chunkRows: 90, onProgress }, { ...snapshot, views: [other] });
    expect(Math.max(...seen)).toBeGreaterThan(10);
    expect((await storedSeries(store, other, SERIES)).map(rounded)).toEqual((await storedSeries(store, shopSales, SERIES)).map(rounded));
    expect(chunked.map(({ rows }) => rows)).toEqual(SERIES.map((at) => naiveRows(events, at).size));
  });

  it('stopped in chunks goes on with those that are left as of its own horizon, then with what has come since', async () => {
    await arrive(randomSales(random, 500, 60));
    const instants = SERIES.slice(-2);
    const abort = new AbortController();
    const stopped = run(shopSales, { instants, chunkRows: 60, concurrency: 1, signal: abort.signal, onProgress: ({ done }) => void (done === 4 && abort.abort()) });
    await expect(stopped).rejects.toMatchObject({ code: 'CANCELLED' });
    await arrive([{ id: 'since', tenant: 't11', shopId: 1n, amount: 5, payment: 'card', tags: ['since'], at: SERIES.at(-1)! - 1 }]);
    const marked = `UPDATE ${identifier(BACKFILL.eventTime)} = ${identifier(BACKFILL.eventTime)} + INTERVAL 1 SECOND WHERE 1 SETTINGS mutations_sync = 1`;
    // Whatever was written is marked: what goes on does not write it again.
    await store.command({ sql: `ALTER TABLE ${identifier(backfillTable(shopSales))} ${marked}`, params: {} });
    await run(shopSales, { instants });
    const moved = async (at: Instant): Promise<number> => {
      const [stored, expected] = [await storedRows(store, shopSales, at), naiveRows(events, at)];
      expect([...stored.keys()].sort()).toEqual([...expected.keys()].sort());
      return [...stored].filter(([shop, [eventTime]]) => eventTime !== expected.get(shop)![0]).length;
    };
    expect(await moved(instants[0]!)).toBeGreaterThan(0);
    expect(await moved(instants[0]!)).toBeLessThan(60);
  });

  it('reads only what had arrived when it began, while more comes, and two runs at once leave what one after the other does', async () => {
    await arrive(randomSales(random, 800, 50));
    const more = randomSales(random, 40, 60).map((sale) => ({ ...sale, id: `more ${sale.id}` }));
    let appended: Promise<void> | undefined;
    const results = await run(shopSales, { chunkRows: 300, onProgress: ({ done }) => void (done === 3 && (appended ??= append(store, sales, more))) });
    await appended!;
    expect(new Set(results.map(({ sequence }) => sequence))).toEqual(new Set([800]));
    await expectRows(shopSales);
    events.push(...more);
    const [one] = await Promise.all([run(shopSales, { chunkRows: 20 }), arrive(randomSales(random, 30, 60).map((sale) => ({ ...sale, id: `two ${sale.id}` }))).then(() => run(shopSales))]);
    expect(one.every(({ sequence }) => sequence >= 840)).toBe(true);
    await run(shopSales);
    await expectRows(shopSales);
  });

  it('computes again, with a table of its own, what a former release had stored in another layout', async () => {
    await arrive(randomSales(random, 50, 5));
    await store.command({ sql: `CREATE TABLE ${identifier(backfillTable(shopSales))} (tenant String, x Int8) ENGINE = MergeTree ORDER BY tenant`, params: {} });
    expect((await run(shopSales)).every(({ computed }) => computed)).toBe(true);
    await expectRows(shopSales);
    await store.dropTable(backfillTable(shopSales));
    expect((await run(shopSales)).every(({ computed }) => computed)).toBe(true);
    await expectRows(shopSales);
  });
});
