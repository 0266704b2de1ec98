import type { Value } from '@granary/contracts';
import { corruptRow, withColumn } from '../elements.js';
import { isNull, layoutColumns, type Column, type FixedColumn } from '../layout.js';
import { viewOf } from '../variable.js';
import { modelNumbersReader, numbersReader, type ModelColumn, type ReadModelNumbers, type ReadNumbers } from './numbers-reader.js';

/** Values of one row: `null bitmap | fixed columns | u32 end of each heap column | heap`, anywhere in a value. */
export interface Block {
  /** Throws INVALID_VALUE. */
  encode(values: readonly (Value | null)[]): Buffer;
  /** Where the block that begins at `at` ends. Throws ARTIFACT_CORRUPT if that is beyond `limit`. */
  end(view: DataView, at: number, limit: number): number;
  /** Reads the block `[at, end)`. */
  decode(bytes: Buffer, view: DataView, at: number, end: number): (Value | null)[];
  /** Of these columns; one that is no number is a bug. */
  numbersOf(positions: readonly number[]): ReadNumbers;
  /** As `numbersOf`. */
  modelNumbersOf(columns: readonly ModelColumn[]): ReadModelNumbers;
  /** Whether any column is null. */
  hasNulls(bytes: Uint8Array, at: number): boolean;
}

export function createBlock(columns: readonly Column[]): Block {
  const layout = layoutColumns(columns);
  const bitmapBytes = Math.ceil(columns.length / 8);

  function numberAt(position: number): FixedColumn {
    const column = layout.numbers[position];
    if (column === undefined || column === null) throw new Error(`column ${position} is no number`);
    return column;
  }

  return {
    encode(values) {
      if (values.length !== columns.length) throw new Error(`a row has ${columns.length} values, not ${values.length}`);
      const heap = layout.variable.map(({ name, position, codec }) => {
        const value = values[position]!;
        return value === null ? Buffer.alloc(0) : withColumn(name, () => codec.encode(value));
      });
      const head = Buffer.alloc(layout.heap);
      const view = viewOf(head);
      values.forEach((value, position) => {
        if (value === null) head[position >> 3]! |= 1 << (position & 7);
      });
      for (const { name, position, at, codec } of layout.fixed) {
        const value = values[position]!;
        if (value !== null) withColumn(name, () => codec.write(view, at, value));
      }
      let end = 0;
      heap.forEach((bytes, i) => view.setUint32(layout.ends + 4 * i, (end += bytes.length), true));
      return heap.length === 0 ? head : Buffer.concat([head, ...heap]);
    },

    end(view, at, limit) {
      const heap = at + layout.heap;
      const end = layout.variable.length === 0 || heap > limit ? heap : heap + view.getUint32(heap - 4, true);
      if (end > limit) throw corruptRow('its columns need more bytes than it has');
      return end;
    },

    decode(bytes, view, at, end) {
      const values = new Array<Value | null>(columns.length).fill(null);
      for (const column of layout.fixed) {
        if (!isNull(bytes, at, column.position)) values[column.position] = column.codec.read(view, at + column.at);
      }
      const heap = at + layout.heap;
      let from = heap;
      for (let i = 0; i < layout.variable.length; i++) {
        const column = layout.variable[i]!;
        const to = heap + view.getUint32(at + layout.ends + 4 * i, true);
        if (to < from || to > end) throw corruptRow(`${column.name} lies outside of it`);
        if (!isNull(bytes, at, column.position)) values[column.position] = column.codec.decode(bytes, view, from, to);
        from = to;
      }
      return values;
    },

    numbersOf: (positions) => numbersReader(positions.map(numberAt)),
    modelNumbersOf: (chosen) => modelNumbersReader(chosen.map((column) => ({ ...numberAt(column.position), ...column }))),

    hasNulls(bytes, at) {
      for (let i = 0; i < bitmapBytes; i++) if (bytes[at + i] !== 0) return true;
      return false;
    },
  };
}
