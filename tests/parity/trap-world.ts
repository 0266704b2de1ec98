import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { STATE_SUFFIX } from '@granary/compiler';
import type { EntityKey, FeatureValue, Instant, Snapshot, Source } from '@granary/contracts';
import { materialise, writeDataset, type MaterialiseOptions, type MaterialiseResult, type SpineSource } from '@granary/jobs';
import { OfflineStore, type EventRow, type Row } from '@granary/offline-store';
import { openOnlineStore, type OnlineStore } from '@granary/online-store';
import { startRedis, whyNoRedis } from '@granary/online-store/testing';
import { resolveSnapshot } from '@granary/registry';
import { avg, count, entity, featureService, featureView, latest, max, min, request, source, sqlSource, stddevPopulation, sum, t } from '@granary/sdk';
import { FeatureReader } from '@granary/serving';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const T = Date.UTC(2026, 0, 10);

/** `(a, b)` of a pair. */
export type Pair = readonly [a: number, b: number];

/** A feature's value and state, as training sets have them and as they are read online. */
export type Answer = Readonly<Record<string, Pick<FeatureValue, 'value' | 'state'>>>;

export interface Stores {
  readonly offline: OfflineStore;
  readonly online: readonly OnlineStore[];
  readonly folder: string;
}

/** Visits of pairs, reports about them that may be corrected, and a service of each view of them. */
export interface World {
  readonly snapshot: Snapshot;
  /** The source of the visits. */
  readonly source: string;
  readonly visits: (...rows: readonly Visit[]) => Promise<unknown>;
  readonly reports: (...rows: readonly Report[]) => Promise<unknown>;
  /** Into every online store; the result in the first. */
  readonly put: (service: ServiceName, at: Instant, options?: Partial<MaterialiseOptions>) => Promise<MaterialiseResult>;
  /** What the online stores have of these pairs; throws where they differ. */
  readonly read: (service: ServiceName, pairs: readonly Pair[], at: Instant, request?: Readonly<Record<string, unknown>>) => Promise<Answer[]>;
  readonly train: (service: ServiceName, questions: readonly (readonly [...Pair, at: Instant])[]) => Promise<Answer[]>;
  /** A training set's rows as they are. */
  readonly dataset: (service: ServiceName, spine: SpineSource) => Promise<Row[]>;
  readonly reader: (store: OnlineStore, snapshot?: Snapshot) => FeatureReader;
}

export type ServiceName = 'seen' | 'fresh' | 'reported' | 'newest' | 'scored';

export interface Visit {
  readonly id: string;
  readonly pair: Pair;
  readonly at: Instant;
  readonly whole?: bigint;
  readonly part?: number | null;
}

export interface Report {
  readonly id: string;
  readonly pair: Pair;
  readonly at: Instant;
  readonly whole: bigint;
  readonly toldAt: Instant;
}

