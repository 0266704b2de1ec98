import { backfillTable } from '@granary/contracts';
import { OfflineStore } from '@granary/offline-store';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DAY, START, append, naiveRows, randomFrom, randomSales, reports, sales, shopReports, shopSales, snapshot, type Sale } from '../testing/shop.js';
import { OFFLINE, rounded, runChild, storedRows, type Target } from '../testing/stores.js';
import { backfill, lastBackfill } from './backfill.js';

const views = ['shop_sales'];
const seed = Number(process.env['SEED']);

for (const [name, start] of Object.entries(OFFLINE)) {
  describe(`backfill, ClickHouse ${name} (seed ${seed})`, () => {
    const random = randomFrom(seed);
    const early = randomSales(random, 400, 25);
    const late: Sale[] = randomSales(random, 60, 25).map((sale) => ({ ...sale, id: `late ${sale.id}` }));
    const instants = [START + 3 * DAY, START + 10 * DAY, START + 10 * DAY + 1, START + 40 * DAY];
    let target: Target;
    let store: OfflineStore;

    beforeAll(async () => {
      target = await start();
      store = await OfflineStore.open(target.options);
      await append(store, sales, early);
    });
    afterAll(async () => {
      await store?.close();
      await target?.stop();
    });

    it('computes every instant of a range, each as a naive fold over the events does, and only once', async () => {
      const first = await backfill(store, snapshot, { instants, views });
      expect(first.map(({ asOf, computed, sequence }) => ({ asOf, computed, sequence }))).toEqual(instants.map((asOf) => ({ asOf, computed: true, sequence: 400 })));
      for (const [i, at] of instants.entries()) {
        const stored = await storedRows(store, shopSales, at);
        expect(rounded(stored)).toEqual(rounded(naiveRows(early, at)));
        expect(first[i]!.rows).toBe(stored.size);
      }
      const second = await backfill(store, snapshot, { instants, views });
      expect(second).toEqual(first.map((run) => ({ ...run, recomputed: 0, computed: false })));
    });

    it('computes again, and only then, what late events have made old', async () => {
      await append(store, sales, late);
      const again = await backfill(store, snapshot, { instants: instants.slice(0, 2), views });
      expect(again.map(({ computed, sequence }) => ({ computed, sequence }))).toEqual([{ computed: true, sequence: 460 }, { computed: true, sequence: 460 }]);
      for (const at of instants.slice(0, 2)) expect(rounded(await storedRows(store, shopSales, at))).toEqual(rounded(naiveRows([...early, ...late], at)));
      // The others are as they were until they are asked for.
      expect(rounded(await storedRows(store, shopSales, instants[3]!))).toEqual(rounded(naiveRows(early, instants[3]!)));
    });

    it('has no rows before the first event, before 1970 either, and none for a source without events', async () => {
      const before = await backfill(store, snapshot, { instants: [START - DAY, -5 * DAY], views });
      expect(before.map(({ rows, computed }) => ({ rows, computed }))).toEqual([{ rows: 0, computed: true }, { rows: 0, computed: true }]);
      expect(await storedRows(store, shopSales, START - DAY)).toEqual(new Map());
      expect(await backfill(store, snapshot, { instants: [START], views: ['shop_reports'] })).toMatchObject([{ rows: 0, sequence: 0 }]);
    });

    it('empties an instant whose only event was moved by a correction', async () => {
      const sale: Sale = { id: 'r', tenant: 'a', shopId: 1n, amount: 1, payment: 'cash', tags: [], at: START, reportedAt: START };
      await append(store, reports, [sale]);
      expect(await backfill(store, snapshot, { instants: [START + 1], views: ['shop_reports'] })).toMatchObject([{ rows: 1 }]);
      await append(store, reports, [{ ...sale, at: START + DAY, reportedAt: START + 1 }]);
      expect(await backfill(store, snapshot, { instants: [START + 1], views: ['shop_reports'] })).toMatchObject([{ rows: 0, computed: true }]);
      expect(await storedRows(store, shopReports, START + 1)).toEqual(new Map());
    });

    it('names a view that is not there, and stops when aborted; the next run does the rest', async () => {
      await expect(backfill(store, snapshot, { instants, views: ['no_view'] })).rejects.toMatchObject({ code: 'DEFINITION_NOT_FOUND', todo: expect.stringContaining('shop_sales') });
      const abort = new AbortController();
      const days = [0, 1, 2, 3].map((day) => START + 15 * DAY + day);
      const done: number[] = [];
      const onProgress = (progress: { readonly done: number }): void => void (done.push(progress.done), progress.done === 2 && abort.abort());
      await expect(backfill(store, snapshot, { instants: days, views, chunkRows: 100, signal: abort.signal, onProgress })).rejects.toMatchObject({ code: 'CANCELLED' });
      await expect(backfill(store, snapshot, { instants: days, views, signal: abort.signal })).rejects.toMatchObject({ code: 'CANCELLED' });
      expect(await lastBackfill(store, snapshot, shopSales, days[0]!)).toBeNull();
      done.length = 0;
      await backfill(store, snapshot, { instants: days, views, onProgress });
      expect(done[0]).toBeGreaterThanOrEqual(2);
      expect(await store.rows({ sql: "SELECT name FROM system.tables WHERE startsWith(name, 'granary_stage')", params: {} })).toEqual([]);
    });

    it('does not take rows for those of a run that was killed before it was noted', async () => {
      const at = START + 5 * DAY;
      await backfill(store, snapshot, { instants: [at], views });
      // What a kill before the note of the end leaves behind.
      await store.command({
        sql: `INSERT INTO granary_backfills SELECT * REPLACE('begun' AS state, sequence + 1 AS sequence) FROM granary_backfills AS note WHERE toUnixTimestamp64Milli(as_of) = {at:Int64} AND note.state = 'finished'`,
        params: { at },
      });
      expect(await lastBackfill(store, snapshot, shopSales, at)).toBeNull();
    });
  });
}

