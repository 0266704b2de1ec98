import { rmSync } from 'node:fs';
import type { Progress } from '@granary/contracts';
import { OfflineStore } from '@granary/offline-store';
import { openOnlineStore, readUnfinished, unfinishedName, watermarkName, type OnlineStore, type OnlineStoreOptions } from '@granary/online-store';
import { startRedis, whyNoRedis, type TestRedis } from '@granary/online-store/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DAY, START, append, naiveRows, randomFrom, randomSales, reports, sales, shopReports, shopSales, snapshot, type Sale } from '../testing/shop.js';
import { OFFLINE, onlineRows, rounded, runChild, scratchFolder, type Target } from '../testing/stores.js';
import { materialise, type MaterialiseOptions, type MaterialiseResult } from './materialise.js';

const seed = Number(process.env['SEED']);
const T1 = START + 12 * DAY;
const T2 = T1 + DAY / 2;
const T3 = T2 + DAY;

/** How many different shops events are of. */
const shopsOf = (events: readonly Sale[]): number => new Set(events.map(({ tenant, shopId }) => `${tenant}/${shopId}`)).size;

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
    /** Windows slide by themselves: as of any instant from the one materialised on. */
    const expectOnline = async (from: number, project = 'main'): Promise<void> => {
      for (const at of [from, from + 1, from + Math.floor(random() * 30 * DAY)]) {
        expect(rounded(await onlineRows(online, shopSales, project, all(), at))).toEqual(rounded(naiveRows(events, at)));
      }
    };

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

    it('puts every entity online the first time, those to come among them, and nothing the second', async () => {
      const rows = naiveRows(events, T1).size;
      expect(await run(T1)).toEqual({ view: 'shop_sales', version: shopSales.version, asOf: T1, rows, written: shopsOf(events), deleted: 0, resumed: false, recovered: false });
      await expectOnline(T1);
      expect(await run(T1)).toMatchObject({ rows, written: 0, deleted: 0, resumed: false });
      expect(await run(T2)).toMatchObject({ rows, written: 0, asOf: T1 });
      expect(await online.readMeta(watermarkName('main', shopSales))).toEqual({ asOf: T1, sequence: 900, rows });
      expect(await online.readMeta(unfinishedName('main', shopSales))).toBeNull();
    });

    it('writes only the entities of new events, late ones among them', async () => {
      const late = ['t11', 'new1'].map((tenant, i): Sale => ({ id: `late ${i}`, tenant, shopId: 1n, amount: 1e6, payment: 'card', tags: ['late'], at: T1 - i }));
      await append(offline, sales, late);
      events.push(...late);
      expect(await run(T2)).toMatchObject({ rows: naiveRows(events, T2).size, written: 2, deleted: 0, asOf: T2 });
      await expectOnline(T2);
    });

    it('writes everything anew when told to', async () => {
      expect(await run(T2 + 1, { full: true })).toMatchObject({ written: shopsOf(events), asOf: T2 + 1 });
      await expectOnline(T2 + 1);
    });

    it('refuses an older instant, and leaves what is there', async () => {
      await expect(run(T1)).rejects.toMatchObject({ code: 'INVALID_USAGE' });
      await expectOnline(T2 + 1);
    });

    it('keeps projects of one store apart', async () => {
      expect(await run(T1, { project: 'other' })).toMatchObject({ written: shopsOf(events) });
      await expectOnline(T1, 'other');
      await expectOnline(T2 + 1);
    });

    it('ends when aborted, and the next run goes on from there, then takes in what came meanwhile', async () => {
      const abort = new AbortController();
      const onProgress = ({ done, total }: Progress): void => void (done > total! / 2 && abort.abort());
      await expect(run(T1, { project: 'third', signal: abort.signal, onProgress })).rejects.toMatchObject({ code: 'CANCELLED' });
      // What was being written when it was aborted may be there as well.
      const unfinished = (await readUnfinished(online, 'third', shopSales))!;
      expect(unfinished).toMatchObject({ asOf: T1, since: null });
      expect(unfinished.written).toBeGreaterThanOrEqual(1);
      expect(unfinished.written).toBeLessThan(shopsOf(events));
      const late: Sale = { id: 'after the stop', tenant: 't11', shopId: 1n, amount: 2, payment: 'cash', tags: [], at: T3 };
      await append(offline, sales, [late]);
      events.push(late);
      const { written, resumed } = await run(T3, { project: 'third' });
      expect(resumed).toBe(true);
      expect(written).toBeLessThan(shopsOf(events) + 1);
      await expectOnline(T3, 'third');
    });

    it('puts everything online again after the online store was lost', async () => {
      const at = T3;
      await online.close();
      if (redis === null) rmSync(folder.dir, { recursive: true });
      else await redis.restart();
      online = await openOnlineStore(options());
      expect(await run(at)).toMatchObject({ rows: naiveRows(events, at).size, written: shopsOf(events), resumed: false });
      await expectOnline(at);
    });

    it('takes offline an entity that a correction took the last event from, from when that is known', async () => {
      const sale = (id: string, tenant: string, reportedAt: number): Sale => ({ id, tenant, shopId: 1n, amount: 1, payment: 'cash', tags: [], at: START, reportedAt });
      const told: Sale[] = [sale('a', 'x', START), sale('b', 'y', START), sale('c', 'z', START)];
      const check = async (at: number, expected: Partial<MaterialiseResult>): Promise<void> => {
        await append(offline, reports, told);
        expect(await run(at, {}, ['shop_reports'])).toMatchObject(expected);
        for (const t of [at, at + 3, at + 100]) {
          expect(rounded(await onlineRows(online, shopReports, 'main', ['x/1', 'y/1', 'z/1', 'w/1'], t))).toEqual(rounded(naiveRows(told, t)));
        }
      };
      await check(START + 10, { rows: 3, written: 3, deleted: 0 });
      told.push(sale('a', 'y', START + 15));
      await check(START + 20, { rows: 2, written: 1, deleted: 1 });
      // Late: it was known by then, and comes only now.
      told.push(sale('c', 'w', START + 18));
      await check(START + 20, { rows: 2, deleted: 1 });
      // Not known yet: both shops are online, each for its time.
      told.push(sale('c', 'x', START + 22));
      await check(START + 20, { rows: 2, written: 2 });
    });
  });
}