/** An embedded ClickHouse, LMDB and, where it is installed, Redis, which `close` ends. */
export async function openStores(): Promise<Stores & { close(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'granary-traps-'));
  const offline = await OfflineStore.open({ kind: 'embedded', path: join(folder, 'db') });
  const redis = whyNoRedis() === null ? await startRedis() : null;
  const online = [await openOnlineStore({ kind: 'lmdb', path: join(folder, 'online') })];
  if (redis !== null) online.push(await openOnlineStore({ kind: 'redis', url: redis.url }));
  return {
    offline,
    online,
    folder,
    async close() {
      for (const store of online) await store.close();
      await redis?.stop();
      await offline.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Materialises and reads as of `at`; throws where a training set says otherwise. */
export async function everywhere(world: World, service: ServiceName, pairs: readonly Pair[], at: Instant): Promise<Answer[]> {
  await world.put(service, at);
  const read = await world.read(service, pairs, at);
  const trained = await world.train(service, pairs.map((pair) => [...pair, at]));
  if (!isDeepStrictEqual(trained, read)) throw new Error(`online ${textOf(read)}, in a training set ${textOf(trained)}`);
  return read;
}

export const present = (value: unknown) => ({ value, state: 'present' }) as const;
export const absent = (state: 'null' | 'missing' | 'expired') => ({ value: null, state }) as const;

/** A world of its own in these stores. `name`: a word that no other world has. */
export function worldIn({ offline, online, folder }: Stores, name: string): World {
  const snapshot = resolveSnapshot(declarations(name));
  const [visits, reports] = ['visits', 'reports'].map((of) => snapshot.sources.find((each) => each.name === `${of}_${name}`)!) as [Source, Source];
  const reader = (store: OnlineStore, of = snapshot): FeatureReader => new FeatureReader(of, store, { project: name });
  let asked = 0;
  mkdirSync(join(folder, name));

  const dataset = async (of: ServiceName, spine: SpineSource): Promise<Row[]> => {
    const path = join(folder, name, `set-${++asked}.parquet`);
    await writeDataset(offline, snapshot, of, { spine, path, folder: join(folder, name, 'sets') });
    return offline.rows({ sql: 'SELECT * FROM file({path:String}, Parquet)', params: { path } });
  };
  const append = async (to: Source, rows: readonly EventRow[]): Promise<unknown> => {
    await offline.ensureSource(to);
    return offline.appendEvents(to, rows);
  };
  return {
    snapshot,
    source: visits.name,
    visits: (...rows) => append(visits, rows.map(({ id, pair: [a, b], at, whole = 1n, part = 1 }) => ({ eventId: id, eventTime: at, knownAt: at, values: [id, BigInt(a), BigInt(b), whole, part, at] }))),
    reports: (...rows) => append(reports, rows.map(({ id, pair: [a, b], at, whole, toldAt }) => ({ eventId: id, eventTime: at, knownAt: toldAt, values: [id, BigInt(a), BigInt(b), whole, at, toldAt] }))),
    async put(of, at, options) {
      const results: MaterialiseResult[] = [];
      for (const store of online) results.push(...(await materialise(offline, store, snapshot, { at, project: name, views: [of], ...options })));
      return results[0]!;
    },
    async read(of, pairs, at, request = {}) {
      const answers = await Promise.all(
        online.map(async (store) => {
          const rows = await reader(store).rows(of, pairs.map(([a, b]) => ({ a, b, ...request })), { at });
          return rows.map(({ values }) => Object.fromEntries(Object.entries(values).map(([feature, { value, state }]) => [feature, { value, state }])));
        }),
      );
      for (const other of answers.slice(1)) if (!isDeepStrictEqual(other, answers[0])) throw new Error(`online stores differ: ${answers.map(textOf).join(' and ')}`);
      return answers[0]!;
    },
    async train(of, questions) {
      const spine = join(folder, name, `spine-${++asked}.csv`);
      writeFileSync(spine, ['a,b,at', ...questions.map(([a, b, at]) => `${a},${b},${new Date(at).toISOString()}`)].join('\n'));
      const rows = await dataset(of, { kind: 'file', path: spine });
      if (rows.length !== questions.length) throw new Error(`${questions.length} questions gave ${rows.length} rows`);
      return rows.map(answerOf);
    },
    dataset,
    reader,
  };
}

/** A row's features by name, from its columns. */
export function answerOf(row: Row): Answer {
  const features = Object.keys(row).flatMap((column) => (column.endsWith(STATE_SUFFIX) ? [column.slice(0, -STATE_SUFFIX.length)] : []));
  return Object.fromEntries(features.map((feature) => [feature, { value: row[feature] as EntityKey[number] | null, state: row[`${feature}${STATE_SUFFIX}`] as FeatureValue['state'] }]));
}

function textOf(answers: unknown): string {
  return JSON.stringify(answers, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}

function declarations(name: string): Parameters<typeof resolveSnapshot>[0] {
  const pair = entity('pair', { a: t.int64, b: t.int64 });
  const visits = source(`visits_${name}`, { fields: { id: t.string, a: t.int64, b: t.int64, whole: t.int64, part: t.float64.nullable(), at: t.timestamp }, eventId: 'id', eventTime: 'at' });
  const reports = source(`reports_${name}`, {
    fields: { id: t.string, a: t.int64, b: t.int64, whole: t.int64, at: t.timestamp, toldAt: t.timestamp },
    eventId: 'id',
    eventTime: 'at',
    knownAt: 'toldAt',
    corrected: true,
  });
  const both = sqlSource(`both_${name}`, {
    inputs: [visits, reports],
    sql: `SELECT concat('v', id) AS id, a, b, whole, at FROM {{visits_${name}}} UNION ALL SELECT concat('r', id), a, b, whole, at FROM {{reports_${name}}}`,
    fields: { id: t.string, a: t.int64, b: t.int64, whole: t.int64, at: t.timestamp },
    eventId: 'id',
    eventTime: 'at',
  });
  const views = [
    featureView('seen', {
      entity: pair,
      source: visits,
      features: (v) => ({ whole: latest(v.whole), visits: count().over('7d'), total: sum(v.whole).over('7d'), least: min(v.part).over('2d'), most: max(v.part).over('2d'), mean: avg(v.part).over('7d'), spread: stddevPopulation(v.part).over('7d') }),
    }),
    featureView('fresh', { entity: pair, source: visits, ttl: '3d', features: (v) => ({ whole: latest(v.whole) }) }),
    featureView('reported', { entity: pair, source: reports, features: (r) => ({ whole: latest(r.whole), reports: count().over('7d'), total: sum(r.whole).over('7d') }) }),
    featureView('newest', { entity: pair, source: both, features: (e) => ({ whole: latest(e.whole) }) }),
    featureView('scored', { entity: pair, source: visits, features: (v) => ({ spent: sum(v.part).over('7d', { includeRequest: true }), visits: count().over('7d') }) }),
  ];
  return [pair, visits, reports, both, ...views, ...views.map((view) => featureService(view.name, view.name === 'scored' ? [view, request({ part: t.float64 })] : [view]))].map(({ definition }) => definition);
}
