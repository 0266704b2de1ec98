import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isGranaryError, type FeatureValue } from '@granary/contracts';
import { appendServed, createIntake, createPublisher, featureHistory, follow, materialise, prove, readHistory, type EventSink, type OnlinePublisher } from '@granary/jobs';
import { OfflineStore } from '@granary/offline-store';
import { openOnlineStore, watermarkName, type OnlineStore, type ViewWatermark } from '@granary/online-store';
import { startRedis, whyNoRedis, type TestRedis } from '@granary/online-store/testing';
import { resolveSnapshot } from '@granary/registry';
import { avg, count, entity, featureService, featureView, latest, request, source, sum, t } from '@granary/sdk';
import { FeatureReader, ServingLog } from '@granary/serving';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { proveSeconds as seconds } from './environment.js';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const ACCOUNTS = 20;

const account = entity('account', { accountId: t.int64 });
const fields = { id: t.string, accountId: t.int64, amount: t.float64.nullable(), at: t.timestamp };
const payments = source('payments', { fields, eventId: 'id', eventTime: 'at' });
const reports = source('reports', { fields: { ...fields, toldAt: t.timestamp }, eventId: 'id', eventTime: 'at', knownAt: 'toldAt', corrected: true });
const paid = featureView('paid', {
  entity: account,
  source: payments,
  features: (e) => ({ payments: count().over('1s', '5s', '1h'), mean: avg(e.amount).over('5s', { includeRequest: true }), spent: sum(e.amount).over('5s', { delay: '1s', bounds: '(]' }), ever: count().over('all'), newest: latest(e.amount) }),
});
const told = featureView('told', { entity: account, source: reports, ttl: '2h', features: (e) => ({ reports: count().over('5s', '1h'), said: latest(e.amount) }) });
const page = featureService('page', [paid, told, request({ amount: t.float64 })]);
const snapshot = resolveSnapshot([account, payments, reports, paid, told, page].map(({ definition }) => definition as never));

type Payment = Readonly<Record<string, unknown>>;
const pay = (id: string, accountId: number, amount: number | null, at: number): Payment => ({ id, accountId, amount, at });
const ask = (accountId: number): Record<string, unknown> => ({ accountId, amount: 3 });

