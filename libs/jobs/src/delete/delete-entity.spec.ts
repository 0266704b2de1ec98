import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { compileEvaluate, representView } from '@granary/aggregates';
import { named, type Entity, type EntityKey, type Instant, type Snapshot, type Source, type VersionedView } from '@granary/contracts';
import { OfflineStore, type EventRow } from '@granary/offline-store';
import { createStateCodec, openOnlineStore, rowKey, watermarkName, type OnlineStore } from '@granary/online-store';
import { startRedis, whyNoRedis, type TestRedis } from '@granary/online-store/testing';
import { backfill, lastBackfill } from '../backfill/backfill.js';
import { readHistory } from '../history/feature-history.js';
import { materialise } from '../materialise/materialise.js';
import { appendServed } from '../prove/served-table.js';
import { createPublisher } from '../publish/publisher.js';
import { DAY, START, naiveRows, randomFrom, randomSales, reports, sales, shopReports, shopSales, snapshot as shopSnapshot, type Sale } from '../testing/shop.js';
import { onlineRows, rounded, scratchFolder } from '../testing/stores.js';
import { deleteEntity, planErasure, type DeletedEntity } from './delete-entity.js';

const seed = Number(process.env['SEED']);
const NOW = START + 30 * DAY;

const tender: Entity = { kind: 'entity', name: 'tender', keys: [{ name: 'payment', type: { kind: 'enum', values: ['cash', 'card'] } }] };
/** What is paid how: of events of all shops. */
const tenders: VersionedView = { ...shopSales, name: 'tenders', entity: 'tender', keyFields: ['payment'], version: 'cccccccccccc' };
const daily: Source = {
  ...sales,
  name: 'daily',
  fields: [{ name: 'shop', type: { kind: 'int64' }, nullable: false }, { name: 'amount', type: { kind: 'float64' }, nullable: true }, { name: 'at', type: { kind: 'timestamp' }, nullable: false }],
  eventId: [],
  computed: { kind: 'sql', sql: 'SELECT shopId AS shop, amount, at FROM {{sales}}', inputs: ['sales'] },
};
const mart: Entity = { kind: 'entity', name: 'mart', keys: [{ name: 'shop', type: { kind: 'int64' } }] };
const marts: VersionedView = { ...shopSales, name: 'marts', entity: 'mart', source: 'daily', keyFields: ['shop'], features: shopSales.features.filter(({ aggregate }) => aggregate.column !== 'payment' && aggregate.column !== 'tags'), version: 'dddddddddddd' };
const former: Snapshot = { ...shopSnapshot, id: 'b'.repeat(64), views: [{ ...shopSales, version: 'aaaaaaaaaaaa' }] };
const snapshot: Snapshot = {
  ...shopSnapshot,
  entities: [...shopSnapshot.entities, tender, mart],
  sources: [sales, reports, daily],
  views: [shopSales, shopReports, tenders, marts],
  services: [...shopSnapshot.services, { kind: 'featureService', name: 'tender_page', views: [{ view: 'tenders', features: ['sales1d'] }], request: [] }],
};

function rowOf(source: Source, { id, tenant, shopId, amount, payment, tags, at, reportedAt = at }: Sale): EventRow {
  return { eventId: id, eventTime: at, knownAt: source.knownAt === null ? at : reportedAt, values: [id, tenant, `not ${tenant}`, shopId, amount, payment, tags, at, ...(source.knownAt === null ? [] : [reportedAt])] };
}

