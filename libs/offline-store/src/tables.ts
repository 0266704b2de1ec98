import { Readable } from 'node:stream';
import { identifier, type Value } from '@granary/contracts';
import { tsvValue } from './events/tsv.js';
import type { Statements } from './statements.js';

export interface TableDefinition {
  readonly name: string;
  /** ClickHouse types, as `clickhouseType` of contracts gives them. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Columns of the sorting key; empty: none. */
  readonly orderBy: readonly string[];
  /**
   * Of rows that are alike in `orderBy` the one with the greatest `version` stays, and none if its `deleted` (UInt8) is 1:
   * for readers that say FINAL at once, on disk after a merge.
   */
  readonly replacing?: { readonly version: string; readonly deleted: string };
}

/** A MergeTree table, if there is none by that name. An existing table is left as it is. */
export async function createTable(statements: Statements, { name, columns, orderBy, replacing }: TableDefinition): Promise<void> {
  const list = columns.map((column) => `${identifier(column.name)} ${column.type}`).join(', ');
  const engine = replacing === undefined ? 'MergeTree' : `ReplacingMergeTree(${identifier(replacing.version)}, ${identifier(replacing.deleted)})`;
  const sql = `CREATE TABLE IF NOT EXISTS ${identifier(name)} (${list}) ENGINE = ${engine} ORDER BY (${orderBy.map(identifier).join(', ')})`;
  await statements.command({ sql, params: {} }, { comment: `create ${name}` });
}

/** Drops a table, if there is one by that name; returns once its data is gone. */
export async function dropTable(statements: Statements, name: string): Promise<void> {
  await statements.command({ sql: `DROP TABLE IF EXISTS ${identifier(name)} SYNC`, params: {} }, { comment: `drop ${name}` });
}

export async function tableExists(statements: Statements, name: string): Promise<boolean> {
  const found = await statements.rows({
    sql: 'SELECT 1 AS found FROM system.tables WHERE database = currentDatabase() AND name = {name:String}',
    params: { name },
  });
  return found.length > 0;
}

/**
 * Inserts rows given as values in the order of `columns`. An instant goes into an Int64 column as milliseconds: text
 * formats would read a number in a DateTime64 column as seconds.
 */
export async function insertRows(statements: Statements, name: string, columns: readonly string[], rows: Iterable<readonly (Value | null)[]>): Promise<void> {
  const sql = `INSERT INTO ${identifier(name)} (${columns.map(identifier).join(', ')}) FORMAT TabSeparated`;
  await statements.insert(sql, Readable.from(tsvChunks(rows), { objectMode: false }), { comment: `insert into ${name}` });
}

const CHUNK_ROWS = 4_096;

function* tsvChunks(rows: Iterable<readonly (Value | null)[]>): Generator<Buffer> {
  let lines: string[] = [];
  for (const row of rows) {
    if (lines.push(row.map(tsvValue).join('\t')) < CHUNK_ROWS) continue;
    yield Buffer.from(`${lines.join('\n')}\n`);
    lines = [];
  }
  if (lines.length > 0) yield Buffer.from(`${lines.join('\n')}\n`);
}
