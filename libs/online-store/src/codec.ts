import type { Value, WriteOrder } from '@granary/contracts';
import { checksum } from './checksum.js';
import { corruptRow, mismatch, readNumber, withColumn } from './elements.js';
import { layoutRow, type RowLayout, type RowSchema } from './layout.js';
import { readOrder, writeOrder } from './order.js';
import { viewOf } from './variable.js';

/** What one packed row of a feature view holds; `values` in the order of the schema's columns. */
export interface Row {
  readonly order: WriteOrder;
  readonly values: readonly (Value | null)[];
}

export interface RowCodec {
  readonly schema: RowSchema;
  /** Throws INVALID_VALUE for a value that isn't of its column's type: nothing is rounded or cut, except numbers to float32. */
  encode(row: Row): Uint8Array;
  /** The opposite of `encode`, bit by bit. Throws SCHEMA_MISMATCH and ARTIFACT_CORRUPT. */
  decode(bytes: Uint8Array): Row;
  /**
   * Writes the values of `columns` (positions in the schema; numbers, timestamps, or bools: false 0 and true 1) to
   * `out[offset + i]` as doubles or rounded to float32, as `out` holds them (float32 has no millisecond of a timestamp),
   * and to `mask[offset + i]` 1, or 0 and 0 where the value is null. Makes no objects per value.
   * Throws SCHEMA_MISMATCH and ARTIFACT_CORRUPT, and then has written nothing.
   */
  decodeNumbers(bytes: Uint8Array, out: Float32Array | Float64Array, mask: Uint8Array, offset: number, columns: readonly number[]): void;
}

const FORMAT = 1;
const CHECKSUM_BYTES = 4;

/**
 * Format 1, all little-endian but the order:
 * `format u8 | schema id 6 bytes | order 3 × 8 | null bitmap | fixed-width columns | heap ends u32 each | heap | checksum u32`.
 * Columns keep the schema's order within the fixed and the variable part; a null has its bit set and its place zeroed.
 */
export function createRowCodec(schema: RowSchema): RowCodec {
  const layout = layoutRow(schema);
  const id = Buffer.from(schema.id, 'hex');
  const idHigh = id.readUInt16LE(0);
  const idLow = id.readUInt32LE(2);

  function encode(row: Row): Uint8Array {
    if (row.values.length !== schema.columns.length) {
      throw new Error(`a row of ${schema.id} has ${schema.columns.length} values, not ${row.values.length}`);
    }
    const texts = layout.variable.map((column) => {
      const value = row.values[column.position] ?? null;
      return value === null ? null : withColumn(column.name, () => column.codec.encode(value));
    });
    const heapBytes = texts.reduce((sum, text) => sum + (text?.length ?? 0), 0);
    const bytes = new Uint8Array(layout.heap + heapBytes + CHECKSUM_BYTES);
    const view = viewOf(bytes);
    bytes[0] = FORMAT;
    bytes.set(id, 1);
    writeOrder(view, row.order);
    row.values.forEach((value, position) => {
      if (value === null) bytes[layout.bitmap + (position >> 3)]! |= 1 << (position & 7);
    });
    for (const column of layout.fixed) {
      const value = row.values[column.position] ?? null;
      if (value !== null) withColumn(column.name, () => column.codec.write(view, column.at, value));
    }
    let end = 0;
    texts.forEach((text, i) => {
      if (text !== null) bytes.set(text, layout.heap + end);
      view.setUint32(layout.ends + 4 * i, (end += text?.length ?? 0), true);
    });
    view.setUint32(bytes.length - CHECKSUM_BYTES, checksum(view, bytes.length - CHECKSUM_BYTES), true);
    return bytes;
  }

  function check(bytes: Uint8Array): DataView {
    const end = bytes.length - CHECKSUM_BYTES;
    if (bytes.length === 0) throw corruptRow('it is empty');
    if (bytes[0] !== FORMAT) throw mismatch(schema.id, `format ${bytes[0]}`, 'it was written by another version of Granary');
    const view = viewOf(bytes);
    if (end < layout.bitmap || view.getUint32(end, true) !== checksum(view, end)) throw corruptRow(`its ${bytes.length} bytes don't match their checksum`);
    if (view.getUint16(1, true) !== idHigh || view.getUint32(3, true) !== idLow) {
      throw mismatch(schema.id, Buffer.from(bytes.subarray(1, 7)).toString('hex'), 'it holds another version of the view');
    }
    const heapBytes = layout.variable.length === 0 || end < layout.heap ? 0 : view.getUint32(layout.heap - 4, true);
    if (layout.heap + heapBytes !== end) throw corruptRow(`it has ${bytes.length} bytes, and its columns need ${layout.heap + heapBytes + CHECKSUM_BYTES}`);
    return view;
  }

  function decode(bytes: Uint8Array): Row {
    const view = check(bytes);
    const values: (Value | null)[] = new Array<Value | null>(schema.columns.length).fill(null);
    for (const column of layout.fixed) {
      if (!isNull(bytes, layout, column.position)) values[column.position] = column.codec.read(view, column.at);
    }
    if (layout.variable.length > 0) decodeHeap(bytes, view, values);
    return { order: readOrder(view), values };
  }

  function decodeHeap(bytes: Uint8Array, view: DataView, values: (Value | null)[]): void {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let start = layout.heap;
    for (let i = 0; i < layout.variable.length; i++) {
      const column = layout.variable[i]!;
      const end = layout.heap + view.getUint32(layout.ends + 4 * i, true);
      if (end < start || end > bytes.length - CHECKSUM_BYTES) throw corruptRow(`${column.name} lies outside of it`);
      if (!isNull(bytes, layout, column.position)) values[column.position] = column.codec.decode(buffer, view, start, end);
      start = end;
    }
  }

  function decodeNumbers(bytes: Uint8Array, out: Float32Array | Float64Array, mask: Uint8Array, offset: number, columns: readonly number[]): void {
    const view = check(bytes);
    if (offset < 0 || offset + columns.length > out.length || offset + columns.length > mask.length) {
      throw new Error(`${columns.length} columns at ${offset} don't fit into ${out.length} numbers and a mask of ${mask.length}`);
    }
    for (let i = 0; i < columns.length; i++) {
      const column = layout.numbers[columns[i]!];
      if (column === undefined || column === null) throw new Error(`column ${columns[i]} of ${schema.id} is no number`);
      const there = !isNull(bytes, layout, column.position);
      out[offset + i] = there ? readNumber(view, column.at, column.kind) : 0;
      mask[offset + i] = there ? 1 : 0;
    }
  }

  return { schema, encode, decode, decodeNumbers };
}

function isNull(bytes: Uint8Array, layout: RowLayout, position: number): boolean {
  return (bytes[layout.bitmap + (position >> 3)]! & (1 << (position & 7))) !== 0;
}