for (const [kind, whyNot] of [['lmdb', null], ['redis', whyNoRedis()]] as const) {
  const suite = whyNot === null ? describe : describe.skip;
  suite(`erased, online in ${kind} (seed ${seed})${whyNot === null ? '' : `: ${whyNot}`}`, () => {
    const random = randomFrom(seed);
    const folder = scratchFolder();
    let redis: TestRedis | null = null;
    let offline: OfflineStore;
    let online: OnlineStore;
    beforeAll(async () => {
      if (kind === 'redis') redis = await startRedis();
      online = await openOnlineStore(redis === null ? { kind: 'lmdb', path: join(folder.dir, 'online') } : { kind: 'redis', url: redis.url });
      offline = await OfflineStore.open({ kind: 'embedded', path: join(folder.dir, 'db') });
    });
    afterAll(async () => {
      await online.close();
      await offline.close();
      await redis?.stop();
      folder.remove();
    });

    let now = NOW;
    let told: Record<string, Sale[]> = { sales: [], reports: [] };
    const publisher = () => createPublisher(offline, online, snapshot, { project: 'main', now: () => now, tailBytes: 300, slackMs: 0 });
    const tell = async (source: Source, events: readonly Sale[]) => {
      await offline.ensureSource(source);
      const rows = events.map((event) => rowOf(source, event));
      const { rows: appended, lastSequence } = await offline.appendEvents(source, rows);
      told[source.name]!.push(...events);
      const stored = rows.map((row, i) => ({ ...row, ...appended[i]! }));
      await publisher().published(source, stored, lastSequence);
      return { stored, lastSequence };
    };
    const erase = (key: Readonly<Record<string, unknown>>, more: { signal?: AbortSignal; online?: OnlineStore } = {}): Promise<DeletedEntity> =>
      deleteEntity(offline, more.online ?? online, [snapshot, former], { project: 'main', entity: 'shop', key, now: () => (now += 1_000), signal: more.signal });
    const untell = (tenant: string, shopId: bigint): void => {
      const of = (sale: Sale): boolean => sale.tenant === tenant && sale.shopId === shopId;
      told = Object.fromEntries(Object.entries(told).map(([name, events]) => [name, events.filter((sale) => !events.some((other) => other.id === sale.id && of(other)))]));
    };
    const valueOf = async (entity: Entity, view: VersionedView, project: string, key: EntityKey, at: Instant): Promise<unknown> => {
      const kept = representView(view, named(snapshot.sources, view.source));
      const [bytes] = await online.read([rowKey(project, entity, key, view.name, view.version)]);
      if (bytes == null) return null;
      const { eventTime, parts } = compileEvaluate(kept)(createStateCodec(kept, view.version).decode(bytes), at);
      return eventTime === null ? null : rounded(new Map([['', [eventTime, ...parts.flatMap((own) => [...own])] as never]]));
    };
    /** Online is what the remaining events come to: plainly for shops, as a whole materialise has it for the others. */
    let fresh = 0;
    const expectOnline = async (): Promise<void> => {
      const project = `fresh_${fresh++}`;
      const at = (now += 1_000);
      await materialise(offline, online, snapshot, { at, now: () => at, project });
      const shops = Array.from({ length: 9 }, (_, i) => `t${i % 3}1/${i}`);
      for (const view of [shopSales, shopReports]) expect(rounded(await onlineRows(online, view, 'main', shops, at))).toEqual(rounded(naiveRows(told[view.source]!, at)));
      for (const payment of ['cash', 'card']) expect(await valueOf(tender, tenders, 'main', [payment], at)).toEqual(await valueOf(tender, tenders, project, [payment], at));
      for (let shop = 0n; shop < 9n; shop++) expect(await valueOf(mart, marts, 'main', [shop], at)).toEqual(await valueOf(mart, marts, project, [shop], at));
    };
    const tablesOf = async (prefix: string): Promise<unknown> => offline.rows({ sql: 'SELECT name FROM system.tables WHERE startsWith(name, {prefix:String})', params: { prefix } });

    it('is gone from every place, and what its events were in besides is computed anew', async () => {
      const own = { tenant: 't01', shopId: 3n } as const;
      const events = randomSales(random, 200, 9);
      await materialise(offline, online, snapshot, { at: now, now: () => now, project: 'main' });
      await tell(reports, events.slice(0, 60));
      // Corrections that name another shop: with one version the others go.
      await tell(reports, events.slice(0, 30).map((sale, i) => ({ ...sale, reportedAt: sale.at + DAY, ...(i % 3 === 0 ? own : {}) })));
      const { stored, lastSequence } = await tell(sales, [...events, { ...events[0]!, ...own, id: 'the newest', at: now - 1 }]);
      await materialise(offline, online, snapshot, { at: now, now: () => now, project: 'main', views: ['marts'] });
      await backfill(offline, snapshot, { instants: [NOW] });
      const letter = (file: string, text: string) => ({ file, line: 0, text, reason: 'amount: not float64' });
      const json = (tenant: string, shopId: string): string => JSON.stringify({ owner: tenant, shopId, amount: 'much' });
      await offline.quarantine(sales, [letter('a', json('t01', '3')), letter('b', json('t01', '33')), letter('c', 's9,t01,x,3,much'), letter('d', 's9,t01,x,13,3.5')]);
      const read = (service: string, asked: object) => ({ servedAt: Date.now(), service, snapshot: snapshot.id, asOf: now, asked, values: {}, horizons: {} }) as never;
      await appendServed(offline, [read('shop_page', { tenant: 't01', shopId: 3n }), read('shop_page', { tenant: 't11', shopId: 3n }), read('tender_page', { payment: 'card' })]);
      const oldRow = rowKey('main', snapshot.entities[0]!, ['t01', 3n], 'shop_sales', 'aaaaaaaaaaaa');
      await online.write([{ key: oldRow, value: createStateCodec(representView(shopSales, sales), 'aaaaaaaaaaaa').emptyBase() }]);

      const count = (name: string): number => new Set(told[name]!.filter(({ tenant, shopId }) => tenant === 't01' && shopId === 3n).map(({ id }) => id)).size;
      const [ofSales, all] = [count('sales'), told['reports']!];
      untell('t01', 3n);
      const ofReports = all.length - told['reports']!.length;
      const before = await planErasure(offline, [snapshot, former], { entity: 'shop', key: { tenant: 't01', shopId: '3' } });
      expect(before).toEqual({ entity: 'shop', key: { tenant: 't01', shopId: 3n }, events: { sales: ofSales, reports: ofReports }, views: ['shop_sales', 'shop_reports', 'tenders', 'marts'] });
      expect(await erase({ tenant: 't01', shopId: '3' })).toEqual({
        entity: 'shop', key: { tenant: 't01', shopId: 3n }, events: { sales: ofSales, reports: ofReports }, deadLetters: 2, served: 2,
        backfills: expect.arrayContaining(['shop_sales', 'shop_reports', 'tenders', 'marts']), recomputed: expect.any(Number), left: [],
      });
      expect(await online.read([oldRow])).toEqual([null]);
      expect((await offline.listQuarantine(sales)).map(({ file }) => file)).toEqual(['b', 'd']);
      expect(await lastBackfill(offline, snapshot, shopSales, NOW)).toBeNull();
      expect(await tablesOf('erasing_')).toEqual([]);
      await expectOnline();
      const [asked] = await readHistory(offline, snapshot, 'shop_page', [{ values: { tenant: 't01', shopId: 3n }, at: NOW }]);
      expect(asked!['amount']).toMatchObject({ state: 'missing' });

      // A publisher that had read its events before, and comes only now.
      await online.writeMeta(watermarkName('main', shopSales), { sequence: 0, asOf: START, rows: 0 });
      await publisher().published(sales, stored, lastSequence);
      await expectOnline();
      // What comes later is in the next read, and nothing before it is.
      await tell(sales, [{ ...events[0]!, ...own, id: 'afresh', at: now - 1 }]);
      await tell(reports, [{ ...events[0]!, ...own, id: 'afresh', at: now - 1 }]);
      await materialise(offline, online, snapshot, { at: now, now: () => now, project: 'main', views: ['marts'] });
      await expectOnline();
    });

    it('is finished by running it again, wherever it was stopped', async () => {
      for (const [failure, shopId] of [['delete', 4n], ['write', 5n]] as const) {
        const key = { tenant: `t${shopId % 3n}1`, shopId };
        const broken = { ...online, [failure]: () => Promise.reject(new Error('the end')) } as OnlineStore;
        await expect(erase(key, { online: broken })).rejects.toThrow('the end');
        await expect(erase(key, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'CANCELLED' });
        untell(key.tenant, shopId);
        await erase(key);
        await expectOnline();
        expect(await tablesOf('erasing_')).toEqual([]);
      }
    });
  });
}

it.each([
  ['customer', { id: 1 }, 'DEFINITION_NOT_FOUND', 'There is no entity customer'],
  ['shop', { tenant: 't1' }, 'MISSING_KEY', 'shop needs its key shopId'],
  ['shop', { tenant: 't1', shopId: 'seven' }, 'INVALID_KEY', 'shopId of shop'],
  ['shop', { tenant: 't1', shopId: 7, shop: 7 }, 'INVALID_KEY', 'shop has no key shop'],
])('refuses %s %j', async (entity, key, code, message) => {
  const stores = [{}, {}] as unknown as [OfflineStore, OnlineStore];
  await expect(deleteEntity(...stores, [snapshot], { project: 'main', entity, key })).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
});
