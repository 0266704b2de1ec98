import { Readable } from 'node:stream';
import { identifier, quarantineTable, type Instant, type Source } from '@granary/contracts';
import type { Statements } from '../statements.js';
import { tsvText } from './tsv.js';

/** A row that could not be read as an event. */
export interface Reject {
  /** Of pushed events where they came from: `http`, `graphql`. */
  readonly file: string;
  /** Line of a text file, row of a Parquet file, from 1; null for pushed events. */
  readonly line: number | null;
  readonly text: string;
  /** What is wrong with it, for its reader. */
  readonly reason: string;
}

const NO_LINE = 0;

export interface QuarantinedRow extends Reject {
  readonly at: Instant;
}

/** Stores rejects; the same one (file, line, text) again is stored once. */
export async function quarantine(statements: Statements, source: Pick<Source, 'name'>, rejects: readonly Reject[]): Promise<void> {
  if (rejects.length === 0) return;
  const at = new Date().toISOString().replace('T', ' ').replace('Z', '');
  const lines = rejects.map((r) => `${tsvText(r.file)}\t${r.line ?? NO_LINE}\t${tsvText(r.text)}\t${tsvText(r.reason)}\t${at}\n`);
  const table = identifier(quarantineTable(source));
  await statements.insert(`INSERT INTO ${table} (file, line, row, reason, at) FORMAT TabSeparated`, Readable.from([Buffer.from(lines.join(''))], { objectMode: false }), {
    comment: `quarantine ${source.name}`,
  });
}

export async function countQuarantined(statements: Statements, source: Pick<Source, 'name'>): Promise<number> {
  const [row] = await statements.rows({ sql: `SELECT count() AS n FROM ${identifier(quarantineTable(source))} FINAL`, params: {} });
  return Number(row!.n);
}

export interface QuarantineFilter {
  /** Rejects whose reason holds this text; case does not count. Default: all. */
  readonly reason?: string | undefined;
  /** How many are left out at the beginning. Default 0. */
  readonly offset?: number;
}

/** By file, line and text. */
export async function listQuarantine(statements: Statements, source: Pick<Source, 'name'>, limit = 100, { reason = '', offset = 0 }: QuarantineFilter = {}): Promise<QuarantinedRow[]> {
  const rows = await statements.rows({
    sql: `SELECT file, line, row, reason, at FROM ${identifier(quarantineTable(source))} FINAL
      WHERE positionCaseInsensitiveUTF8(reason, {reason:String}) > 0 ORDER BY file, line, row LIMIT {limit:UInt32} OFFSET {offset:UInt32}`,
    params: { reason, limit, offset },
  });
  return rows.map((row) => ({
    file: row.file as string,
    line: Number(row.line) === NO_LINE ? null : Number(row.line),
    text: row.row as string,
    reason: row.reason as string,
    at: row.at as number,
  }));
}

const REMOVED_AT_ONCE = 200;

/** Removes these rejects. */
export async function removeQuarantined(statements: Statements, source: Pick<Source, 'name'>, rejects: readonly Pick<Reject, 'file' | 'line' | 'text'>[]): Promise<void> {
  for (let from = 0; from < rejects.length; from += REMOVED_AT_ONCE) {
    const some = rejects.slice(from, from + REMOVED_AT_ONCE);
    await statements.command(
      {
        sql: `DELETE FROM ${identifier(quarantineTable(source))}
          WHERE has(arrayMap((f, l, h) -> (f, l, h), {files:Array(String)}, {lines:Array(UInt64)}, arrayMap(text -> sipHash64(text), {texts:Array(String)})), (file, line, sipHash64(row)))`,
        params: { files: some.map(({ file }) => file), lines: some.map(({ line }) => line ?? NO_LINE), texts: some.map(({ text }) => text) },
      },
      { comment: `quarantine ${source.name}`, settings: { lightweight_deletes_sync: 1 } },
    );
  }
}

/** Removes the rejects whose reason holds this text, or all; tells how many. */
export async function dropQuarantined(statements: Statements, source: Pick<Source, 'name'>, reason = ''): Promise<number> {
  const where = 'positionCaseInsensitiveUTF8(reason, {reason:String}) > 0';
  const table = identifier(quarantineTable(source));
  const [row] = await statements.rows({ sql: `SELECT count() AS n FROM ${table} FINAL WHERE ${where}`, params: { reason } });
  await statements.command({ sql: `DELETE FROM ${table} WHERE ${where}`, params: { reason } }, { comment: `quarantine ${source.name}`, settings: { lightweight_deletes_sync: 1 } });
  return Number(row!.n);
}
