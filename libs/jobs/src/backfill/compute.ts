import { compileBackfill, compileFirstSeen, compileKeys, compileProbes, compileTouched, emitInChunk, hasVersions, type Chunk, type EventScope, type ProbesOptions } from '@granary/compiler';
import { BACKFILL, backfillTable, identifier, type Instant, type Statement } from '@granary/contracts';
import type { OfflineStore, StatementOptions } from '@granary/offline-store';
import { explainOverflow } from '../overflow.js';
import { withStage } from '../stage-table.js';
import type { ViewParts } from '../view-parts.js';
import { tableColumns } from './feature-table.js';
import { INSTANTS } from './notes.js';

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
  await withPairs(work, 'series', pairs, (table) => insertProbes(work, { table, only: chunk.count === 1 ? undefined : 'keys' }));
}

/** Computes a chunk of the pairs; one whose entity has no event by then is marked as gone. */
export async function computePairs(work: Work, { table }: Pairs, chunk: Chunk): Promise<void> {
  if (chunk.count === 1) return insertProbes(work, { table, only: 'touched' });
  const inChunk = { sql: `SELECT * FROM ${identifier(table)} WHERE ${emitInChunk(work.parts.entity.keys.map(({ name }) => name), chunk)}`, params: {} };
  await withPairs(work, 'chunk', inChunk, (own) => insertProbes(work, { table: own, only: 'touched' }));
}

/** Inserts the rows of the pairs in a table, and marks those that have none any more. */
async function insertProbes(work: Work, { table, only }: Pick<ProbesOptions, 'table' | 'only'>): Promise<void> {
  const { view, entity, source } = work.parts;
  const { sql, params } = compileProbes(view, entity, source, { table, only, ...work.scope });
  const pair = pairColumns(work.parts);
  // Only a version that takes another's place can leave an entity without events.
  const gone = only === 'touched' && hasVersions(source);
  const columns = tableColumns(work.parts).map(({ name }) => {
    if (name === BACKFILL.sequence) return '{run_sequence:UInt64}';
    if (name === BACKFILL.deleted) return gone ? `r.${identifier(BACKFILL.eventTime)} IS NULL` : '0';
    return `${gone && pair.includes(name) ? 'p' : 'r'}.${identifier(name)}`;
  });
  const from = gone ? `${identifier(table)} AS p LEFT JOIN (\n${sql}\n) AS r ON ${pair.map((name) => `p.${identifier(name)} = r.${identifier(name)}`).join(' AND ')}` : `(\n${sql}\n) AS r`;
  await insert(work, { sql: `SELECT ${columns.join(', ')} FROM ${from}`, params });
}

/** Finds the pairs that events after `since`, up to `until`, may change, while `use` runs. */
export async function withTouched<T>(work: Work, { since, until }: { readonly since: number; readonly until: number }, instants: readonly Instant[], use: (pairs: Pairs) => Promise<T>): Promise<T> {
  const { store, parts } = work;
  return withPairs(work, 'touched', compileTouched(parts.view, parts.entity, parts.source, { since, until, instants }), async (table) => {
    const rows = await store.rows({ sql: `SELECT ${identifier(BACKFILL.asOf)} AS at, count() AS pairs FROM ${identifier(table)} GROUP BY at`, params: {} });
    const byInstant = new Map(rows.map((row) => [row['at'] as Instant, Number(row['pairs'])]));
    return use({ table, count: [...byInstant.values()].reduce((sum, count) => sum + count, 0), byInstant });
  });
}

/** Puts rows of keys and instants into a table of their own while `use` runs. */
function withPairs<T>({ store, parts, limits }: Work, purpose: string, select: Statement, use: (table: string) => Promise<T>): Promise<T> {
  return withStage(store, { purpose, orderBy: pairColumns(parts) }, select, use, { comment: `backfill ${parts.view.name}`, ...limits });
}

/** How many entities have an event. */
export async function countEntities({ store, parts: { view, entity, source }, scope, limits }: Work): Promise<number> {
  const { sql, params } = compileKeys(view, entity, source, scope);
  const [row] = await store.rows({ sql: `SELECT count() AS entities FROM (\n${sql}\n)`, params }, limits);
  return Number(row!['entities']);
}

/** How many entities have a row, of each instant. */
export function countRows(work: Work, instants: readonly Instant[], floor: number): Promise<Map<Instant, number>> {
  return hasVersions(work.parts.source) ? countStored(work, instants, floor) : countSeen(work, instants);
}

async function countStored({ store, parts, limits }: Work, instants: readonly Instant[], floor: number): Promise<Map<Instant, number>> {
  const asOf = identifier(BACKFILL.asOf);
  const sql = `SELECT ${asOf} AS at, count() AS entities FROM ${identifier(backfillTable(parts.view))} FINAL
WHERE ${asOf} IN (SELECT ${INSTANTS}) AND ${identifier(BACKFILL.sequence)} >= {floor:UInt64}
GROUP BY at`;
  const rows = await store.rows({ sql, params: { instants, floor } }, limits);
  return new Map(rows.map((row) => [row['at'] as Instant, Number(row['entities'])]));
}

/** Without versions an entity has a row from its first event on. Far cheaper than to look at the rows of all instants. */
async function countSeen({ store, parts: { view, source }, scope, limits }: Work, instants: readonly Instant[]): Promise<Map<Instant, number>> {
  const ascending = [...instants].sort((a, b) => a - b);
  const rows = await store.rows(compileFirstSeen(view, source, ascending, scope), limits);
  const firstSeen = new Map(rows.map((row) => [Number(row['at']), Number(row['entities'])]));
  let seen = 0;
  return new Map(ascending.map((at) => [at, (seen += firstSeen.get(at) ?? 0)]));
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
  // Each row comes once, so there is nothing to replace within the insert.
  const options = { comment: `backfill ${parts.view.name}`, ...limits, settings: { optimize_on_insert: 0 } };
  const statement = { sql: `INSERT INTO ${identifier(backfillTable(parts.view))} (${columns.join(', ')}) ${sql}`, params: { ...params, run_sequence: sequence } };
  await explainOverflow(`feature view ${parts.view.name}`, () => store.command(statement, options), { store, views: [parts] });
}

function pairColumns({ entity }: ViewParts): readonly string[] {
  return [...entity.keys.map((key) => key.name), BACKFILL.asOf];
}

function only(chunk: Chunk): { readonly chunk?: Chunk } {
  return chunk.count === 1 ? {} : { chunk };
}
