import type { Source, VersionedView } from '@granary/contracts';
import { OfflineStore, type EventRow } from '@granary/offline-store';
import { openOnlineStore, watermarkName, type OnlineStore, type OnlineStoreOptions } from '@granary/online-store';
import { startRedis, whyNoRedis, type TestRedis } from '@granary/online-store/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { materialise } from '../materialise/materialise.js';
import { DAY, START, naiveRows, randomFrom, reports, sales, shopReports, shopSales, snapshot, type Sale } from '../testing/shop.js';
import { OFFLINE, onlineRows, rounded, scratchFolder, type Target } from '../testing/stores.js';
import { createPublisher, type OnlinePublisher, type PublisherOptions } from './publisher.js';

const seed = Number(process.env['SEED']);
const NOW = START + 30 * DAY;

function rowOf(source: Source, { id, tenant, shopId, amount, payment, tags, at, reportedAt = at }: Sale): EventRow {
  const known = source.knownAt === null ? at : reportedAt;
  return { eventId: id, eventTime: at, knownAt: known, values: [id, tenant, `not ${tenant}`, shopId, amount, payment, tags, at, ...(source.knownAt === null ? [] : [reportedAt])] };
}

/** A store whose next writes of a kind fail, before or after they are done. */
function failing(store: OnlineStore): { readonly store: OnlineStore; fail(what: 'append' | 'write' | 'swapMeta', when: 'before' | 'after'): void } {
  let planned: { readonly what: string; readonly when: string } | null = null;
  const wrap = <A extends readonly unknown[], R>(what: string, run: (...args: A) => Promise<R>) => async (...args: A): Promise<R> => {
    const due = planned?.what === what ? planned.when : null;
    if (due !== null) planned = null;
    if (due === 'before') throw new Error(`planned, before ${what}`);
    const result = await run(...args);
    if (due === 'after') throw new Error(`planned, after ${what}`);
    return result;
  };
  return {
    store: { ...store, append: wrap('append', store.append), write: wrap('write', store.write), swapMeta: wrap('swapMeta', store.swapMeta) },
    fail: (what, when) => void (planned = { what, when }),
  };
}

