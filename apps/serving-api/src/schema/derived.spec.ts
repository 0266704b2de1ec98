import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Snapshot } from '@granary/contracts';
import { openOnlineStore, rowKey, type OnlineStore } from '@granary/online-store';
import { basesOf, noteOnline, type GivenEvent } from '@granary/online-store/testing';
import { resolveSnapshot } from '@granary/registry';
import { countBy, decayedCount, derived, entity, featureService, featureView, lastN, latest, percentile, rate, request, source, sum, t, type Declaration } from '@granary/sdk';
import { FeatureReader } from '@granary/serving';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServingApp, type ServingApp } from '../index.js';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 0, 31, 12);
const HUGE = 9_007_199_254_740_993n;

const account = entity('account', { accountId: t.int64 });
const payments = source('payments', {
  fields: { id: t.string, accountId: t.int64, amount: t.float64, units: t.int64, kind: t.enum('card', 'cash'), at: t.timestamp },
  eventId: 'id',
  eventTime: 'at',
});
const activity = featureView('activity', {
  entity: account,
  source: payments,
  ttl: '90d',
  features: (p) => ({
    spend: sum(p.amount).over('30d'),
    kinds: countBy(p.kind).over('7d'),
    recent: lastN(50, p.units),
    recentKinds: lastN(3, p.kind),
    lastKind: latest(p.kind),
    high: percentile(p.amount, 0.95).over('7d'),
    busy: decayedCount({ halfLife: '7d' }).over('30d'),
    pace: rate({ per: '1h' }).over('1d'),
  }),
});
const pair = derived('pair', [activity.as('sender', { accountId: 'senderId' }), activity.as('receiver', { accountId: 'receiverId' }), request({ amount: t.float64, paidAt: t.timestamp })], (s, r, q) => ({
  share: q.amount.div(s.spend30d),
  sameKind: s.lastKind.eq(r.lastKind),
  hour: q.paidAt.hour('UTC'),
}));
const transfer = featureService('transfer', [activity.as('sender', { accountId: 'senderId' }), activity.pick('spend30d').as('receiver', { accountId: 'receiverId' }), pair, request({ amount: t.float64, paidAt: t.timestamp })]);

const all = (each: Declaration): Declaration[] => [each, ...each.uses.flatMap(all)];
const snapshot: Snapshot = resolveSnapshot([...new Set(all(transfer))].map((each) => each.definition));

let app: ServingApp;
let store: OnlineStore;
const path = mkdtempSync(join(tmpdir(), 'granary-derived-api-'));
beforeAll(async () => {
  store = await openOnlineStore({ kind: 'lmdb', path });
  const [view, of] = [snapshot.views[0]!, snapshot.entities[0]!];
  const base = basesOf(view, snapshot.sources[0]!);
  const row = (id: bigint, ...events: GivenEvent[]) => ({ key: rowKey('bank', of, [id], view.name, view.version), value: base(events, NOW) });
  await store.write([
    row(1n, { at: NOW - DAY - 2, amount: 5, units: 3n, kind: 'cash' }, { at: NOW - DAY - 1, amount: 15, units: -1n, kind: 'card' }, { at: NOW - DAY, units: HUGE, kind: 'cash' }),
    row(2n, { at: NOW - 8 * DAY, kind: 'cash' }),
  ]);
  await noteOnline(store, 'bank', snapshot.views, NOW);
  app = await createServingApp({ reader: new FeatureReader(snapshot, store, { project: 'bank', now: () => NOW }), port: 0, sampleKeys: { account: [1n] } });
});
afterAll(async () => {
  await app.close();
  await store.close();
  rmSync(path, { recursive: true, force: true });
});

async function query(text: string) {
  const response = await fetch(`${app.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: text }) });
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- any: JSON as it came
  return (await response.json()) as { data: any; errors?: unknown };
}

const ASK = 'receiverId: 2, amount: 5, paidAt: "2026-01-31T23:30:00Z"';

describe('over GraphQL', () => {
  it('aliases, derived features, maps and sequences are typed fields', async () => {
    const { data, errors } = await query(`{ transfer(senderId: 1, ${ASK}) {
      senderSpend30d { value } receiverSpend30d { value state } senderKinds7d { value { key value } state } senderRecent { value } senderRecentKinds { value } senderLastKind { value }
      share { value state eventTime } sameKind { value } hour { value eventTime } } }`);
    expect(errors).toBeUndefined();
    expect(data.transfer).toEqual({
      senderSpend30d: { value: 20 },
      receiverSpend30d: { value: 0, state: 'PRESENT' },
      senderKinds7d: { value: [{ key: 'card', value: 1 }, { key: 'cash', value: 2 }], state: 'PRESENT' },
      senderRecent: { value: [String(HUGE), '-1', '3'] },
      senderRecentKinds: { value: ['cash', 'card', 'cash'] },
      senderLastKind: { value: 'cash' },
      share: { value: 0.25, state: 'PRESENT', eventTime: '2026-01-30T12:00:00.000Z' },
      sameKind: { value: true },
      hour: { value: 23, eventTime: null },
    });
  });

  it('derived features have states, an empty map none', async () => {
    const { data } = await query(`{ transferBatch(entities: [{ senderId: 2, ${ASK} }, { senderId: 9, ${ASK} }]) { share { value state } senderKinds7d { value { key } state } } }`);
    expect(data.transferBatch).toEqual([
      { share: { value: null, state: 'NULL' }, senderKinds7d: { value: null, state: 'NULL' } },
      { share: { value: null, state: 'MISSING' }, senderKinds7d: { value: null, state: 'MISSING' } },
    ]);
  });

  it('all are described by their declaration, in the schema and among the feature services', async () => {
    const { data } = await query('{ __type(name: "Transfer") { fields { name description } } featureServices { entities features { name type description } } }');
    const described = Object.fromEntries(data.__type.fields.map((each: { name: string; description: string }) => [each.name, each.description])) as Record<string, string>;
    expect(described).toMatchObject({
      share: 'amount ÷ sender.spend30d. float64; derived view pair.',
      senderSpend30d: expect.stringMatching(/^sum of amount over 30d .* Of the account named by senderId\.$/),
      senderRecent: expect.stringContaining('lastN 50 of units over all time'),
      senderHigh7d: expect.stringContaining('percentile 0.95 of amount over 7d'),
      senderBusy30d: expect.stringContaining('decayedCount with a half-life of 7d over 30d'),
      senderPace1d: expect.stringContaining('rate per 1h over 1d'),
    });
    const [{ entities, features }] = data.featureServices;
    expect(entities).toEqual(['account']);
    expect(features).toEqual(expect.arrayContaining([{ name: 'share', type: 'float64', description: described['share'] }, expect.objectContaining({ name: 'senderKinds7d', type: 'map<string, int32>' })]));
  });

  it('the example asks for everything and is answered', async () => {
    const [example] = app.examples;
    expect(example!.query).toContain('senderKinds7d { value { key value } state eventTime }');
    expect(await query(example!.query)).toMatchObject({ data: { transfer: { senderSpend30d: { value: 20 } } } });
  });
});
