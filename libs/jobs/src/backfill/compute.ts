import { TOUCHED, compileBackfill, compileProbes, compileTouched, type Chunk, type EventScope } from '@granary/compiler';
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

/** Computes a chunk of the pairs; one whose entity has no event by then is marked as gone. */
export async function computePairs(work: Work, { table }: Pairs, chunk: Chunk): Promise<void> {
  const { view, entity, source } = work.parts;
  const { sql, params } = compileProbes(view, entity, source, table, { ...work.scope, ...only(chunk) });
  const pair = pairColumns(work.parts);
  const keys = entity.keys.map((key) => `p.${identifier(key.name)}`);
  const columns = tableColumns(work.parts).map(({ name }) => {
    if (pair.includes(name)) return `p.${identifier(name)}`;
    if (name === BACKFILL.sequence) return '{run_sequence:UInt64}';
    return name === BACKFILL.deleted ? `r.${identifier(BACKFILL.eventTime)} IS NULL` : `r.${identifier(name)}`;
  });
  const joined = `SELECT ${columns.join(', ')} FROM ${identifier(table)} AS p LEFT JOIN (\n${sql}\n) AS r ON ${pair.map((name) => `p.${identifier(name)} = r.${identifier(name)}`).join(' AND ')}`;
  const inChunk = chunk.count === 1 ? '' : `\nWHERE cityHash64(${keys.join(', ')}) % {run_chunks:UInt64} = {run_chunk:UInt64}`;
  await insert(work, { sql: `${joined}${inChunk}`, params: { ...params, ...(chunk.count === 1 ? {} : { run_chunks: chunk.count, run_chunk: chunk.index }) } });
}

/**
 * Finds the pairs that events after `base` touch, as far as they change what is stored, while `use` runs. Rows as of the
 * instants are those of `base` or of later runs.
 */
export async function withTouched<T>(work: Work, base: Noted, until: number, instants: readonly Instant[], use: (pairs: Pairs) => Promise<T>): Promise<T> {
  const { store, parts } = work;
  const [reached, pairs] = [stageTable('reached'), stageTable('pairs')];
  const options = { comment: `backfill ${parts.view.name}`, ...work.limits };
  const order = pairColumns(parts).map(identifier).join(', ');
  try {
    const { sql, params } = compileTouched(parts.view, parts.entity, parts.source, { since: base.sequence, until, instants });
    await store.command({ sql: `CREATE TABLE ${identifier(reached)} ENGINE = MergeTree ORDER BY (${order}) AS ${sql}`, params }, options);
    const table = (await anyOutside(store, reached)) ? pairs : reached;
    if (table === pairs) {
      const select = changing(parts, reached);
      await store.command({ sql: `CREATE TABLE ${identifier(pairs)} ENGINE = MergeTree ORDER BY (${order}) AS ${select}`, params: { floor: base.floor } }, options);
    }
    const rows = await store.rows({ sql: `SELECT ${identifier(BACKFILL.asOf)} AS at, count() AS pairs FROM ${identifier(table)} GROUP BY at`, params: {} }, options);
    const byInstant = new Map(rows.map((row) => [row['at'] as Instant, Number(row['pairs'])]));
    return await use({ table, count: [...byInstant.values()].reduce((sum, count) => sum + count, 0), byInstant });
  } finally {
    for (const table of [reached, pairs]) await store.dropTable(table);
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
