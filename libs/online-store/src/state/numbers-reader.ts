import { isNull, type FixedColumn } from '../layout.js';
import type { Memory } from '../memory-of.js';

/** Where a row lies: in `memory`, of which `view` is the one, `[at, end)`. */
export interface RowPlace {
  readonly memory: Memory;
  readonly view: DataView;
  readonly at: number;
  readonly end: number;
  /** T of its base. */
  readonly asOf: number;
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

/** Columns of one kind that lie one after the other, and go one after the other. */
interface Run {
  readonly kind: string;
  /** Of the first one, from the first byte of the row. */
  readonly at: number;
  /** Where the first one goes. */
  readonly to: number;
  readonly count: number;
}

export function numbersReader(columns: readonly FixedColumn[]): ReadNumbers {
  return (row, out, mask) => {
    for (let i = 0; i < columns.length; i++) {
      const { position, at, codec } = columns[i]!;
      out[i] = Number(codec.read(row.view, row.at + at));
      mask[i] = row.hasNulls && isNull(row.memory.bytes, row.at, position) ? 0 : 1;
    }
  };
}

export function modelNumbersReader(columns: readonly (FixedColumn & ModelColumn)[]): ReadModelNumbers {
  const runs = runsOf(columns);
  const readExactly = numbersReader(columns);
  const [exact, present] = [new Float64Array(columns.length), new Uint8Array(columns.length)];

  /** Null, beyond float32, infinite or NaN: what a Float32Array alone does not get right. */
  function readRare(row: RowPlace, out: Float32Array, mask: Uint8Array, from: number): void {
    readExactly(row, exact, present);
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
    for (let r = 0; r < runs.length; r++) {
      const { kind, at, to, count } = runs[r]!;
      readRun(kind, row.view, row.at + at, count, out, from + to);
      for (let i = from + to; i < from + to + count; i++) {
        finite += out[i]! * 0;
        mask[i] = 1;
      }
    }
    if (row.hasNulls || finite !== 0) readRare(row, out, mask, from);
  };
}

function runsOf(columns: readonly (FixedColumn & ModelColumn)[]): readonly Run[] {
  const runs: Run[] = [];
  for (const { kind, at, to, codec } of columns.toSorted((a, b) => a.at - b.at)) {
    const last = runs.at(-1);
    const follows = last !== undefined && last.kind === kind && last.at + last.count * codec.width === at && last.to + last.count === to;
    if (follows) runs[runs.length - 1] = { ...last, count: last.count + 1 };
    else runs.push({ kind, at, to, count: 1 });
  }
  return runs;
}

/** Each loop reads one kind of number only, all into one kind of array. */
function readRun(kind: string, view: DataView, at: number, count: number, out: Float32Array, to: number): void {
  switch (kind) {
    case 'float64':
    case 'timestamp':
      for (let i = 0; i < count; i++) out[to + i] = view.getFloat64(at + 8 * i, true);
      return;
    case 'float32':
      for (let i = 0; i < count; i++) out[to + i] = view.getFloat32(at + 4 * i, true);
      return;
    case 'int32':
      for (let i = 0; i < count; i++) out[to + i] = view.getInt32(at + 4 * i, true);
      return;
    case 'int64':
      // The exact high half plus the exact low half rounds once, as Number(bigint) does.
      for (let i = 0; i < count; i++) out[to + i] = view.getInt32(at + 8 * i + 4, true) * 4294967296 + view.getUint32(at + 8 * i, true);
      return;
    default:
      for (let i = 0; i < count; i++) out[to + i] = view.getUint8(at + i);
  }
}
