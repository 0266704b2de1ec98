import type { FieldType, Value } from '@granary/contracts';

/** What a row is told: its values, and where its bytes begin and end in which buffer. */
export type TakeRow = (values: readonly Value[], bytes: Buffer, from: number, to: number) => void;

/** Reads rows in ClickHouse's format RowBinary, of pieces that end anywhere: the values of `types` (none nullable, no arrays or maps), then bytes. */
export class RowBinaryReader {
  readonly #readers: readonly Reader[];
  readonly #take: TakeRow;
  #rest: Buffer = Buffer.alloc(0);

  constructor(types: readonly FieldType[], take: TakeRow) {
    this.#readers = types.map(readerOf);
    this.#take = take;
  }

  /** Whether a row has begun that is not all there. */
  get isWithinRow(): boolean {
    return this.#rest.length > 0;
  }

  read(piece: Buffer): void {
    const begin = this.isWithinRow ? this.#finishRow(piece) : 0;
    if (begin === null) return;
    this.#rest = piece.subarray(this.#readRows(piece, begin, Infinity));
  }

  /** Where the next row begins in the piece; null: the row that has begun is not all there yet. Copies little of the piece. */
  #finishRow(piece: Buffer): number | null {
    const rest = this.#rest;
    for (let taken = 1_024; ; taken *= 4) {
      const row = Buffer.concat([rest, piece.subarray(0, taken)]);
      const end = this.#readRows(row, 0, 1);
      if (end > 0) return end - rest.length;
      if (taken < piece.length) continue;
      this.#rest = row;
      return null;
    }
  }

  /** As many rows as there are; where the next one begins. */
  #readRows(bytes: Buffer, from: number, most: number): number {
    const cursor = { at: from };
    for (let rows = 0; rows < most; rows++) {
      const begin = cursor.at;
      for (const { skip } of this.#readers) skip(bytes, cursor);
      const length = readLength(bytes, cursor);
      const at = cursor.at;
      if (!(at + length <= bytes.length)) return begin;
      cursor.at = begin;
      const values = this.#readers.map(({ read }) => read(bytes, cursor));
      this.#take(values, bytes, at, at + length);
      cursor.at = at + length;
    }
    return cursor.at;
  }
}

interface Cursor {
  at: number;
}

interface Reader {
  /** May go beyond the end. */
  skip(bytes: Buffer, cursor: Cursor): void;
  read(bytes: Buffer, cursor: Cursor): Value;
}

function readerOf({ kind }: FieldType): Reader {
  switch (kind) {
    case 'bool':
      return fixed(1, (bytes, at) => bytes[at] === 1);
    case 'int32':
      return fixed(4, (bytes, at) => bytes.readInt32LE(at));
    case 'int64':
      return fixed(8, (bytes, at) => bytes.readBigInt64LE(at));
    case 'float32':
      return fixed(4, (bytes, at) => bytes.readFloatLE(at));
    case 'float64':
      return fixed(8, (bytes, at) => bytes.readDoubleLE(at));
    case 'timestamp':
      return fixed(8, (bytes, at) => Number(bytes.readBigInt64LE(at)));
    case 'string':
    case 'enum':
      return { skip: skipText, read: (bytes, cursor) => readText(bytes, cursor) };
    default:
      throw new Error(`a ${kind} can't be the key of an entity`);
  }
}

function fixed(width: number, value: (bytes: Buffer, at: number) => Value): Reader {
  return {
    skip: (_bytes, cursor) => void (cursor.at += width),
    read: (bytes, cursor) => value(bytes, (cursor.at += width) - width),
  };
}

function skipText(bytes: Buffer, cursor: Cursor): void {
  const length = readLength(bytes, cursor);
  cursor.at += length;
}

function readText(bytes: Buffer, cursor: Cursor): string {
  const length = readLength(bytes, cursor);
  cursor.at += length;
  return bytes.toString('utf8', cursor.at - length, cursor.at);
}

/** LEB128; infinite where it isn't all there. */
function readLength(bytes: Buffer, cursor: Cursor): number {
  let length = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[cursor.at++];
    if (byte === undefined) return Infinity;
    length += (byte & 127) * scale;
    if (byte < 128) return length;
  }
}
