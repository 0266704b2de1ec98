import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finish, partsOf } from '@granary/aggregates';
import { backfillTable, identifier, type Value } from '@granary/contracts';
import * as bank from '@granary/feature-defs/payments/features';
import { payments } from '@granary/feature-defs/payments/simulator';
import { backfill, materialise } from '@granary/jobs';
import { OfflineStore } from '@granary/offline-store';
import { openOnlineStore, type OnlineStore } from '@granary/online-store';
import { resolveSnapshot } from '@granary/registry';
import { avg, featureService, featureView, last, latest, max, min, sum } from '@granary/sdk';
import { FeatureReader } from '@granary/serving';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const DAY = 86_400_000;
const seed = Number(process.env['SEED']);

const risk = featureView('risk', {
  entity: bank.terminal,
  source: bank.payments,
  ttl: '5d',
  features: (p) => ({
    mean: avg(p.amount).over('1d').default(-1),
    spent: sum(p.transactionId).over('2d'),
    least: min(p.amount).over('1d'),
    most: max(p.at).over('1d'),
    fraud: last(p.fraud).over('3d'),
    customer: latest(p.customerId),
  }),
});
const page = featureService('page', [risk]);
const snapshot = resolveSnapshot([bank.terminal, bank.payments, risk, page].map((each) => each.definition));

describe(`materialised rows (seed ${seed})`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'granary-rows-'));
  let offline: OfflineStore;
  let online: OnlineStore;

  beforeAll(async () => {
    offline = await OfflineStore.open({ kind: 'embedded', path: join(folder, 'db') });
    online = await openOnlineStore({ kind: 'lmdb', path: join(folder, 'online') });
    const source = snapshot.sources[0]!;
    await offline.ensureSource(source);
    const rows = [...payments({ seed, customers: 100, days: 20 })];
    await offline.appendEvents(
      source,
      rows.map((row) => ({
        eventId: String(row.transactionId),
        eventTime: row.at,
        knownAt: row.at,
        values: [BigInt(row.transactionId), BigInt(row.customerId), BigInt(row.terminalId), row.amount, row.fraud, row.at],
      })),
    );
  });
  afterAll(async () => {
    await online?.close();
    await offline?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('are read by the serving side as what finishing the backfilled parts gives, at one instant after another', async () => {
    const view = snapshot.views[0]!;
    const end = Date.UTC(2018, 3, 1) + 15 * DAY;
    for (const at of [end, end + DAY / 3, end + 2 * DAY]) {
      await backfill(offline, snapshot, { instants: [at] });
      const [result] = await materialise(offline, online, snapshot, { at, project: 'bank', chunkRows: 37, full: true });
      const stored = await offline.rows({ sql: `SELECT * FROM ${identifier(backfillTable(view))} WHERE toUnixTimestamp64Milli(__as_of) = {at:Int64}`, params: { at } });
      expect(stored.length).toBe(result!.rows);
      const reader = new FeatureReader(snapshot, online, { project: 'bank', now: () => at });
      const read = await reader.rows('page', stored.map((row) => ({ terminalId: row['terminalId'] })));
      stored.forEach((row, i) => {
        const eventTime = row['__event_time'] as number;
        const expected = view.features.map((feature) => {
          if (eventTime < at - 5 * DAY) return [feature.name, { value: null, state: 'expired', eventTime }];
          const value = finish(feature, partsOf(feature).map((part) => row[part.name] as Value | null), at);
          return [feature.name, { value, state: value === null ? 'null' : 'present', eventTime }];
        });
        expect(read[i]!.values).toEqual(Object.fromEntries(expected));
      });
      const states = new Set(read.flatMap(({ values }) => Object.values(values).map(({ state }) => state)));
      expect([...states].sort()).toEqual(['expired', 'null', 'present']);
      expect(await reader.freshness()).toEqual([{ view: 'risk', version: view.version, asOf: at, rows: stored.length }]);
    }
  });
});
