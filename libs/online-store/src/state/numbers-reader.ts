import type { FixedColumn } from '../layout.js';

/** Columns of one kind: each loop below reads one kind of number only. */
interface Group {
  readonly kind: string;
  /** From the first byte of the block. */
  readonly offsets: Int32Array;
  /** Where each goes in what is written. */
  readonly places: Int32Array;
}

/** Writes the columns of the block at `at` to `out`, in their order: bools as 0 and 1, for a null 0, which is what stands in its place. */
export type ReadNumbers = (view: DataView, at: number, out: Float32Array | Float64Array) => void;

export function numbersReader(columns: readonly FixedColumn[]): ReadNumbers {
  const groups = [...new Set(columns.map(({ kind }) => kind))].map((kind): Group => {
    const places = columns.flatMap((column, place) => (column.kind === kind ? [place] : []));
    return { kind, offsets: Int32Array.from(places, (place) => columns[place]!.at), places: Int32Array.from(places) };
  });
  return (view, at, out) => {
    for (let g = 0; g < groups.length; g++) readGroup(groups[g]!, view, at, out);
  };
}

function readGroup({ kind, offsets, places }: Group, view: DataView, at: number, out: Float32Array | Float64Array): void {
  const count = offsets.length;
  switch (kind) {
    case 'float64':
    case 'timestamp':
      for (let i = 0; i < count; i++) out[places[i]!] = view.getFloat64(at + offsets[i]!, true);
      return;
    case 'float32':
      for (let i = 0; i < count; i++) out[places[i]!] = view.getFloat32(at + offsets[i]!, true);
      return;
    case 'int32':
      for (let i = 0; i < count; i++) out[places[i]!] = view.getInt32(at + offsets[i]!, true);
      return;
    case 'int64':
      // The exact high half plus the exact low half rounds once, as Number(bigint) does.
      for (let i = 0; i < count; i++) out[places[i]!] = view.getInt32(at + offsets[i]! + 4, true) * 4294967296 + view.getUint32(at + offsets[i]!, true);
      return;
    default:
      for (let i = 0; i < count; i++) out[places[i]!] = view.getUint8(at + offsets[i]!);
  }
}
