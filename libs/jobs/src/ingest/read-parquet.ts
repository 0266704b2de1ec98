import { isUtf8 } from 'node:buffer';
import type { SourceField } from '@granary/contracts';
import type { AsyncBuffer, FileMetaData, SchemaElement } from 'hyparquet';
import { ignore, type RawRow, type ReadState } from './raw-row.js';
import { missingColumns, unreadable } from './unreadable.js';

const ROWS_PER_CHUNK = 5_000;

/**
 * Parquet, a row group in memory at a time. int64 → bigint; dates and timestamps of any unit → Date (cut to the
 * millisecond; without a zone they are UTC); decimals → their exact decimal text; lists → arrays; bytes that are UTF-8 → text.
 * Throws FILE_UNREADABLE.
 */
export async function* readParquet(file: string, fields: readonly SourceField[], state: ReadState): AsyncGenerator<readonly RawRow[]> {
  const { buffer, metadata } = await openParquet(file);
  const top = topLevel(metadata.schema);
  const names = fields.map((field) => field.name);
  const found = top.map((element) => element.name);
  if (names.some((name) => !found.includes(name))) throw missingColumns(file, names, found);
  for (const name of found) if (!names.includes(name)) ignore(state, name);

  const decimals = takeOverDecimals(file, metadata.schema, names);
  const rows = Number(metadata.num_rows);
  let start = 0;
  for (const group of metadata.row_groups) {
    const end = start + Number(group.num_rows);
    const values = await readGroup(file, buffer, metadata, names, start, end);
    for (let from = 0; from < values.length; from += ROWS_PER_CHUNK) {
      const chunk = values.slice(from, from + ROWS_PER_CHUNK).map((row, i) => toRawRow(names, decimals, row, start + from + i + 1));
      state.readBytes = Math.floor((state.totalBytes * (start + from + chunk.length)) / Math.max(rows, 1));
      state.decodedBytes = state.readBytes;
      yield chunk;
    }
    start = end;
  }
}

async function openParquet(file: string): Promise<{ buffer: AsyncBuffer; metadata: FileMetaData }> {
  const { asyncBufferFromFile, parquetMetadataAsync } = await import('hyparquet');
  try {
    const buffer = await asyncBufferFromFile(file);
    const metadata = await parquetMetadataAsync(buffer, { geoparquet: false });
    return { buffer, metadata };
  } catch (cause) {
    throw unreadable(file, `is no Parquet file, or breaks off (${(cause as Error).message})`, "Get a complete copy of the file, or declare the source's format.", cause);
  }
}

async function readGroup(file: string, buffer: AsyncBuffer, metadata: FileMetaData, columns: string[], rowStart: number, rowEnd: number): Promise<readonly unknown[][]> {
  const [{ parquetRead }, { compressors }] = await Promise.all([import('hyparquet'), import('hyparquet-compressors')]);
  let rows: readonly unknown[][] = [];
  try {
    await parquetRead({
      file: buffer,
      metadata,
      columns,
      rowStart,
      rowEnd,
      compressors,
      geoparquet: false,
      parsers: PARSERS,
      onComplete: (complete) => (rows = complete),
    });
  } catch (cause) {
    throw unreadable(file, `rows ${rowStart + 1} to ${rowEnd} can't be decoded (${(cause as Error).message})`, 'Get a complete copy of the file and run again; rows that are already in are not loaded twice.', cause);
  }
  if (rows.length !== rowEnd - rowStart) {
    throw unreadable(file, `holds ${rows.length} rows where ${rowEnd - rowStart} were announced`, 'Write the file again.');
  }
  return rows;
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

const PARSERS = {
  timestampFromMilliseconds: (millis: bigint) => new Date(Number(millis)),
  timestampFromMicroseconds: (micros: bigint) => new Date(Number(floorDivide(micros, 1_000n))),
  timestampFromNanoseconds: (nanos: bigint) => new Date(Number(floorDivide(nanos, 1_000_000n))),
  dateFromDays: (days: number) => new Date(days * 86_400_000),
  // Bytes that are no text stay bytes, which no type accepts: decoding them would replace them silently.
  stringFromBytes: (bytes: Uint8Array) => (bytes && isUtf8(bytes) ? utf8.decode(bytes) : bytes),
  jsonFromBytes: (bytes: Uint8Array) => (bytes && isUtf8(bytes) ? utf8.decode(bytes) : bytes),
};

/** BigInt division cuts towards zero; instants before 1970 must be cut towards the past like all others. */
function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}

/** The columns of a file: the children of the schema's root, which is stored depth first. */
function topLevel(schema: readonly SchemaElement[]): readonly SchemaElement[] {
  const children: SchemaElement[] = [];
  let at = 1;
  while (at < schema.length) {
    children.push(schema[at]!);
    at += sizeOfSubtree(schema, at);
  }
  return children;
}

function sizeOfSubtree(schema: readonly SchemaElement[], at: number): number {
  let size = 1;
  for (let i = 0; i < (schema[at]?.num_children ?? 0); i++) size += sizeOfSubtree(schema, at + size);
  return size;
}

/**
 * The scale of each wanted column that holds decimals (also as elements of a list); null for the others.
 * Their annotation is taken off the schema: the library's own conversion multiplies doubles, and 3 × 0.1 is not 0.3.
 */
function takeOverDecimals(file: string, schema: SchemaElement[], names: readonly string[]): readonly (number | null)[] {
  const scales = new Map<string, number>();
  let at = 1;
  while (at < schema.length) {
    const end = at + sizeOfSubtree(schema, at);
    const column = schema[at]!.name;
    for (const element of schema.slice(at, end)) {
      if (element.converted_type !== 'DECIMAL' || !names.includes(column)) continue;
      if (element.type === 'BYTE_ARRAY') {
        throw unreadable(file, `column ${column} holds decimals of variable length`, 'Write them as INT32, INT64 or fixed-length decimals, or as float64.');
      }
      scales.set(column, element.scale ?? 0);
      delete element.converted_type;
      delete element.logical_type;
    }
    at = end;
  }
  return names.map((name) => scales.get(name) ?? null);
}

function toRawRow(names: readonly string[], decimals: readonly (number | null)[], cells: readonly unknown[], line: number): RawRow {
  const values = names.map((_, i) => {
    const scale = decimals[i]!;
    return scale === null ? cells[i] : decimalText(cells[i], scale);
  });
  return { kind: 'row', line, values, text: () => JSON.stringify(Object.fromEntries(names.map((name, i) => [name, values[i]])), plain) };
}

function decimalText(value: unknown, scale: number): unknown {
  if (value === null || value === undefined) return value;
  if (Array.isArray(value)) return value.map((element) => decimalText(element, scale));
  const unscaled = value instanceof Uint8Array ? signedInteger(value) : BigInt(value as number | bigint);
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  return `${unscaled < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Big-endian two's complement, as Parquet stores decimals of fixed length. */
function signedInteger(bytes: Uint8Array): bigint {
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`));
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return value instanceof Uint8Array ? `0x${Buffer.from(value).toString('hex')}` : value;
}
