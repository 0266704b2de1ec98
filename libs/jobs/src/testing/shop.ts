import type { Aggregate, Entity, Feature, FeatureService, FieldType, Instant, Snapshot, Source, VersionedView } from '@granary/contracts';
import type { EventRow, OfflineStore } from '@granary/offline-store';

export const DAY = 86_400_000;
export const START = Date.UTC(2026, 0, 1);

const text: FieldType = { kind: 'string' };
const int64: FieldType = { kind: 'int64' };
const float64: FieldType = { kind: 'float64' };
const instant: FieldType = { kind: 'timestamp' };
const kinds: FieldType = { kind: 'enum', values: ['cash', 'card'] };
const texts: FieldType = { kind: 'array', of: { kind: 'string' } };

const shop: Entity = { kind: 'entity', name: 'shop', keys: [{ name: 'tenant', type: text }, { name: 'shopId', type: int64 }] };

/** `owner` is the key `tenant` under another name. */
export const sales: Source = {
  kind: 'source',
  name: 'sales',
  fields: [
    { name: 'saleId', type: text, nullable: false },
    { name: 'owner', type: text, nullable: false },
    { name: 'tenant', type: text, nullable: false },
    { name: 'shopId', type: int64, nullable: false },
    { name: 'amount', type: float64, nullable: true },
    { name: 'payment', type: kinds, nullable: false },
    { name: 'tags', type: texts, nullable: false },
    { name: 'at', type: instant, nullable: false },
  ],
  eventId: ['saleId'],
  eventTime: 'at',
  knownAt: null,
  file: null,
};

/** The same, reported later and corrected: a later report of one sale wins, and may name another shop. */
export const reports: Source = { ...sales, name: 'reports', fields: [...sales.fields, { name: 'reportedAt', type: instant, nullable: false }], knownAt: 'reportedAt' };

function feature(name: string, type: FieldType, fn: Aggregate['fn'], column: string | null, days: number | null): Feature {
  const window = days === null ? null : ({ sizeMs: days * DAY, delayMs: 0, bounds: '[)', includeRequest: false } as const);
  return { name, type, aggregate: { fn, column, where: null, window, default: null } };
}

const features: readonly Feature[] = [
  feature('sales1d', { kind: 'int32' }, 'count', null, 1),
  feature('turnover7d', float64, 'sum', 'amount', 7),
  feature('mean1d', float64, 'avg', 'amount', 1),
  feature('lastPayment', kinds, 'last', 'payment', 7),
  feature('amount', float64, 'latest', 'amount', null),
  feature('tags', texts, 'latest', 'tags', null),
];

function viewOf(name: string, source: Source, version: string): VersionedView {
  return { kind: 'featureView', name, entity: 'shop', source: source.name, keyFields: ['owner', 'shopId'], ttlMs: null, features: [...features], version };
}

export const shopSales = viewOf('shop_sales', sales, '0123456789ab');
export const shopReports = viewOf('shop_reports', reports, 'ba9876543210');

const page: FeatureService = { kind: 'featureService', name: 'shop_page', views: [{ view: 'shop_sales', features: features.map(({ name }) => name) }], request: [] };
const reported: FeatureService = { kind: 'featureService', name: 'reported_page', views: [{ view: 'shop_reports', features: ['sales1d'] }], request: [] };

export const snapshot: Snapshot = {
  format: 1,
  id: 'a'.repeat(64),
  entities: [shop],
  sources: [sales, reports],
  views: [shopSales, shopReports],
  services: [page, reported],
  recommenders: [],
  scorers: [],
  derived: [],
};

export interface Sale {
  readonly id: string;
  readonly tenant: string;
  readonly shopId: bigint;
  readonly amount: number | null;
  readonly payment: 'cash' | 'card';
  readonly tags: readonly string[];
  readonly at: Instant;
  /** Default: at its time. */
  readonly reportedAt?: Instant;
}

export async function append(store: OfflineStore, source: Source, events: readonly Sale[]): Promise<void> {
  await store.ensureSource(source);
  const rows = events.map((sale): EventRow => {
    const { id, tenant, shopId, amount, payment, tags, at, reportedAt = at } = sale;
    const values = [id, tenant, `not ${tenant}`, shopId, amount, payment, tags, at, ...(source.knownAt === null ? [] : [reportedAt])];
    return { eventId: id, eventTime: at, knownAt: source.knownAt === null ? at : reportedAt, values };
  });
  await store.appendEvents(source, rows);
}

/** mulberry32: uniform in [0, 1). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Sales of `shops` shops over `days` days from START, in order of time; keys that look alike, nulls, ties. */
export function randomSales(random: () => number, count: number, shops: number, days = 20): Sale[] {
  const below = (n: number): number => Math.floor(random() * n);
  const drawn = Array.from({ length: count }, () => {
    const number = below(shops);
    const amount = random() < 0.2 ? null : below(10_000) / 100;
    const tags = Array.from({ length: below(3) }, () => ['x', 'naïve|', ''][below(3)]!);
    return { tenant: `t${number % 3}1`, shopId: BigInt(number), amount, payment: random() < 0.5 ? 'cash' : 'card', tags, at: START + below(days * 48) * (DAY / 48) } as const;
  });
  return drawn.sort((a, b) => a.at - b.at).map((sale, i) => ({ id: `s${i}`, ...sale }));
}

/** What is stored of one shop: the newest event time, then the parts in the view's order. */
export type StoredRow = readonly [eventTime: Instant, sales: number, turnover: number | null, meanSum: number | null, meanCount: number, payment: string | null, amount: number | null, tags: readonly string[]];

/** The rows of a view as of t by `tenant/shopId`: sort, filter, fold, in the order that the events are given (their arrival). */
export function naiveRows(events: readonly Sale[], t: Instant): Map<string, StoredRow> {
  const known = events.map((sale, sequence) => ({ ...sale, sequence, knownAt: sale.reportedAt ?? sale.at })).filter((sale) => sale.knownAt <= t);
  const newest = new Map<string, (typeof known)[number]>();
  for (const sale of known) {
    const other = newest.get(sale.id);
    if (other === undefined || sale.knownAt > other.knownAt) newest.set(sale.id, sale);
  }
  const shops = new Map<string, (typeof known)[number][]>();
  for (const sale of newest.values()) {
    if (sale.at > t) continue;
    const key = `${sale.tenant}/${sale.shopId}`;
    shops.set(key, [...(shops.get(key) ?? []), sale]);
  }
  return new Map(
    [...shops].map(([key, own]): [string, StoredRow] => {
      own.sort((a, b) => a.at - b.at || a.knownAt - b.knownAt || a.sequence - b.sequence);
      const inside = (days: number): typeof own => own.filter(({ at }) => at >= t - days * DAY && at < t);
      const amounts = (days: number): number[] => inside(days).flatMap(({ amount }) => (amount === null ? [] : [amount]));
      const total = (numbers: readonly number[]): number | null => (numbers.length === 0 ? null : numbers.reduce((a, b) => a + b, 0));
      const last = own.at(-1)!;
      return [key, [last.at, inside(1).length, total(amounts(7)), total(amounts(1)), amounts(1).length, inside(7).at(-1)?.payment ?? null, last.amount, last.tags]];
    }),
  );
}
