import type { FixedColumn } from '../layout.js';
import type { Memory } from '../memory-of.js';

/** Where a row lies: in `memory`, of which `view` is the one, `[at, end)`. */
export interface RowPlace {
  readonly memory: Memory;
  readonly view: DataView;
  readonly at: number;
  readonly end: number;
  /** Whether any of its columns is null. */
  readonly hasNulls: boolean;
}

/** Writes the columns of a row to `out`, in their order, and to `mask` 1; where one is null 0 and 0. Bools are 0 and 1. */
export type ReadNumbers = (row: RowPlace, out: Float64Array, mask: Uint8Array) => void;

/** A column of a row as a model takes it. */
export interface ModelColumn {
  /** Which column of the row. */
  readonly position: number;
  /** Where it goes, from `from` on. */
  readonly to: number;
  /** What is written where it is null, infinite or NaN; NaN: nothing. */
  readonly whenEmpty: number;
}

/** Writes the columns of a row to `out`, bounded to the numbers that it holds, and 1 to `mask`. What is not present is not written. */
export type ReadModelNumbers = (row: RowPlace, out: Float32Array, mask: Uint8Array, from: number) => void;

/** The greatest float32: (2 − 2⁻²³) · 2¹²⁷. */
const FLOAT32_MAX = 3.4028234663852886e38;

/** Columns of one kind: each loop below reads one kind of number only. */
interface Group {
  readonly kind: string;
  /** From the first byte of the row. */
  readonly offsets: Int32Array;
  /** Where each goes in what is written. */
  readonly places: Int32Array;
}

export function numbersReader(columns: readonly FixedColumn[]): ReadNumbers {
  const groups = groupsOf(columns, (place) => place);
  const positions = Int32Array.from(columns, ({ position }) => position);
  return (row, out, mask) => {
    for (let g = 0; g < groups.length; g++) readGroup(groups[g]!, row.view, row.at, out, 0);
    for (let i = 0; i < positions.length; i++) mask[i] = isNull(row, positions[i]!) ? 0 : 1;
  };
}

export function modelNumbersReader(columns: readonly (FixedColumn & ModelColumn)[]): ReadModelNumbers {
  const groups = groupsOf(columns, (place) => columns[place]!.to);
  const column = numbersReader(columns);
  const [exact, present] = [new Float64Array(columns.length), new Uint8Array(columns.length)];

  /** Null, beyond float32, infinite or NaN: what a Float32Array alone does not get right. */
  function readRare(row: RowPlace, out: Float32Array, mask: Uint8Array, from: number): void {
    column(row, exact, present);
    for (let i = 0; i < columns.length; i++) {
      const { to, whenEmpty } = columns[i]!;
      const value = present[i] === 1 && Number.isFinite(exact[i]!) ? exact[i]! : whenEmpty;
      const given = !Number.isNaN(value);
      out[from + to] = given ? Math.max(-FLOAT32_MAX, Math.min(FLOAT32_MAX, value)) : 0;
      mask[from + to] = given ? 1 : 0;
    }
  }

  return (row, out, mask, from) => {
    // Of finite numbers 0, else NaN.
    let finite = 0;
    for (let g = 0; g < groups.length; g++) {
      const group = groups[g]!;
      readGroup(group, row.view, row.at, out, from);
      const { places } = group;
      for (let i = 0; i < places.length; i++) {
        const to = from + places[i]!;
        finite += out[to]! * 0;
        mask[to] = 1;
      }
    }
    if (row.hasNulls || finite !== 0) readRare(row, out, mask, from);
  };
}

function groupsOf(columns: readonly FixedColumn[], placeOf: (column: number) => number): Group[] {
  return [...new Set(columns.map(({ kind }) => kind))].map((kind): Group => {
    const chosen = columns.flatMap((column, i) => (column.kind === kind ? [i] : []));
    return { kind, offsets: Int32Array.from(chosen, (i) => columns[i]!.at), places: Int32Array.from(chosen, placeOf) };
  });
}

function isNull({ view, at }: RowPlace, position: number): boolean {
  return (view.getUint8(at + (position >> 3)) & (1 << (position & 7))) !== 0;
}

function readGroup({ kind, offsets, places }: Group, view: DataView, at: number, out: Float32Array | Float64Array, from: number): void {
  const count = offsets.length;
  switch (kind) {
    case 'float64':
    case 'timestamp':
      for (let i = 0; i < count; i++) out[from + places[i]!] = view.getFloat64(at + offsets[i]!, true);
      return;
    case 'float32':
      for (let i = 0; i < count; i++) out[from + places[i]!] = view.getFloat32(at + offsets[i]!, true);
      return;
    case 'int32':
      for (let i = 0; i < count; i++) out[from + places[i]!] = view.getInt32(at + offsets[i]!, true);
      return;
    case 'int64':
      // The exact high half plus the exact low half rounds once, as Number(bigint) does.
      for (let i = 0; i < count; i++) out[from + places[i]!] = view.getInt32(at + offsets[i]! + 4, true) * 4294967296 + view.getUint32(at + offsets[i]!, true);
      return;
    default:
      for (let i = 0; i < count; i++) out[from + places[i]!] = view.getUint8(at + offsets[i]!);
  }
}
