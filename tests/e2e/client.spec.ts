import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { named, type EntityKey } from '@granary/contracts';
import { createIntake, featureHistory, noPublisher } from '@granary/jobs';
import { OfflineStore } from '@granary/offline-store';
import { openOnlineStore, rowKey, type OnlineStore, type OnlineStoreOptions } from '@granary/online-store';
import { basesOf, noteOnline, startRedis, whyNoRedis, type GivenEvent, type TestRedis } from '@granary/online-store/testing';
import { resolveSnapshot } from '@granary/registry';
import { avg, connect, count, countBy, derived, entity, featureService, featureView, latest, request, source, sum, t, type Declaration } from '@granary/sdk';
import { FeatureReader } from '@granary/serving';
import { createServingApp, type ServingApp } from '@granary/serving-api';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 0, 31, 12);
const HUGE = 9_007_199_254_740_993n;

const account = entity('account', { tenant: t.string, accountId: t.int64 });
const payments = source('payments', {
  fields: { tenant: t.string, accountId: t.int64, amount: t.float64.nullable(), cents: t.int64, kind: t.enum('in', 'out', '__proto__').nullable(), seen: t.timestamp, seenAt: t.array(t.timestamp), at: t.timestamp },
  eventTime: 'at',
});
const profile = featureView('profile', {
  entity: account,
  source: payments,
  ttl: '30d',
  features: (p) => ({ payments: count().over('7d'), cents: sum(p.cents).over('7d'), mean: avg(p.amount).over('7d'), kind: latest(p.kind), seen: latest(p.seen), seenAt: latest(p.seenAt), kinds: countBy(p.kind).over('7d') }),
});
const spending = featureView('spending', { entity: account, source: payments, features: (p) => ({ spent: sum(p.amount).over('1d', { includeRequest: true }) }) });
const accountPage = featureService('account_page', [profile.pick('payments7d', 'cents7d', 'mean7d', 'kind', 'seen', 'seenAt'), spending, request({ amount: t.float64, at: t.timestamp })]);
const payer = profile.pick('cents7d', 'kinds7d').as('payer', { accountId: 'payerId' });
const fit = derived('fit', [payer, request({ amount: t.float64 })], (p, r) => ({ share: r.amount.div(p.cents7d.toFloat().nullIf(0)), twice: p.cents7d.mul(2n) }));
const transfer = featureService('transfer', [payer, profile.pick('payments7d').as('payee', { accountId: 'payeeId' }), fit]);
const notApplied = featureService('account_page_2', [profile]);

const snapshot = resolveSnapshot([...new Set([...collect(accountPage), ...collect(transfer)])].map((each) => each.definition));

function collect(declaration: Declaration): Set<Declaration> {
  return new Set([declaration, ...declaration.uses.flatMap((each) => [...collect(each)])]);
}

const drivers: readonly ['lmdb' | 'redis', string | null][] = [
  ['lmdb', null],
  ['redis', whyNoRedis()],
];

