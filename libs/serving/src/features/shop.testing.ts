import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyParts, partsOf } from '@granary/aggregates';
import type { Aggregate, EntityKey, Feature, FieldType, Instant, ScalarKind, Snapshot, Source, Value, VersionedView, Window } from '@granary/contracts';
import { createRowCodec, openOnlineStore, rowKey, viewRowSchema, watermarkName, type OnlineStore, type ViewWatermark } from '@granary/online-store';

export const DAY = 86_400_000;
export const NOW = Date.UTC(2026, 0, 31, 12);
export const PROJECT = 'shop';

export const type = (kind: ScalarKind): { kind: ScalarKind } => ({ kind });

export function feature(name: string, kind: FieldType, fn: Aggregate['fn'], more: Partial<Aggregate> & { readonly request?: boolean } = {}): Feature {
  const { request = false, ...aggregate } = more;
  const window: Window | null = fn === 'latest' ? null : { sizeMs: 7 * DAY, delayMs: 0, bounds: '(]', includeRequest: request };
  return { name, type: kind, aggregate: { fn, column: fn === 'count' ? null : 'amount', where: null, window, default: null, ...aggregate } };
}

export function view(name: string, entity: string, keyFields: readonly string[], features: readonly Feature[], ttlMs: number | null = null, version = 'aaaaaaaaaaaa'): VersionedView {
  return { kind: 'featureView', name, entity, source: 'payments', keyFields: [...keyFields], ttlMs, features: [...features], version };
}

export const payments: Source = { kind: 'source', name: 'payments', fields: ([['amount', 'float64'], ['payer', 'int64'], ['units', 'int64']] as const).map(([name, kind]) => ({ name, type: type(kind), nullable: false })), eventId: [], eventTime: 'at', knownAt: null, file: null };

const userActivity = view(
  'user_activity',
  'user',
  ['userId'],
  [
    feature('visits', type('int32'), 'count'),
    feature('points', type('int64'), 'sum'),
    feature('meanPrice', type('float64'), 'avg'),
    feature('dearest', type('float64'), 'max', { default: { kind: 'literal', type: type('float64'), value: 5 } }),
    feature('lastKind', { kind: 'enum', values: ['view', 'buy'] }, 'last'),
    feature('member', type('bool'), 'latest'),
    feature('since', type('timestamp'), 'latest'),
    feature('tags', { kind: 'array', of: { kind: 'string' } }, 'latest'),
  ],
  90 * DAY,
);
const branchStats = view('branch_stats', 'branch', ['country', 'branchNo'], [feature('turnover', type('float64'), 'sum'), feature('branchMean', type('float64'), 'avg')]);
const spending = view('spending', 'user', ['payer'], [
  feature('payments', type('int32'), 'count', { request: true }),
  feature('meanAmount', type('float64'), 'avg', { request: true }),
  feature('bigOnes', type('int32'), 'count', {
    request: true,
    where: { kind: 'call', fn: 'gt', args: [{ kind: 'field', name: 'amount' }, { kind: 'literal', type: type('float64'), value: 100 }] },
  }),
  feature('ownPayments', type('int32'), 'count', {
    request: true,
    where: { kind: 'call', fn: 'eq', args: [{ kind: 'field', name: 'payer' }, { kind: 'literal', type: type('int64'), value: '7' }] },
  }),
  feature('paidBefore', type('int32'), 'count'),
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
    { kind: 'featureService', name: 'fraud', views: [{ view: 'spending', features: spending.features.map(({ name }) => name) }], request: [{ name: 'amount', type: type('float64') }] },
  ],
  recommenders: [],
  scorers: [],
  derived: [],
};

export interface TestStore {
  readonly store: OnlineStore;
  /** The keys of each read so far. */
  readonly reads: (readonly string[])[];
  put(viewName: string, key: EntityKey, eventTime: Instant, values: Readonly<Record<string, Value | null>>, of?: Snapshot, project?: string): Promise<void>;
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
    async put(viewName, key, eventTime, values, of = snapshot, project = PROJECT) {
      const stored = of.views.find((each) => each.name === viewName)!;
      const entity = of.entities.find((each) => each.name === stored.entity)!;
      const parts = stored.features.flatMap((each) => emptyParts(each).map((empty, i) => values[partsOf(each)[i]!.name] ?? empty));
      const value = createRowCodec(viewRowSchema(stored)).encode({ order: { eventTime: NOW, knownAt: NOW, sequence: 1 }, values: [eventTime, ...parts] });
      await lmdb.write([{ key: rowKey(project, entity, key, stored.name, stored.version), value }]);
      await lmdb.writeMeta(watermarkName(project, stored), { asOf: NOW, sequence: 1, rows: 1 } satisfies ViewWatermark);
    },
    async close() {
      await lmdb.close();
      rmSync(path, { recursive: true, force: true });
    },
  };
}
