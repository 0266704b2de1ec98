import { randomInt } from 'node:crypto';
import { rmSync } from 'node:fs';
import { OfflineStore } from '@granary/offline-store';
import { openOnlineStore, watermarkName, type OnlineStore, type OnlineStoreOptions } from '@granary/online-store';
import { startRedis, whyNoRedis, type TestRedis } from '@granary/online-store/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { backfill } from '../backfill/backfill.js';
import { DAY, START, append, naiveRows, randomFrom, randomSales, reports, sales, shopReports, shopSales, snapshot, type Sale } from '../testing/shop.js';
import { OFFLINE, onlineRows, rounded, runChild, scratchFolder, type Target } from '../testing/stores.js';
import { materialise, type MaterialiseOptions, type MaterialiseResult } from './materialise.js';

const seed = randomInt(2 ** 31);
const T1 = START + 12 * DAY;
const T2 = T1 + DAY / 2;
const T3 = T2 + DAY;

/** How many shops differ between two sets of rows: changed or new. */
function changes(from: ReturnType<typeof naiveRows>, to: ReturnType<typeof naiveRows>): number {
  const [before, after] = [rounded(from), rounded(to)] as [Record<string, unknown>, Record<string, unknown>];
  return Object.keys(after).filter((shop) => JSON.stringify(after[shop]) !== JSON.stringify(before[shop])).length;
}