for (const [kind, whyNot] of drivers) {
  const suite = whyNot === null ? describe : describe.skip;
  suite(`the typed client, over HTTP, from ${kind}${whyNot === null ? '' : ` (${whyNot})`}`, () => {
    let folder: string;
    let redis: TestRedis | null = null;
    let store: OnlineStore;
    let offline: OfflineStore;
    let app: ServingApp;
    const client = () => connect({ url: app.url });
    const ask = (accountId: bigint, tenant = 'ü|1') => ({ tenant, accountId, amount: 10.25, at: NOW });

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'granary-client-'));
      redis = kind === 'redis' ? await startRedis() : null;
      const options: OnlineStoreOptions = redis === null ? { kind: 'lmdb', path: folder } : { kind: 'redis', url: redis.url };
      store = await openOnlineStore(options);
      await noteOnline(store, 'bank', snapshot.views, NOW);
      offline = await OfflineStore.open({ kind: 'embedded', path: join(folder, 'clickhouse') });
      app = await createServingApp({ reader: new FeatureReader(snapshot, store, { project: 'bank', now: () => NOW, history: featureHistory(offline) }), port: 0 });
      const kinds = [{ at: NOW - DAY - 2, amount: 0.25, cents: HUGE, kind: 'out' }, { at: NOW - DAY - 1, amount: 0.25, kind: '__proto__' }];
      await put('profile', ['ü|1', HUGE], [...kinds, { at: NOW - DAY, amount: 0.5, kind: 'out', seen: NOW - 1, seenAt: [0, NOW] }]);
      await put('profile', ['ü|1', 2n], [{ at: NOW - 31 * DAY, amount: 1 }]);
      await put('profile', ['ü|1', 3n], [{ at: NOW - 1, cents: 100n }]);
      await put('spending', ['ü|1', HUGE], [{ at: NOW - 1, amount: 100 }]);
    });
    afterAll(async () => {
      await app.close();
      await store.close();
      await offline.close();
      await redis?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    async function put(name: string, key: EntityKey, events: readonly GivenEvent[]): Promise<void> {
      const view = named(snapshot.views, name);
      await store.write([{ key: rowKey('bank', snapshot.entities[0]!, key, view.name, view.version), value: basesOf(view, snapshot.sources[0]!)(events, NOW) }]);
    }

    it('gives values in their TypeScript types, with states', async () => {
      const row = await client().features(accountPage).get(ask(HUGE));
      expect(row).toEqual({
        payments7d: 3,
        cents7d: HUGE,
        mean7d: 1 / 3,
        kind: 'out',
        seen: NOW - 1,
        seenAt: [0, NOW],
        spent1d: 110.25,
        $state: { payments7d: 'present', cents7d: 'present', mean7d: 'present', kind: 'present', seen: 'present', seenAt: 'present', spent1d: 'present' },
      });
    });

    it('gives aliased and derived features under their served names, and maps as records', async () => {
      const rows = await client().features(transfer).getMany([3n, HUGE, 4n].map((payerId) => ({ tenant: 'ü|1', payerId, payeeId: HUGE, amount: 25 })));
      expect(rows.map(({ payeePayments7d, payerCents7d, payerKinds7d, share, twice, $state }) => [payeePayments7d, payerCents7d, payerKinds7d, share, twice, $state.payerKinds7d])).toEqual([
        [3, 100n, null, 0.25, 200n, 'null'],
        [3, HUGE, Object.fromEntries([['out', 2], ['__proto__', 1]]), 25 / Number(HUGE), 2n * HUGE, 'present'],
        [3, null, null, null, null, 'missing'],
      ]);
    });

    it('reads many in the order asked, each in its own state', async () => {
      const rows = await client().features(accountPage).getMany([ask(2n), ask(3n), ask(4n), ask(HUGE), ask(HUGE, 'ü|19')]);
      expect(rows.map((row) => [row.payments7d, row.$state.payments7d, row.$state.mean7d, row.spent1d])).toEqual([
        [null, 'expired', 'expired', 10.25],
        [1, 'present', 'null', 10.25],
        [null, 'missing', 'missing', 10.25],
        [3, 'present', 'present', 110.25],
        [null, 'missing', 'missing', 10.25],
      ]);
      expect(await client().features(accountPage).getMany([])).toEqual([]);
    });

    it('answers many callers at once', async () => {
      const features = client().features(accountPage);
      const rows = await Promise.all(Array.from({ length: 200 }, (_, i) => features.get(ask(i % 2 === 0 ? HUGE : 3n))));
      rows.forEach((row, i) => expect(row.payments7d).toBe(i % 2 === 0 ? 3 : 1));
    });

    it('reads as of an instant: what the online store has no more from the stored events, what is to come from it', async () => {
      const intake = createIntake({ store: offline, snapshot, publisher: noPublisher });
      const event = { tenant: 'ü|1', accountId: String(HUGE), amount: 0.25, cents: String(HUGE), kind: 'out', seen: NOW - 5, seenAt: [0] };
      const past = NOW - DAY - 1;
      await intake.accept('payments', [past - 1, past].map((at, i) => ({ ...event, cents: i === 0 ? event.cents : '0', kind: ['out', '__proto__'][i], at })), { origin: 'test' });
      const features = client().features(accountPage);
      const then = { payments7d: 1, cents7d: HUGE, mean7d: 0.25, kind: '__proto__', seen: NOW - 5, seenAt: [0], spent1d: 10.5 };
      for (const at of [past, new Date(past), new Date(past).toISOString()]) expect(await features.get(ask(HUGE), { at })).toMatchObject(then);
      const rows = await client().features(transfer).getMany([{ tenant: 'ü|1', payerId: HUGE, payeeId: 4n, amount: 25 }], { at: past });
      expect(rows).toMatchObject([{ payerCents7d: HUGE, payeePayments7d: null, $state: { payeePayments7d: 'missing' } }]);
      expect((await features.get(ask(HUGE), { at: NOW + 6 * DAY })).payments7d).toBe(1);
      await expect(features.get(ask(HUGE), { at: 'noon' })).rejects.toMatchObject({ code: 'INVALID_TIMESTAMP' });
    });

    it("throws the server's coded errors", async () => {
      const features = client().features(accountPage);
      await expect(features.get(ask(2n ** 63n))).rejects.toMatchObject({ name: 'GranaryError', code: 'INVALID_KEY', todo: 'Give accountId as int64.', details: { entity: 'account', key: 'accountId' } });
      expect(await features.get({ ...ask(1n), tenant: '' })).toMatchObject({ $state: { kind: 'missing' } });
      await expect(features.get({ ...ask(1n), amount: 'x' as unknown as number })).rejects.toMatchObject({ code: 'INVALID_VALUE' });
      await expect(features.get({ ...ask(1n), at: NaN })).rejects.toMatchObject({ code: 'INVALID_VALUE' });
      await expect(features.getMany(Array.from({ length: 1_001 }, () => ask(1n)))).rejects.toMatchObject({ code: 'TOO_MANY_ENTITIES', details: { limit: 1_000 } });
      await expect(client().features(notApplied).get({ tenant: 'a', accountId: 1n })).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH', todo: expect.stringContaining('apply') });
    });
  });
}