for (const [kind, whyNot] of [['lmdb', null], ['redis', whyNoRedis()]] as const) {
  const suite = whyNot === null ? describe : describe.skip;
  suite(`prove, after events and reads that ran beside each other, on ${kind}${whyNot === null ? '' : ` (skipped: ${whyNot})`}`, () => {
    let folder: string;
    let redis: TestRedis | null;
    let store: OfflineStore;
    let online: OnlineStore;
    let log: ServingLog;
    let publisher: OnlinePublisher;
    let intake: EventSink;
    let reader: FeatureReader;

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'granary-prove-stream-'));
      redis = kind === 'redis' ? await startRedis(['--appendonly', 'yes', '--appendfsync', 'everysec']) : null;
      store = await OfflineStore.open({ kind: 'embedded', path: join(folder, 'offline') });
      online = await openOnlineStore(redis === null ? { kind: 'lmdb', path: join(folder, 'online') } : { kind: 'redis', url: redis.url });
      log = new ServingLog({ sample: 1, capacity: 1_000_000, write: (rows) => appendServed(store, rows) });
      for (const each of snapshot.sources) await store.ensureSource(each);
      publisher = createPublisher(store, online, snapshot, { project: 'test', slackMs: 0, tailBytes: 500 });
      intake = createIntake({ store, snapshot, publisher });
      reader = new FeatureReader(snapshot, online, { project: 'test', log, history: featureHistory(store) });
      await publisher.catchUp();
    });
    afterEach(async () => {
      await intake.close();
      await online.close();
      await redis?.stop();
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    });

    /** Writes, reads and materialises until `running` says no more. What fails because the online store is away is done again. */
    async function mixed(running: () => boolean): Promise<{ readonly counts: Record<'events' | 'reads' | 'materialised' | 'failed', number>; readonly acknowledged: Record<string, Set<string>> }> {
      const counts = { events: 0, reads: 0, materialised: 0, failed: 0 };
      const acknowledged = { payments: new Set<string>(), reports: new Set<string>() };
      const unlessAway = async (action: () => Promise<void>): Promise<void> => {
        try {
          await action();
        } catch (error) {
          if (!isGranaryError(error, 'STORE_UNAVAILABLE') && !isGranaryError(error, 'NOT_MATERIALISED')) throw error;
          counts.failed++;
          await sleep(10);
        }
      };
      /** New, late, ahead of its time, told again, corrected. */
      const batchOf = (to: 'payments' | 'reports'): Payment[] =>
        Array.from({ length: 1 + randomInt(20) }, () => {
          const at = Date.now() - (randomInt(4) === 0 ? randomInt(2 * HOUR) : randomInt(3 * SECOND)) + randomInt(2) * randomInt(SECOND);
          const event = pay(`e${randomInt(10) === 0 ? randomInt(50) : counts.events++}`, randomInt(ACCOUNTS), randomInt(5) === 0 ? null : randomInt(10_000) / 100, at);
          return to === 'reports' ? { ...event, toldAt: at + randomInt(2 * SECOND) } : event;
        });
      const writing = async (to: 'payments' | 'reports'): Promise<void> => {
        let batch = batchOf(to);
        while (running()) {
          await unlessAway(async () => {
            await intake.accept(to, batch, { origin: 'test' });
            for (const { id } of batch) acknowledged[to].add(id as string);
            if (randomInt(5) > 0) batch = batchOf(to);
          });
        }
      };
      const reading = async (): Promise<void> => {
        while (running()) {
          await unlessAway(async () => void (counts.reads += (await reader.rows('page', Array.from({ length: 5 }, () => ask(randomInt(ACCOUNTS + 1))))).length));
          await sleep(20);
        }
      };
      const materialising = async (): Promise<void> => {
        while (running()) {
          await sleep(SECOND);
          await unlessAway(async () => {
            await materialise(store, online, snapshot, { at: Date.now(), project: 'test', full: randomInt(2) === 0 });
            counts.materialised++;
          });
        }
      };
      await Promise.all([writing('payments'), writing('reports'), reading(), materialising()]);
      return { counts, acknowledged };
    }

    async function expectProven(reads: number, counts: object): Promise<void> {
      await log.flush();
      const proof = await prove(store, () => Promise.resolve(snapshot));
      console.info(`prove: ${kind} ${JSON.stringify({ ...counts, rows: proof.rows, values: proof.values, mismatched: proof.mismatchedValues, missing: proof.missing, log: log.counts() })}`);
      expect(proof.mismatches.map(({ asked, asOf, feature, served, computed, suspects }) => ({ asked, asOf, feature, served, computed, suspects }))).toEqual([]);
      expect(proof).toMatchObject({ rows: reads, matched: reads, mismatched: 0, missing: 0 });
      expect(reads).toBeGreaterThan(0);
    }

    it(`finds every served value as the events come to that were online then (${seconds} s)`, async () => {
      const until = Date.now() + seconds * SECOND;
      const { counts } = await mixed(() => Date.now() < until);
      expect(counts.failed).toBe(0);
      await expectProven(counts.reads, counts);
    }, (seconds * 3 + 60) * SECOND);

    if (kind === 'lmdb') {
      it('reads what is before the instant of the online rows from the stored events', async () => {
        const T = Date.now() - HOUR;
        await intake.accept('payments', [pay('a', 1, 10, T - 2 * SECOND), pay('b', 1, 20, T - 8 * SECOND)], { origin: 'test' });
        await materialise(store, online, snapshot, { at: Date.now(), project: 'test', full: true });
        const past = T - SECOND;
        const withoutHistory = new FeatureReader(snapshot, online, { project: 'test' });
        await expect(withoutHistory.rows('page', [ask(1)], { at: past })).rejects.toMatchObject({ code: 'PAST_NOT_ONLINE' });
        const [row] = await reader.rows('page', [ask(1)], { at: past });
        // Of what is stored, and not of what is online.
        const [stored] = await readHistory(store, snapshot, 'page', [{ values: row!.keys, at: past }]);
        expect(row!.values).toEqual(stored);
        const present = (value: number): Partial<FeatureValue> => ({ value, state: 'present' });
        expect(row!.values).toMatchObject({ payments5s: present(1), payments1h: present(2), newest: present(10), said: { state: 'missing' } });
      });
      return;
    }

    it.each([
      ['with all that it had', 1],
      ['without the end of it', 0.6],
      ['with nothing', 0],
    ])('holds when Redis is killed again and again and comes back %s', async (_, keep) => {
      let on = true;
      const following = follow(publisher, { everyMs: 100, onTrouble: () => undefined });
      const load = mixed(() => on);
      for (let round = 0; round < 2; round++) {
        await sleep(300 + randomInt(300));
        await redis!.kill();
        await expect(reader.rows('page', [ask(1)])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
        await redis!.restart({ keep });
        // By itself: reads are answered again, and events acknowledged.
        for (let back = false; !back; await sleep(10)) back = await reader.rows('page', []).then(() => true, () => false);
      }
      await sleep(300);
      on = false;
      const { counts, acknowledged } = await load;
      await following.close();
      await publisher.catchUp();
      expect(counts.failed).toBeGreaterThan(0);
      for (const { name } of snapshot.sources) {
        const [row] = await store.rows({ sql: `SELECT count() AS events, max(__sequence) AS last, uniqExact(__sequence) AS sequences, groupUniqArray(id) AS ids FROM events_${name}`, params: {} });
        const ids = new Set(row!['ids'] as string[]);
        expect([...acknowledged[name]!].filter((id) => !ids.has(id))).toEqual([]);
        expect(row!['sequences']).toEqual(row!['events']);
        const watermark = (await online.readMeta(watermarkName('test', snapshot.views.find((view) => view.source === name)!))) as ViewWatermark;
        expect(watermark.sequence).toBe(Number(row!['last']));
      }
      const all = Array.from({ length: ACCOUNTS + 1 }, (_each, accountId) => ask(accountId));
      // One that knows how far the views are: what it serves is of all events, or else found.
      await new FeatureReader(snapshot, online, { project: 'test', log }).rows('page', all);
      await expectProven(counts.reads + all.length, counts);
    }, 60_000);
  });
}