for (const [offlineName, kind, whyNot] of [
  ['embedded', 'lmdb', null],
  ['by URL', 'redis', whyNoRedis()],
] as const) {
  const suite = whyNot === null ? describe : describe.skip;
  suite(`materialise, ClickHouse ${offlineName} to ${kind} (seed ${seed})${whyNot === null ? '' : `: ${whyNot}`}`, () => {
    const random = randomFrom(seed);
    const events: Sale[] = randomSales(random, 900, 60);
    const folder = scratchFolder();
    let target: Target;
    let redis: TestRedis | null = null;
    let offline: OfflineStore;
    let online: OnlineStore;

    const options = (): OnlineStoreOptions => (redis === null ? { kind: 'lmdb', path: folder.dir } : { kind: 'redis', url: redis.url });
    const run = async (at: number, more: Partial<MaterialiseOptions> = {}, views = ['shop_sales']): Promise<MaterialiseResult> =>
      (await materialise(offline, online, snapshot, { at, project: 'main', chunkRows: 7, views, ...more }))[0]!;
    const all = (): Iterable<string> => [...naiveRows(events, START + 900 * DAY).keys(), 't11/999', 'new1/1', 'new2/1'];
    const expectOnline = async (at: number, project = 'main'): Promise<void> => expect(rounded(await onlineRows(online, shopSales, project, all()))).toEqual(rounded(naiveRows(events, at)));

    beforeAll(async () => {
      target = await OFFLINE[offlineName]();
      redis = kind === 'redis' ? await startRedis() : null;
      [offline, online] = [await OfflineStore.open(target.options), await openOnlineStore(options())];
      await append(offline, sales, events);
    });
    afterAll(async () => {
      await online?.close();
      await offline?.close();
      await redis?.stop();
      await target?.stop();
      folder.remove();
    });

    it('puts every row online the first time, and nothing the second', async () => {
      const rows = naiveRows(events, T1).size;
      expect(await run(T1)).toEqual({ view: 'shop_sales', version: shopSales.version, asOf: T1, rows, written: rows, deleted: 0, resumed: false });
      await expectOnline(T1);
      expect(await run(T1)).toMatchObject({ rows, written: 0, deleted: 0, resumed: false });
      expect(await online.readMeta(watermarkName('main', shopSales))).toEqual({ asOf: T1, sequence: 900, rows, unfinished: null });
    });

    it('writes at a later instant only what changed since, rows with nulls among it', async () => {
      const [before, after] = [naiveRows(events, T1), naiveRows(events, T2)];
      const expected = changes(before, after);
      expect(expected).toBeLessThan(after.size);
      expect([...after.values()].some((row) => row.includes(null))).toBe(true);
      expect(await run(T2)).toMatchObject({ rows: after.size, written: expected, deleted: 0 });
      await expectOnline(T2);
    });

    it('brings late events online at the same instant', async () => {
      const late = ['t11', 'new1'].map((tenant, i): Sale => ({ id: `late ${i}`, tenant, shopId: 1n, amount: 1e6, payment: 'card', tags: ['late'], at: T1 }));
      await append(offline, sales, late);
      events.push(...late);
      expect(await run(T2)).toMatchObject({ rows: naiveRows(events, T2).size, deleted: 0 });
      await expectOnline(T2);
    });

    it('refuses an older instant, and leaves the newer values', async () => {
      await expect(run(T1)).rejects.toMatchObject({ code: 'INVALID_USAGE' });
      await expectOnline(T2);
    });

    it('keeps projects of one store apart', async () => {
      expect(await run(T1, { project: 'other' })).toMatchObject({ written: naiveRows(events, T1).size });
      await expectOnline(T1, 'other');
      await expectOnline(T2);
    });

    it('ends when aborted, resumes with the next run, and never goes back before what it had begun', async () => {
      const abort = new AbortController();
      const onProgress = ({ done }: { readonly done: number }): void => void (done > 20 && abort.abort());
      await expect(run(T3, { signal: abort.signal, onProgress })).rejects.toMatchObject({ code: 'CANCELLED' });
      await expect(run(T3 - 1)).rejects.toMatchObject({ code: 'INVALID_USAGE' });
      expect(await run(T3)).toMatchObject({ resumed: true });
      await expectOnline(T3);
    });

    it('does not trust the half of an interrupted instant when it goes on with another', async () => {
      const at = T3 + 40 * DAY;
      const sale = (shop: string, i: number): Sale => ({ id: `now ${i}`, tenant: shop.split('/')[0]!, shopId: BigInt(shop.split('/')[1]!), amount: 3, payment: 'cash', tags: [], at });
      const more = [...naiveRows(events, T3).keys()].map(sale);
      events.push(...more);
      await append(offline, sales, more);
      await run(at);
      // A millisecond later these sales enter every window, and after a week the rows are again what they were.
      expect(changes(naiveRows(events, at), naiveRows(events, at + 8 * DAY))).toBe(0);
      const abort = new AbortController();
      const onProgress = ({ done }: { readonly done: number }): void => void (done > 30 && abort.abort());
      await expect(run(at + 1, { signal: abort.signal, onProgress })).rejects.toMatchObject({ code: 'CANCELLED' });
      expect(await run(at + 8 * DAY)).toMatchObject({ resumed: false, written: more.length });
      await expectOnline(at + 8 * DAY);
    });

    it('told to take up, finishes the instant that a stopped run was at, then goes on; not after more events have come', async () => {
      const stop = async (at: number): Promise<void> => {
        const abort = new AbortController();
        const onProgress = ({ done }: { readonly done: number }): void => void (done > 20 && abort.abort());
        await expect(run(at, { project: 'taken', signal: abort.signal, onProgress })).rejects.toMatchObject({ code: 'CANCELLED' });
      };
      const takeUp = (at: number): Promise<MaterialiseResult[]> => materialise(offline, online, snapshot, { at, project: 'taken', chunkRows: 7, views: ['shop_sales'], takeUp: true });
      await stop(T1);
      const changed = changes(naiveRows(events, T1), naiveRows(events, T2));
      expect(await takeUp(T2)).toMatchObject([{ asOf: T1, resumed: true }, { asOf: T2, resumed: false, written: changed }]);
      await expectOnline(T2, 'taken');
      expect(await takeUp(T2)).toMatchObject([{ asOf: T2, written: 0 }]);

      await stop(T3);
      const late: Sale = { id: 'after the stop', tenant: 't11', shopId: 1n, amount: 2, payment: 'cash', tags: [], at: T3 };
      await append(offline, sales, [late]);
      events.push(late);
      expect(await takeUp(T3 + DAY)).toMatchObject([{ asOf: T3 + DAY, resumed: false }]);
      await expectOnline(T3 + DAY, 'taken');
    });

    it('puts everything online again after the online store was lost', async () => {
      const at = T3 + 48 * DAY;
      await online.close();
      if (redis === null) rmSync(folder.dir, { recursive: true });
      else await redis.restart();
      online = await openOnlineStore(options());
      const rows = naiveRows(events, at).size;
      expect(await run(at)).toMatchObject({ rows, written: rows, resumed: false });
      await expectOnline(at);
    });

    it('takes offline an entity that a correction took the last event from, at a later instant and at the same', async () => {
      const sale = (id: string, tenant: string, reportedAt: number): Sale => ({ id, tenant, shopId: 1n, amount: 1, payment: 'cash', tags: [], at: START, reportedAt });
      const told: Sale[] = [sale('a', 'x', START), sale('b', 'y', START), sale('c', 'z', START)];
      const check = async (at: number, expected: Partial<MaterialiseResult>): Promise<void> => {
        await append(offline, reports, told);
        expect(await run(at, {}, ['shop_reports'])).toMatchObject(expected);
        const online1 = await onlineRows(online, shopReports, 'main', ['x/1', 'y/1', 'z/1', 'w/1']);
        expect(rounded(online1)).toEqual(rounded(naiveRows(told, at)));
      };
      await check(START + 10, { rows: 3, written: 3, deleted: 0 });
      told.push(sale('a', 'y', START + 15));
      await check(START + 20, { rows: 2, deleted: 1 });
      // Late: it was known by then, and comes only now.
      told.push(sale('c', 'w', START + 18));
      await check(START + 20, { rows: 2, deleted: 1 });
    });
  });
}

