import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FeatureValue } from '@granary/contracts';
import { appendServed, createIntake, createPublisher, featureHistory, materialise, prove, readHistory, type EventSink } from '@granary/jobs';
import { OfflineStore } from '@granary/offline-store';
import { openOnlineStore, type OnlineStore } from '@granary/online-store';
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
  features: (e) => ({ payments: count().over('1s', '5s', '1h'), mean: avg(e.amount).over('5s', { includeRequest: true }), spent: sum(e.amount).over('5s', { delay: '1s', bounds: '(]' }), newest: latest(e.amount) }),
});
const told = featureView('told', { entity: account, source: reports, ttl: '2h', features: (e) => ({ reports: count().over('5s', '1h'), said: latest(e.amount) }) });
const page = featureService('page', [paid, told, request({ amount: t.float64 })]);
const snapshot = resolveSnapshot([account, payments, reports, paid, told, page].map(({ definition }) => definition as never));

let folder: string;
let store: OfflineStore;
let online: OnlineStore;
let log: ServingLog;
let intake: EventSink;
let reader: FeatureReader;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'granary-prove-stream-'));
  store = await OfflineStore.open({ kind: 'embedded', path: join(folder, 'offline') });
  online = await openOnlineStore({ kind: 'lmdb', path: join(folder, 'online') });
  log = new ServingLog({ sample: 1, capacity: 1_000_000, write: (rows) => appendServed(store, rows) });
  for (const each of snapshot.sources) await store.ensureSource(each);
  intake = createIntake({ store, snapshot, publisher: createPublisher(store, online, snapshot, { project: 'test', slackMs: 0, tailBytes: 500 }) });
  reader = new FeatureReader(snapshot, online, { project: 'test', log, history: featureHistory(store) });
});
afterEach(async () => {
  await intake.close();
  await online.close();
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const pay = (id: string, accountId: number, amount: number | null, at: number): unknown => ({ id, accountId, amount, at });
const ask = (accountId: number): Record<string, unknown> => ({ accountId, amount: 3 });

describe('prove, after events and reads that ran beside each other', () => {
  it(`finds every served value as the events come to that were online then (${seconds} s)`, async () => {
    const until = Date.now() + seconds * SECOND;
    const running = (): boolean => Date.now() < until;
    const counts = { events: 0, reads: 0, materialised: 0 };
    /** New, late, ahead of its time, told again, corrected. */
    const writing = async (to: 'payments' | 'reports'): Promise<void> => {
      const batch = (): unknown[] =>
        Array.from({ length: 1 + randomInt(20) }, () => {
          const at = Date.now() - (randomInt(4) === 0 ? randomInt(2 * HOUR) : randomInt(3 * SECOND)) + randomInt(2) * randomInt(SECOND);
          const event = pay(`e${randomInt(10) === 0 ? randomInt(50) : counts.events++}`, randomInt(ACCOUNTS), randomInt(5) === 0 ? null : randomInt(10_000) / 100, at) as Record<string, unknown>;
          return to === 'reports' ? { ...event, toldAt: at + randomInt(2 * SECOND) } : event;
        });
      for (let last = batch(); running(); last = randomInt(5) === 0 ? last : batch()) await intake.accept(to, last, { origin: 'test' });
    };
    const reading = async (): Promise<void> => {
      while (running()) {
        const rows = await reader.rows('page', Array.from({ length: 5 }, () => ask(randomInt(ACCOUNTS + 1))));
        counts.reads += rows.length;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const materialising = async (): Promise<void> => {
      while (running()) {
        await new Promise((resolve) => setTimeout(resolve, SECOND));
        await materialise(store, online, snapshot, { at: Date.now(), project: 'test', full: randomInt(2) === 0 });
        counts.materialised++;
      }
    };
    await Promise.all([writing('payments'), writing('reports'), reading(), materialising()]);
    await log.flush();
    const proof = await prove(store, () => Promise.resolve(snapshot));
    console.info(`prove: ${JSON.stringify({ ...counts, rows: proof.rows, values: proof.values, mismatched: proof.mismatchedValues, missing: proof.missing, log: log.counts() })}`);
    expect(proof.mismatches.map(({ asked, asOf, feature, served, computed, suspects }) => ({ asked, asOf, feature, served, computed, suspects }))).toEqual([]);
    expect(proof).toMatchObject({ rows: counts.reads, matched: counts.reads, mismatched: 0, missing: 0 });
    expect(counts.reads).toBeGreaterThan(0);
  }, (seconds * 3 + 60) * SECOND);

  it('reads what is before the instant of the online rows from the stored events', async () => {
    const T = Date.now() - HOUR;
    await intake.accept('payments', [pay('a', 1, 10, T - 2 * SECOND), pay('b', 1, 20, T - 8 * SECOND)], { origin: 'test' });
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
});
