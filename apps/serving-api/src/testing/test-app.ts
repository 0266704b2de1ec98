import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { named, type EntityKey, type Snapshot } from '@granary/contracts';
import { openOnlineStore, rowKey, type OnlineStore } from '@granary/online-store';
import { basesOf, noteOnline, type GivenEvent } from '@granary/online-store/testing';
import { resolveSnapshot } from '@granary/registry';
import { avg, count, entity, featureService, featureView, last, latest, request, source, sum, t, type Declaration } from '@granary/sdk';
import { FeatureReader } from '@granary/serving';
import { createServingApp, type InternalError, type ServingApp, type ServingAppOptions } from '../index.js';

export const DAY = 86_400_000;
export const NOW = Date.UTC(2026, 0, 31, 12);
export const PROJECT = 'shop';

const user = entity('user', { userId: t.int64 });
const branch = entity('branch', { country: t.string, branchNo: t.int32, kind: t.enum('shop', 'depot') });
const events = source('events', {
  fields: {
    eventId: t.string,
    userId: t.int64,
    country: t.string,
    branchNo: t.int32,
    kind: t.enum('shop', 'depot'),
    mood: t.enum('very good', 'bad'),
    amount: t.float64,
    points: t.int64,
    member: t.bool,
    since: t.timestamp,
    tags: t.array(t.string),
    at: t.timestamp,
  },
  eventId: 'eventId',
  eventTime: 'at',
});
const activity = featureView('user_activity', {
  entity: user,
  source: events,
  ttl: '90d',
  features: (e) => ({
    visits: count().where(e.amount.gt(0)).over('7d'),
    points: sum(e.points).over('7d'),
    mean: avg(e.amount).over('7d'),
    lastKind: last(e.kind).over('30d', { delay: '1d', bounds: '(]' }),
    mood: latest(e.mood),
    member: latest(e.member),
    since: latest(e.since),
    tags: latest(e.tags),
  }),
});
const turnover = featureView('branch_turnover', { entity: branch, source: events, features: (e) => ({ turnover: sum(e.amount).over('7d') }) });
const spending = featureView('spending', { entity: user, source: events, features: (e) => ({ payments: count().over('1d', { includeRequest: true }), meanAmount: avg(e.amount).over('1d', { includeRequest: true }) }) });
const services = [
  featureService('user_page', [activity]),
  featureService('branch_page', [turnover]),
  featureService('fraud_features', [request({ amount: t.float64, at: t.timestamp }), spending]),
];

export const snapshot: Snapshot = resolveSnapshot(definitionsOf(services));

function definitionsOf(declarations: readonly Declaration[]): Declaration['definition'][] {
  const all = new Set<Declaration>();
  const add = (each: Declaration): void => {
    all.add(each);
    each.uses.forEach(add);
  };
  declarations.forEach(add);
  return [...all].map((each) => each.definition);
}

export interface TestApp extends ServingApp {
  readonly store: OnlineStore;
  readonly log: InternalError[];
  put(view: string, key: EntityKey, events: readonly GivenEvent[]): Promise<void>;
  query(query: string, variables?: object): Promise<Answer>;
  post(body: unknown, headers?: Record<string, string>): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- any: JSON as it came
  readonly data: any;
  readonly errors: readonly { readonly message: string; readonly path?: readonly unknown[]; readonly extensions: Readonly<Record<string, unknown>> }[];
}

/** A real app over a real embedded store in a directory of its own. */
export async function startTestApp(options: Partial<ServingAppOptions> = {}): Promise<TestApp> {
  const path = mkdtempSync(join(tmpdir(), 'granary-serving-api-'));
  const store = await openOnlineStore({ kind: 'lmdb', path });
  const log: InternalError[] = [];
  await noteOnline(store, PROJECT, snapshot.views, NOW);
  const reader = new FeatureReader(snapshot, store, { project: PROJECT, now: () => NOW });
  const tidy = async (): Promise<void> => {
    await store.close();
    rmSync(path, { recursive: true, force: true });
  };
  const app = await createServingApp({ reader, port: 0, log: (entry) => log.push(entry), ...options }).catch(async (error: unknown) => {
    await tidy();
    throw error;
  });

  async function post(body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(`${app.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) });
    const text = await response.text();
    const json = JSON.parse(text) as Partial<Answer>;
    return { status: response.status, text, data: json.data, errors: json.errors ?? [] };
  }
  return {
    ...app,
    store,
    log,
    post,
    query: (query, variables) => post({ query, variables }),
    async put(viewName, key, events) {
      const view = named(snapshot.views, viewName);
      const of = named(snapshot.entities, view.entity);
      const value = basesOf(view, named(snapshot.sources, view.source))(events, NOW);
      await store.write([{ key: rowKey(PROJECT, of, key, view.name, view.version), value }]);
    },
    async close() {
      await app.close();
      await tidy();
    },
  };
}
