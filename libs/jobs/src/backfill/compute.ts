import { TOUCHED, compileBackfill, compileKeys, compileNear, compileProbes, compileTouched, type Chunk, type EventScope } from '@granary/compiler';
import { BACKFILL, backfillTable, identifier, type Instant, type Statement } from '@granary/contracts';
import type { OfflineStore, StatementOptions } from '@granary/offline-store';
import { explainOverflow } from '../overflow.js';
import { stageTable } from '../stage-table.js';
import type { ViewParts } from '../view-parts.js';
import { tableColumns } from './feature-table.js';
import { INSTANTS, type Noted } from './notes.js';

/** What the statements of one run over a view share. */
export interface Work {
  readonly store: OfflineStore;
  readonly parts: ViewParts;
  /** The events that the run reads. */
  readonly scope: EventScope;
  /** The rows that it writes carry this. */
  readonly sequence: number;
  readonly limits: Pick<StatementOptions, 'signal' | 'maxMemoryBytes'>;
}

/** Pairs of keys and instants to compute anew, in a table of their own. */
export interface Pairs {
  readonly table: string;
  readonly count: number;
  /** How many of each instant; those without any are left out. */
  readonly byInstant: ReadonlyMap<Instant, number>;
}

/** Computes all entities of a chunk as of one instant. */
export async function computeInstant(work: Work, asOf: Instant, chunk: Chunk): Promise<void> {
  const { view, entity, source } = work.parts;
  const { sql, params } = compileBackfill(view, entity, source, asOf, { ...work.scope, ...only(chunk) });
  const columns = tableColumns(work.parts).map(({ name }) => (name === BACKFILL.sequence ? '{run_sequence:UInt64}' : name === BACKFILL.deleted ? '0' : identifier(name)));
  await insert(work, { sql: `SELECT ${columns.join(', ')} FROM (\n${sql}\n)`, params });
}

/** Computes all entities of a chunk as of several instants, at one pass over their events. */
export async function computeSeries(work: Work, instants: readonly Instant[], chunk: Chunk): Promise<void> {
  const { view, entity, source } = work.parts;
  const keys = entity.keys.map((key) => identifier(key.name));
  const seen = compileKeys(view, entity, source, { ...work.scope, ...only(chunk) });
  const asOf = `fromUnixTimestamp64Milli(at, 'UTC') AS ${identifier(BACKFILL.asOf)}`;
  const pairs = { sql: `SELECT ${keys.join(', ')}, ${asOf} FROM (\n${seen.sql}\n) ARRAY JOIN {instants:Array(Int64)} AS at`, params: { ...seen.params, instants } };
  await withStage(work, 'series', pairs, (table) => (chunk.count === 1 ? insertProbes(work, table, work.scope) : withNear(work, table, (scope) => insertProbes(work, table, scope))));
}

/** Computes a chunk of the pairs; one whose entity has no event by then is marked as gone. */
export async function computePairs(work: Work, { table }: Pairs, chunk: Chunk): Promise<void> {
  const compute = (own: string): Promise<void> => withNear(work, own, (scope) => insertProbes(work, own, scope, 'gone'));
  if (chunk.count === 1) return compute(table);
  const pairs = pairColumns(work.parts).map(identifier).join(', ');
  const keys = work.parts.entity.keys.map((key) => identifier(key.name)).join(', ');
  const inChunk = { sql: `SELECT ${pairs} FROM ${identifier(table)} WHERE cityHash64(tuple(${keys})) % {chunks:UInt64} = {chunk:UInt64}`, params: { chunks: chunk.count, chunk: chunk.index } };
  await withStage(work, 'chunk', inChunk, compute);
}

/** Puts the events that matter to the pairs of a table into one of their own while `use` runs. */
async function withNear(work: Work, pairs: string, use: (scope: EventScope) => Promise<void>): Promise<void> {
  const { view, entity, source } = work.parts;
  const near = compileNear(view, entity, source, pairs, work.scope);
  await withStage(work, 'near', near, (table) => use({ ...work.scope, computed: new Map([...(work.scope.computed ?? []), [source.name, table]]) }), []);
}

/** Inserts the rows of the pairs in a table. `gone`: and marks those that have none. */
async function insertProbes(work: Work, table: string, scope: EventScope, gone?: 'gone'): Promise<void> {
  const { view, entity, source } = work.parts;
  const { sql, params } = compileProbes(view, entity, source, { table, ...scope });
  const pair = pairColumns(work.parts);
  const columns = tableColumns(work.parts).map(({ name }) => {
    if (name === BACKFILL.sequence) return '{run_sequence:UInt64}';
    if (name === BACKFILL.deleted) return gone ? `r.${identifier(BACKFILL.eventTime)} IS NULL` : '0';
    return `${gone && pair.includes(name) ? 'p' : 'r'}.${identifier(name)}`;
  });
  const from = gone ? `${identifier(table)} AS p LEFT JOIN (\n${sql}\n) AS r ON ${pair.map((name) => `p.${identifier(name)} = r.${identifier(name)}`).join(' AND ')}` : `(\n${sql}\n) AS r`;
  await insert(work, { sql: `SELECT ${columns.join(', ')} FROM ${from}`, params });
}

/**
 * Finds the pairs that events after `base` touch, as far as they change what is stored, while `use` runs. Rows as of the
 * instants are those of `base` or of later runs.
 */