describe('materialise in processes of its own', () => {
  const body = `
    const offline = await OfflineStore.open(argument.offline);
    const online = await openOnlineStore(argument.online);
    const options = { at: argument.at, project: 'main', views: ['shop_sales'], chunkRows: argument.chunkRows, full: argument.full, onProgress: () => print('.') };
    try {
      await jobs.materialise(offline, online, snapshot, options);
      print('done');
    } catch (error) {
      print(error.code ?? String(error));
    }
    await online.close();
    await offline.close();`;

  it('killed anywhere and run again, leaves what an undisturbed run does', async () => {
    const seed = Number(process.env['SEED']);
    console.info(`killed materialise: seed ${seed}`);
    const random = randomFrom(seed);
    const events = randomSales(random, 3_000, 700);
    const target = await OFFLINE.embedded();
    const [folder, other] = [scratchFolder(), scratchFolder()];
    try {
      let offline = await OfflineStore.open(target.options);
      await append(offline, sales, events);
      for (const at of [T1, T2]) {
        await offline.close();
        const child = runChild({ offline: target.options, online: { kind: 'lmdb', path: folder.dir }, at, chunkRows: 100, full: at === T2 }, body);
        await child.printed(1 + Math.floor(random() * 5));
        await new Promise((resolve) => setTimeout(resolve, random() * 10));
        child.process.kill('SIGKILL');
        expect(await child.ended).toBeNull();

        offline = await OfflineStore.open(target.options);
        const [killed, undisturbed] = [await openOnlineStore({ kind: 'lmdb', path: folder.dir }), await openOnlineStore({ kind: 'lmdb', path: other.dir })];
        const options = { at, project: 'main', views: ['shop_sales'], chunkRows: 100 };
        const again = { full: at === T2 };
        await materialise(offline, killed, snapshot, { ...options, ...again });
        expect(await materialise(offline, undisturbed, snapshot, { ...options, ...again })).toMatchObject([{ resumed: false }]);
        const shops = [...naiveRows(events, T3 + 99 * DAY).keys()];
        const rows = await onlineRows(killed, shopSales, 'main', shops, at);
        expect(rows).toEqual(await onlineRows(undisturbed, shopSales, 'main', shops, at));
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
    const seed = Number(process.env['SEED']);
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
      const more = randomSales(random, 500, 300).map((sale, i) => ({ ...sale, id: `more ${i}` }));
      await append(offline, sales, more);
      events.push(...more);
      const children = [T1, T2].map((at) => runChild({ offline: target.options, online: { kind: 'lmdb', path: folder.dir }, at, chunkRows: 50 }, body));
      expect(await Promise.all(children.map(({ ended }) => ended))).toEqual([0, 0]);
      const answers = children.map(({ lines }) => lines.at(-1));
      expect(answers[1]).toBe('done');
      expect(['done', 'INVALID_USAGE']).toContain(answers[0]);
      const shops = [...naiveRows(events, T3 + 99 * DAY).keys()];
      for (const at of [T2, T3]) expect(rounded(await onlineRows(online, shopSales, 'main', shops, at))).toEqual(rounded(naiveRows(events, at)));
      // Whoever came second may have found nothing left to do.
      expect([T1, T2]).toContain(((await online.readMeta(watermarkName('main', shopSales))) as { asOf: number }).asOf);
      await online.close();
      await offline.close();
    } finally {
      await target.stop();
      folder.remove();
    }
  });
});
