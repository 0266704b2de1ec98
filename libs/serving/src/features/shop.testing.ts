import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { named, type Aggregate, type EntityKey, type Feature, type FieldType, type ScalarKind, type Snapshot, type Source, type VersionedView, type Window } from '@granary/contracts';
import { openOnlineStore, rowKey, type OnlineStore } from '@granary/online-store';
import { basesOf, noteOnline, type GivenEvent } from '@granary/online-store/testing';

export const DAY = 86_400_000;
export const NOW = Date.UTC(2026, 0, 31, 12);
export const PROJECT = 'shop';

export const type = (kind: ScalarKind): { kind: ScalarKind } => ({ kind });

/** Of a field with the feature's name, but for numbers: those are of `amount`. Its window is a week unless `sizeMs` says otherwise. */
export function feature(name: string, kind: FieldType, fn: Aggregate['fn'], more: Partial<Aggregate> & { readonly request?: boolean; readonly sizeMs?: number | null } = {}): Feature {
  const { request = false, sizeMs = 7 * DAY, ...aggregate } = more;
  const window: Window | null = fn === 'latest' ? null : { sizeMs, delayMs: 0, bounds: '(]', includeRequest: request };
  const column = fn === 'count' ? null : kind.kind === 'float64' ? 'amount' : name;
  return { name, type: kind, aggregate: { fn, column, where: null, window, default: null, ...aggregate } };
}

export function view(name: string, entity: string, keyFields: readonly string[], features: readonly Feature[], ttlMs: number | null = null, version = 'aaaaaaaaaaaa'): VersionedView {
  return { kind: 'featureView', name, entity, source: 'payments', keyFields: [...keyFields], ttlMs, features: [...features], version };
}

/** A source whose events need not have any of these fields. */
export function sourceOf(fields: Readonly<Record<string, FieldType>>): Source {
  return { kind: 'source', name: 'payments', fields: Object.entries(fields).map(([name, of]) => ({ name, type: of, nullable: of.kind !== 'array' && of.kind !== 'map' })), eventId: [], eventTime: 'at', knownAt: null, file: null };
}

const KIND: FieldType = { kind: 'enum', values: ['view', 'buy'] };

export const payments = sourceOf({
  amount: type('float64'),
  payer: type('int64'),
  country: type('string'),
  units: type('int64'),
  points: type('int64'),
  lastKind: KIND,
  member: type('bool'),
  since: type('timestamp'),
  tags: { kind: 'array', of: { kind: 'string' } },
});

const userActivity = view(
  'user_activity',
  'user',
  ['userId'],
  [
    feature('visits', type('int32'), 'count'),
    feature('points', type('int64'), 'sum'),
    feature('meanPrice', type('float64'), 'avg'),
    feature('dearest', type('float64'), 'max', { default: { kind: 'literal', type: type('float64'), value: 5 } }),
    feature('lastKind', KIND, 'last'),
    feature('member', type('bool'), 'latest'),
    feature('since', type('timestamp'), 'latest'),
    feature('tags', { kind: 'array', of: { kind: 'string' } }, 'latest'),
  ],
  90 * DAY,
);
const branchStats = view('branch_stats', 'branch', ['country', 'branchNo'], [feature('turnover', type('float64'), 'sum'), feature('branchMean', type('float64'), 'avg')]);
/** All of history, the request among it. */
const EVER = { request: true, sizeMs: null };
const spending = view('spending', 'user', ['payer'], [
  feature('payments', type('int32'), 'count', EVER),
  feature('meanAmount', type('float64'), 'avg', EVER),
  feature('bigOnes', type('int32'), 'count', {
    ...EVER,
    where: { kind: 'call', fn: 'gt', args: [{ kind: 'field', name: 'amount' }, { kind: 'literal', type: type('float64'), value: 100 }] },
  }),
  feature('ownPayments', type('int32'), 'count', {
    ...EVER,
    where: { kind: 'call', fn: 'eq', args: [{ kind: 'field', name: 'payer' }, { kind: 'literal', type: type('int64'), value: '7' }] },
  }),
  feature('paidBefore', type('int32'), 'count', { sizeMs: null }),
  feature('countries', type('int32'), 'countDistinct', { ...EVER, column: 'country' }),
], 90 * DAY);

export const snapshot: Snapshot = {
  format: 1,
  id: 'a'.repeat(64),
  entities: [
    { kind: 'entity', name: 'user', keys: [{ name: 'userId', type: type('int64') }] },
    { kind: 'entity', name: 'branch', keys: [{ name: 'country', type: type('string') }, { name: 'branchNo', type: type('int32') }] },
  ],
  sources: [payments],
  views: [userActivity, branchStats, spending],
  services: [
    { kind: 'featureService', name: 'user_page', views: [{ view: 'user_activity', features: userActivity.features.map(({ name }) => name) }], request: [] },
    { kind: 'featureService', name: 'visits_only', views: [{ view: 'user_activity', features: ['visits'] }], request: [] },
    { kind: 'featureService', name: 'ranking', views: [{ view: 'branch_stats', features: ['branchMean', 'turnover'] }, { view: 'user_activity', features: ['visits', 'meanPrice'] }], request: [] },
    { kind: 'featureService', name: 'fraud', views: [{ view: 'spending', features: ['payments', 'meanAmount', 'bigOnes', 'ownPayments', 'paidBefore'] }], request: [{ name: 'amount', type: type('float64') }] },
    { kind: 'featureService', name: 'abroad', views: [{ view: 'spending', features: ['countries'] }, { view: 'branch_stats', features: ['turnover'] }], request: [] },
  ],
  recommenders: [],
  scorers: [],
  derived: [],
};

export interface TestStore {
  readonly store: OnlineStore;
  /** The keys of each read so far. */
  readonly reads: (readonly string[])[];
  /** Writes what these events come to as of `NOW`. */
  put(viewName: string, key: EntityKey, events: readonly GivenEvent[], of?: Snapshot, project?: string): Promise<void>;
  /** Notes that all views of a snapshot are online as of `NOW`. */
  materialised(of?: Snapshot, project?: string): Promise<void>;
  close(): Promise<void>;
}

/** A real embedded store that notes what it is asked for. */
export async function openTestStore(): Promise<TestStore> {
  const path = mkdtempSync(join(tmpdir(), 'granary-serving-'));
  const lmdb = await openOnlineStore({ kind: 'lmdb', path });
  const reads: (readonly string[])[] = [];
  const store: OnlineStore = {
    ...lmdb,
    readInPlace: (keys) => {
      reads.push(keys);
      return lmdb.readInPlace(keys);
    },
  };
  return {
    store,
    reads,
    materialised: (of = snapshot, project = PROJECT) => noteOnline(lmdb, project, of.views, NOW),
    async put(viewName, key, events, of = snapshot, project = PROJECT) {
      const stored = named(of.views, viewName);
      const entity = named(of.entities, stored.entity);
      const value = basesOf(stored, named(of.sources, stored.source))(events, NOW);
      await lmdb.write([{ key: rowKey(project, entity, key, stored.name, stored.version), value }]);
      await noteOnline(lmdb, project, [stored], NOW);
    },
    async close() {
      await lmdb.close();
      rmSync(path, { recursive: true, force: true });
    },
  };
}
