import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { GranaryError, isGranaryError, type FileFormat, type SourceField } from '@granary/contracts';
import type { Notation, RawRow, ReadState, RowReader } from './raw-row.js';
import { readCsv } from './read-csv.js';
import { readNdjson } from './read-ndjson.js';
import { readParquet } from './read-parquet.js';
import { unreadable } from './unreadable.js';

/** A file of rows whose format and size are known. */
export interface RowFile {
  readonly notation: Notation;
  readonly state: ReadState;
  /** Reads it, once, from the beginning. */
  readonly read: (fields: readonly SourceField[]) => AsyncGenerator<readonly RawRow[]>;
}

const FORMATS: Readonly<Record<FileFormat, { readonly read: RowReader; readonly notation: Notation }>> = {
  csv: { read: readCsv, notation: 'text' },
  ndjson: { read: readNdjson, notation: 'json' },
  parquet: { read: readParquet, notation: 'typed' },
};

/** Throws FILE_NOT_FOUND, and FILE_UNREADABLE for what is no regular file, is empty, or of no known format. */
export async function openFile(file: string, format: FileFormat | undefined, ignoredLimit?: number): Promise<RowFile> {
  const { read, notation } = FORMATS[format ?? formatOf(file)];
  const state: ReadState = { totalBytes: await sizeOf(file), readBytes: 0, decodedBytes: 0, ignored: new Set(), ...(ignoredLimit === undefined ? {} : { ignoredLimit }) };
  return { notation, state, read: (fields) => read(file, fields, state) };
}

function formatOf(file: string): FileFormat {
  const name = basename(file).toLowerCase().replace(/\.gz$/, '');
  if (name.endsWith('.csv')) return 'csv';
  if (name.endsWith('.ndjson') || name.endsWith('.jsonl')) return 'ndjson';
  if (name.endsWith('.parquet')) return 'parquet';
  throw unreadable(file, 'its name does not say whether it is csv, ndjson or parquet', 'Give the format.');
}

async function sizeOf(file: string): Promise<number> {
  try {
    const found = await stat(file);
    if (found.isFile() && found.size > 0) return found.size;
    if (found.isFile()) throw unreadable(file, 'is empty (0 bytes)', 'Give the whole file; where there are no rows, a CSV has its header line.');
  } catch (cause) {
    if (isGranaryError(cause)) throw cause;
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new GranaryError('FILE_NOT_FOUND', `${file} does not exist`, { todo: 'Check the path.', details: { file }, cause });
    }
    throw unreadable(file, `can't be read (${(cause as Error).message})`, 'Give a regular file that this user may read.', cause);
  }
  throw unreadable(file, 'is no regular file', 'Give a regular file that this user may read.');
}