describe('a backfill that is killed', () => {
  it('has after the next run exactly the rows of an undisturbed one', async () => {
    const seed = Number(process.env['SEED']);
    console.info(`killed backfill: seed ${seed}`);
    const random = randomFrom(seed);
    const events = randomSales(random, 3_000, 500);
    const instants = Array.from({ length: 20 }, (_, i) => START + i * DAY);
    const target = await OFFLINE.embedded();
    try {
      const first = await OfflineStore.open(target.options);
      await append(first, sales, events);
      await first.close();
      for (let round = 0; round < 2; round++) {
        const child = runChild({ options: target.options, instants }, `
          const store = await OfflineStore.open(argument.options);
          await jobs.backfill(store, snapshot, { instants: argument.instants, views: ['shop_sales'], chunkRows: 700, onProgress: () => print('.') });`);
        await child.printed(2 + Math.floor(random() * 6));
        await new Promise((resolve) => setTimeout(resolve, random() * 30));
        child.process.kill('SIGKILL');
        expect(await child.ended).toBeNull();
      }
      const store = await OfflineStore.open(target.options);
      const done: number[] = [];
      const runs = await backfill(store, snapshot, { instants, views, onProgress: (progress) => void done.push(progress.done) });
      expect(done[0]).toBeGreaterThan(0);
      for (const [i, at] of instants.entries()) {
        const expected = naiveRows(events, at);
        expect(runs[i]!.rows).toBe(expected.size);
        expect(rounded(await storedRows(store, shopSales, at))).toEqual(rounded(expected));
      }
      const left = await store.rows({ sql: 'SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE {name:String}', params: { name: '%stag%' } });
      expect(left).toEqual([]);
      expect(await store.tableExists(backfillTable(shopSales))).toBe(true);
      await store.close();
    } finally {
      await target.stop();
    }
  });
});