describe('materialise in processes of its own', () => {
  const body = `
    const offline = await OfflineStore.open(argument.offline);
    const online = await openOnlineStore(argument.online);
    const options = { at: argument.at, project: 'main', views: ['shop_sales'], chunkRows: argument.chunkRows, onProgress: () => print('.') };
    try {
      await jobs.materialise(offline, online, snapshot, options);
      print('done');
    } catch (error) {
      print(error.code ?? String(error));
    }
    await online.close();
    await offline.close();`;

  it('killed anywhere and run again, leaves what an undisturbed run does', async () => {
    const seed = randomInt(2 ** 31);
    console.info(`killed materialise: seed ${seed}`);
    const random = randomFrom(seed);
    const events = randomSales(random, 3_000, 700);
    const target = await OFFLINE.embedded();
    const [folder, other] = [scratchFolder(), scratchFolder()];
    try {
      let offline = await OfflineStore.open(target.options);
      await append(offline, sales, events);
      await backfill(offline, snapshot, { instants: [T1, T2], views: ['shop_sales'] });
      for (const at of [T1, T2]) {
        await offline.close();
        const child = runChild({ offline: target.options, online: { kind: 'lmdb', path: folder.dir }, at, chunkRows: 20 }, body);
        await child.printed(3 + Math.floor(random() * 25));
        await new Promise((resolve) => setTimeout(resolve, random() * 10));
        child.process.kill('SIGKILL');
        expect(await child.ended).toBeNull();

        offline = await OfflineStore.open(target.options);
        const [killed, undisturbed] = [await openOnlineStore({ kind: 'lmdb', path: folder.dir }), await openOnlineStore({ kind: 'lmdb', path: other.dir })];
        const options = { at, project: 'main', views: ['shop_sales'], chunkRows: 100 };
        expect(await materialise(offline, killed, snapshot, options)).toMatchObject([{ resumed: true }]);
        expect(await materialise(offline, undisturbed, snapshot, options)).toMatchObject([{ resumed: false }]);
        const shops = [...naiveRows(events, T3 + 99 * DAY).keys()];
        const rows = await onlineRows(killed, shopSales, 'main', shops);
        expect(rows).toEqual(await onlineRows(undisturbed, shopSales, 'main', shops));
        expect(rounded(rows)).toEqual(rounded(naiveRows(events, at)));
        expect(await killed.readMeta(watermarkName('main', shopSales))).toEqual(await undisturbed.readMeta(watermarkName('main', shopSales)));
        await killed.close();
        await undisturbed.close();
      }
      await offline.close();
    } finally {
      await target.stop();
      folder.remove();
      other.remove();
    }
  });

  it('two at once, of different instants: the later one stays, whoever comes first', async () => {
    const seed = randomInt(2 ** 31);
    console.info(`two at once: seed ${seed}`);
    const random = randomFrom(seed);
    const events = randomSales(random, 2_000, 300);
    const target = await OFFLINE['by URL']();
    const folder = scratchFolder();
    try {
      const offline = await OfflineStore.open(target.options);
      await append(offline, sales, events);
      const online = await openOnlineStore({ kind: 'lmdb', path: folder.dir });
      await materialise(offline, online, snapshot, { at: START + 11 * DAY, project: 'main', views: ['shop_sales'] });
      // Backfilled before, so that both are in the midst of writing at the same time.
      await backfill(offline, snapshot, { instants: [T1, T2], views: ['shop_sales'] });
      const children = [T1, T2].map((at) => runChild({ offline: target.options, online: { kind: 'lmdb', path: folder.dir }, at, chunkRows: 10 }, body));
      expect(await Promise.all(children.map(({ ended }) => ended))).toEqual([0, 0]);
      const answers = children.map(({ lines }) => lines.at(-1));
      expect(answers[1]).toBe('done');
      expect(['done', 'INVALID_USAGE']).toContain(answers[0]);
      const shops = [...naiveRows(events, T3 + 99 * DAY).keys()];
      expect(rounded(await onlineRows(online, shopSales, 'main', shops))).toEqual(rounded(naiveRows(events, T2)));
      expect(await online.readMeta(watermarkName('main', shopSales))).toMatchObject({ asOf: T2, unfinished: null });
      await materialise(offline, online, snapshot, { at: T3, project: 'main', views: ['shop_sales'] });
      expect(rounded(await onlineRows(online, shopSales, 'main', shops))).toEqual(rounded(naiveRows(events, T3)));
      await online.close();
      await offline.close();
    } finally {
      await target.stop();
      folder.remove();
    }
  });
});