export async function withTouched<T>(work: Work, base: Noted, until: number, instants: readonly Instant[], use: (pairs: Pairs) => Promise<T>): Promise<T> {
  const { store, parts } = work;
  const reached = compileTouched(parts.view, parts.entity, parts.source, { since: base.sequence, until, instants });
  const usePairs = async (table: string): Promise<T> => {
    const rows = await store.rows({ sql: `SELECT ${identifier(BACKFILL.asOf)} AS at, count() AS pairs FROM ${identifier(table)} GROUP BY at`, params: {} });
    const byInstant = new Map(rows.map((row) => [row['at'] as Instant, Number(row['pairs'])]));
    return use({ table, count: [...byInstant.values()].reduce((sum, count) => sum + count, 0), byInstant });
  };
  return withStage(work, 'reached', reached, async (table) => {
    if (!(await anyOutside(store, table))) return usePairs(table);
    return withStage(work, 'pairs', { sql: changing(parts, table), params: { floor: base.floor } }, usePairs);
  });
}

/** Puts rows into a table of their own while `use` runs. */
async function withStage<T>({ store, parts, limits }: Work, purpose: string, { sql, params }: Statement, use: (table: string) => Promise<T>, orderBy: readonly string[] = pairColumns(parts)): Promise<T> {
  const table = stageTable(purpose);
  const order = orderBy.map(identifier).join(', ');
  try {
    await store.command({ sql: `CREATE TABLE ${identifier(table)} ENGINE = MergeTree ORDER BY (${order}) AS ${sql}`, params }, { comment: `backfill ${parts.view.name}`, ...limits });
    return await use(table);
  } finally {
    await store.dropTable(table);
  }
}

async function anyOutside(store: OfflineStore, reached: string): Promise<boolean> {
  const [row] = await store.rows({ sql: `SELECT countIf(${TOUCHED.inside} = 0) AS outside FROM ${identifier(reached)}`, params: {} });
  return Number(row!['outside']) > 0;
}

/** Out of reach of every window an event still changes a row of which it is the newest event, and one that is not there. */
function changing(parts: ViewParts, reached: string): string {
  const pair = pairColumns(parts).map(identifier);
  const indexed = [BACKFILL.asOf, ...parts.entity.keys.map((key) => key.name)].map(identifier).join(', ');
  const on = pair.map((name) => `t.${name} = r.${name}`).join(' AND ');
  return `SELECT ${pair.map((name) => `t.${name} AS ${name}`).join(', ')} FROM ${identifier(reached)} AS t
LEFT JOIN (
  SELECT ${[...pair, identifier(BACKFILL.eventTime)].join(', ')} FROM ${identifier(backfillTable(parts.view))} FINAL
  WHERE (${indexed}) IN (SELECT ${indexed} FROM ${identifier(reached)} WHERE ${TOUCHED.inside} = 0) AND ${identifier(BACKFILL.sequence)} >= {floor:UInt64}
) AS r ON ${on}
WHERE t.${TOUCHED.inside} = 1 OR r.${identifier(BACKFILL.eventTime)} IS NULL OR r.${identifier(BACKFILL.eventTime)} <= t.${TOUCHED.newest}`;
}

/** How many entities have an event. */
export async function countEntities({ store, parts: { view, entity, source }, scope, limits }: Work): Promise<number> {
  const { sql, params } = compileKeys(view, entity, source, scope);
  const [row] = await store.rows({ sql: `SELECT count() AS entities FROM (\n${sql}\n)`, params }, limits);
  return Number(row!['entities']);
}

/** How many entities have a row, of each instant. */
export async function countRows({ store, parts }: Pick<Work, 'store' | 'parts'>, instants: readonly Instant[], floor: number): Promise<Map<Instant, number>> {
  const asOf = identifier(BACKFILL.asOf);
  const rows = await store.rows({
    sql: `SELECT ${asOf} AS at, count() AS entities FROM ${identifier(backfillTable(parts.view))} FINAL
WHERE ${asOf} IN (SELECT ${INSTANTS}) AND ${identifier(BACKFILL.sequence)} >= {floor:UInt64}
GROUP BY at`,
    params: { instants, floor },
  });
  return new Map(rows.map((row) => [row['at'] as Instant, Number(row['entities'])]));
}

/** Marks as gone what runs before left of these instants; `work` has computed them as a whole. */
export async function removeOlder(work: Work, instants: readonly Instant[]): Promise<void> {
  const columns = tableColumns(work.parts).map(({ name }) => (name === BACKFILL.sequence ? '{run_sequence:UInt64}' : name === BACKFILL.deleted ? '1' : identifier(name)));
  await insert(work, {
    sql: `SELECT ${columns.join(', ')} FROM ${identifier(backfillTable(work.parts.view))} FINAL
WHERE ${identifier(BACKFILL.asOf)} IN (SELECT ${INSTANTS}) AND ${identifier(BACKFILL.sequence)} < {run_sequence:UInt64}`,
    params: { instants },
  });
}

async function insert({ store, parts, sequence, limits }: Work, { sql, params }: Statement): Promise<void> {
  const columns = tableColumns(parts).map(({ name }) => identifier(name));
  // Each row comes once, so there is nothing to replace within the insert; a series of instants may span many partitions.
  const options = { comment: `backfill ${parts.view.name}`, ...limits, settings: { optimize_on_insert: 0, max_partitions_per_insert_block: 0 } };
  const statement = { sql: `INSERT INTO ${identifier(backfillTable(parts.view))} (${columns.join(', ')}) ${sql}`, params: { ...params, run_sequence: sequence } };
  await explainOverflow(`feature view ${parts.view.name}`, () => store.command(statement, options));
}

function pairColumns({ entity }: ViewParts): readonly string[] {
  return [...entity.keys.map((key) => key.name), BACKFILL.asOf];
}

function only(chunk: Chunk): { readonly chunk?: Chunk } {
  return chunk.count === 1 ? {} : { chunk };
}
