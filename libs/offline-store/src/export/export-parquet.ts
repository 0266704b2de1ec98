import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { GranaryError, type Statement } from '@granary/contracts';
import { storeError } from '../errors.js';
import type { StatementOptions, Statements } from '../statements.js';
import { parquetRowCount } from './parquet-footer.js';

export interface ExportResult {
  readonly rows: number;
  readonly bytes: number;
}

/**
 * Writes the rows of a SELECT to a local Parquet file. Atomic: a file by that name is whole, whatever happens in between;
 * an older one is replaced. Throws QUERY_FAILED, STORE_UNAVAILABLE, CANCELLED.
 */
export async function exportParquet(
  statements: Statements,
  statement: Statement,
  path: string,
  options: StatementOptions = {},
): Promise<ExportResult> {
  const target = resolve(path);
  const queryId = options.queryId ?? randomUUID();
  const comment = options.comment ?? 'export';
  await mkdir(dirname(target), { recursive: true });
  // In the target's own folder, since a rename is atomic only within one file system.
  const temporary = join(dirname(target), `.${randomUUID()}.parquet.part`);
  try {
    const sql = `${statement.sql.replace(/[\s;]+$/, '')}\nFORMAT Parquet`;
    const document = await statements.document({ sql, params: statement.params }, { ...options, queryId, comment });
    try {
      await pipeline(document, createWriteStream(temporary), { ...(options.signal ? { signal: options.signal } : {}) });
    } catch (cause) {
      throw storeError(cause, { queryId, comment, signal: options.signal, where: target });
    }
    const rows = await rowsOf(temporary, queryId);
    const { size } = await stat(temporary);
    await rename(temporary, target);
    return Object.freeze({ rows, bytes: size });
  } finally {
    await rm(temporary, { force: true });
  }
}

/** A server that fails half-way ends the document early, with its message behind it: then there is no footer. */
async function rowsOf(file: string, queryId: string): Promise<number> {
  const handle = await open(file, 'r');
  try {
    return await parquetRowCount(handle);
  } catch (cause) {
    const { size } = await handle.stat();
    const tail = Buffer.alloc(Math.min(size, 8_192));
    await handle.read(tail, 0, tail.length, size - tail.length);
    const message = /Code: \d+\. DB::Exception: [^\0]*?\([A-Z_]+\)/.exec(tail.toString('latin1'))?.[0];
    throw new GranaryError('QUERY_FAILED', message ?? 'ClickHouse ended the Parquet document too early', { details: { queryId }, cause });
  } finally {
    await handle.close();
  }
}