for (const [kind, whyNot] of [['lmdb', null], ['redis', whyNoRedis()]] as const) {
  const suite = whyNot === null ? describe : describe.skip;
  suite(`published to ${kind} (seed ${seed})${whyNot === null ? '' : `: ${whyNot}`}`, () => {
    const random = randomFrom(seed);
    const below = (n: number): number => Math.floor(random() * n);
    const folder = scratchFolder();
    let target: Target;
    let redis: TestRedis | null = null;
    let offline: OfflineStore;
    let online: OnlineStore;
    let now = NOW;

    const publisher = (project: string, store = online, more: Partial<PublisherOptions> = {}): OnlinePublisher => createPublisher(offline, store, snapshot, { project, now: () => now, slackMs: 1_000, tailBytes: 300, ...more });

    beforeAll(async () => {
      target = await OFFLINE.embedded();
      redis = kind === 'redis' ? await startRedis(['--appendonly', 'yes', '--appendfsync', 'no']) : null;
      const options: OnlineStoreOptions = redis === null ? { kind: 'lmdb', path: folder.dir } : { kind: 'redis', url: redis.url };
      [offline, online] = [await OfflineStore.open(target.options), await openOnlineStore(options)];
      for (const source of [sales, reports]) await offline.ensureSource(source);
    });
    afterAll(async () => {
      await online?.close();
      await offline?.close();
      await redis?.stop();
      await target?.stop();
      folder.remove();
    });

    const told: Record<string, Sale[]> = { sales: [], reports: [] };
    let ids = 0;
    const sale = (): Sale => {
      const at = START + below(30) * DAY + below(48) * (DAY / 48);
      return { id: `s${ids++}`, tenant: `t${below(3)}`, shopId: BigInt(below(4)), amount: random() < 0.2 ? null : below(10_000) / 100, payment: random() < 0.5 ? 'cash' : 'card', tags: random() < 0.5 ? ['x'] : [], at };
    };
    /** A batch as it might come: new, late, told again, corrected, not yet known. */
    const batch = (source: Source): Sale[] => {
      const before = told[source.name]!;
      return Array.from({ length: 1 + below(25) }, (): Sale => {
        if (before.length === 0 || random() < 0.7) {
          const one = sale();
          return source.knownAt === null ? one : { ...one, reportedAt: one.at + below(3) * DAY };
        }
        const old = before[below(before.length)]!;
        return source.knownAt === null || random() < 0.4 ? old : { ...old, tenant: `t${below(3)}`, amount: below(100), reportedAt: (old.reportedAt ?? old.at) + 1 + below(3) * DAY };
      });
    };
    const store = async (source: Source, events: readonly Sale[]) => {
      const rows = events.map((event) => rowOf(source, event));
      const { rows: appended, lastSequence } = await offline.appendEvents(source, rows);
      events.forEach((event, i) => void (['new', 'version'].includes(appended[i]!.outcome) && told[source.name]!.push(event)));
      return { stored: rows.map((row, i) => ({ ...row, ...appended[i]! })), lastSequence };
    };
    const SHOPS = Array.from({ length: 3 }, (_, t) => Array.from({ length: 4 }, (__, shop) => `t${t}/${shop}`)).flat();
    const expectOnline = async (view: VersionedView, project: string): Promise<void> => {
      for (const at of [now, now + 1, now + below(9 * DAY)]) {
        expect(rounded(await onlineRows(online, view, project, SHOPS, at))).toEqual(rounded(naiveRows(told[view.source]!, at)));
      }
    };

    const storeTwenty = async () => {
      const { stored, lastSequence } = await store(sales, Array.from({ length: 20 }, sale));
      return [stored, lastSequence] as const;
    };

    it('is what all events come to, whoever brought them, in whatever order, and where it was stopped', async () => {
      for (const [source, view] of [[sales, shopSales], [reports, shopReports]] as const) {
        const broken = failing(online);
        let mine = [publisher('main', broken.store), publisher('main')];
        for (let step = 0; step < 20; step++) {
          const { stored, lastSequence } = await store(source, batch(source));
          const chance = random();
          if (chance < 0.15) continue; // stored, and the process ended
          if (chance < 0.3) await materialise(offline, online, snapshot, { at: now, now: () => now, project: 'main', views: [view.name], full: random() < 0.3 });
          else if (chance < 0.6) {
            broken.fail((['append', 'write', 'swapMeta'] as const)[below(3)]!, random() < 0.5 ? 'before' : 'after');
            await mine[0]!.published(source, stored, lastSequence).catch(() => undefined);
            if (random() < 0.5) mine = [publisher('main', broken.store), publisher('main')];
            await mine[1]!.published(source, stored, lastSequence);
            await expectOnline(view, 'main');
          } else await Promise.all(mine.slice(0, 1 + below(2)).map((each) => each.published(source, stored, lastSequence).catch(() => undefined)));
          now += below(DAY / 4);
        }
        await publisher('main').catchUp();
        await expectOnline(view, 'main');
        expect(await online.readMeta(watermarkName('main', view))).toMatchObject({ sequence: told[source.name]!.length });
      }
    });

    it('reads what it was never told of from the table, in batches, and nothing twice', async () => {
      const catching = publisher('second', online, { batchRows: 7 });
      await catching.catchUp();
      await store(sales, Array.from({ length: 40 }, sale));
      await store(reports, batch(reports));
      await catching.catchUp();
      await catching.catchUp();
      for (const view of [shopSales, shopReports]) await expectOnline(view, 'second');
    });

    it('begins anew when the online store has lost everything', async () => {
      const mine = publisher('third');
      await mine.catchUp();
      for (const view of [shopSales, shopReports]) await online.writeMeta(watermarkName('third', view), null);
      const { stored, lastSequence } = await store(sales, [sale()]);
      await mine.published(sales, stored, lastSequence);
      await expectOnline(shopSales, 'third');
    });

    if (kind === 'lmdb') return;

    /** The server is killed and back, with this share of its log, before the first call of this kind or after it. */
    const dying = (what: 'append' | 'write', when: 'before' | 'after', keep: number): OnlineStore => {
      let calls = 0;
      const die = async (due: boolean): Promise<void> => {
        if (!due) return;
        await redis!.kill();
        await redis!.restart({ keep });
        while (!(await online.ping().then(() => true, () => false))) await new Promise((resolve) => setTimeout(resolve, 10));
      };
      const wrap = <A extends readonly unknown[], R>(run: (...args: A) => Promise<R>) => async (...args: A): Promise<R> => {
        const first = calls++ === 0;
        await die(first && when === 'before');
        const result = await run(...args);
        await die(first && when === 'after');
        return result;
      };
      return what === 'append' ? { ...online, append: wrap(online.append) } : { ...online, write: wrap(online.write) };
    };

    it.each([0.99, 0.95, 0.8, 0])('goes back to where the store is, when it comes back with %d of its log in the midst of a batch', async (keep) => {
      const project = `back${keep * 100}`;
      await publisher(project).catchUp();
      for (let batches = 0; batches < 20; batches++) await publisher(project).published(sales, ...(await storeTwenty()));
      await publisher(project, dying('append', 'before', keep)).published(sales, ...(await storeTwenty()));
      await expectOnline(shopSales, project);
    });

    it('is not taken for complete by a materialisation in whose midst the store was gone', async () => {
      const run = { at: now, now: () => now, project: 'fourth', views: ['shop_sales'], chunkRows: 3 };
      await expect(materialise(offline, dying('write', 'after', 0), snapshot, run)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', todo: 'Materialise again.' });
      expect(await online.readMeta(watermarkName('fourth', shopSales))).toBeNull();
      await materialise(offline, online, snapshot, run);
      await expectOnline(shopSales, 'fourth');
    });
  });
}
