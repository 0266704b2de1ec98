import { Readable } from 'node:stream';
import { identifier, quarantineTable, type Instant, type Source } from '@granary/contracts';
import type { Statements } from '../statements.js';
import { tsvText } from './tsv.js';

/** A row that could not be read as an event. */
export interface Reject {
  /** Empty for pushed events. */
  readonly file: string;
  /** Line of a text file, row of a Parquet file, from 1. */
  readonly line: number;
  readonly text: string;
  /** What is wrong with it, for its reader. */
  readonly reason: string;
}

export interface QuarantinedRow extends Reject {
  readonly at: Instant;
}

/** Stores rejects; the same one (file, line, text) again is stored once. */
export async function quarantine(statements: Statements, source: Pick<Source, 'name'>, rejects: readonly Reject[]): Promise<void> {
  if (rejects.length === 0) return;
  const at = new Date().toISOString().replace('T', ' ').replace('Z', '');
  const lines = rejects.map((r) => `${tsvText(r.file)}\t${r.line}\t${tsvText(r.text)}\t${tsvText(r.reason)}\t${at}\n`);
  const table = identifier(quarantineTable(source));
  await statements.insert(`INSERT INTO ${table} (file, line, row, reason, at) FORMAT TabSeparated`, Readable.from([Buffer.from(lines.join(''))], { objectMode: false }), {
    comment: `quarantine ${source.name}`,
  });
}

export async function countQuarantined(statements: Statements, source: Pick<Source, 'name'>): Promise<number> {
  const [row] = await statements.rows({ sql: `SELECT count() AS n FROM ${identifier(quarantineTable(source))} FINAL`, params: {} });
  return Number(row!.n);
}

export async function listQuarantine(statements: Statements, source: Pick<Source, 'name'>, limit = 100): Promise<QuarantinedRow[]> {
  const rows = await statements.rows({
    sql: `SELECT file, line, row, reason, at FROM ${identifier(quarantineTable(source))} FINAL ORDER BY file, line, row LIMIT {limit:UInt32}`,
    params: { limit },
  });
  return rows.map((row) => ({
    file: row.file as string,
    line: Number(row.line),
    text: row.row as string,
    reason: row.reason as string,
    at: row.at as number,
  }));
}
