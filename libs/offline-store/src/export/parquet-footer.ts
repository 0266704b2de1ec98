import type { FileHandle } from 'node:fs/promises';

/**
 * The number of rows that a Parquet file's footer states. Throws a plain Error when the file has no whole footer.
 * Format: a thrift compact `FileMetaData` (1: version, 2: schema, 3: num_rows), its length as uint32, `PAR1`
 * (https://parquet.apache.org/docs/file-format/metadata/).
 */
export async function parquetRowCount(file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  const tail = Buffer.alloc(8);
  if (size < 12) throw new Error('too short for a Parquet file');
  await file.read(tail, 0, 8, size - 8);
  if (tail.toString('latin1', 4) !== 'PAR1') throw new Error('a Parquet file ends in PAR1');
  const length = tail.readUInt32LE(0);
  if (length > size - 12) throw new Error('the footer is longer than the file');
  const footer = Buffer.alloc(length);
  await file.read(footer, 0, length, size - 8 - length);
  return numRows(footer);
}

interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

const NUM_ROWS = 3;

function numRows(bytes: Buffer): number {
  const cursor: Cursor = { bytes, at: 0 };
  for (const field of fields(cursor)) {
    if (field.id === NUM_ROWS) return Number(zigzag(cursor));
    skip(cursor, field.type);
  }
  throw new Error('the footer names no number of rows');
}

// Thrift compact types: 1, 2 bool; 3 byte; 4–6 integers; 7 double; 8 binary; 9 list; 10 set; 11 map; 12 struct.
function* fields(cursor: Cursor): Generator<{ readonly id: number; readonly type: number }> {
  let id = 0;
  for (let head = byte(cursor); head !== 0; head = byte(cursor)) {
    const delta = head >> 4;
    id = delta === 0 ? Number(zigzag(cursor)) : id + delta;
    yield { id, type: head & 15 };
  }
}

function skip(cursor: Cursor, type: number): void {
  switch (type) {
    case 1:
    case 2:
      return;
    case 3:
      cursor.at += 1;
      return;
    case 4:
    case 5:
    case 6:
      varint(cursor);
      return;
    case 7:
      cursor.at += 8;
      return;
    case 8: {
      const length = Number(varint(cursor));
      cursor.at += length;
      return;
    }
    case 9:
    case 10: {
      const head = byte(cursor);
      const count = head >> 4 === 15 ? Number(varint(cursor)) : head >> 4;
      const element = head & 15;
      // In a list a bool takes a byte, in a field none.
      for (let i = 0; i < count; i += 1) skip(cursor, element === 1 || element === 2 ? 3 : element);
      return;
    }
    case 12:
      for (const field of fields(cursor)) skip(cursor, field.type);
      return;
    default:
      throw new Error(`unexpected thrift type ${type}`);
  }
}

function byte(cursor: Cursor): number {
  const value = cursor.bytes[cursor.at];
  if (value === undefined) throw new Error('the footer ends too early');
  cursor.at += 1;
  return value;
}

function varint(cursor: Cursor): bigint {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    const next = byte(cursor);
    value |= BigInt(next & 127) << shift;
    if (next < 128) return value;
  }
}

function zigzag(cursor: Cursor): bigint {
  const value = varint(cursor);
  return (value >> 1n) ^ -(value & 1n);
}
