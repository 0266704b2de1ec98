import type { WriteOrder } from '@granary/contracts';

/** Where every packed row holds its write order, whatever its schema: stores compare these bytes and know nothing else. */
export const ORDER_OFFSET = 7;
/** Event time, known at, sequence: 8 bytes each. */
export const ORDER_BYTES = 24;
const ORDER_END = ORDER_OFFSET + ORDER_BYTES;

const TWO_32 = 4294967296;
const SIGN = 0x80000000;

/** Big-endian with the sign bit flipped, so that unsigned bytes compare as the signed numbers do. */
export function writeOrder(view: DataView, order: WriteOrder): void {
  writeSortable(view, ORDER_OFFSET, order.eventTime);
  writeSortable(view, ORDER_OFFSET + 8, order.knownAt);
  writeSortable(view, ORDER_OFFSET + 16, order.sequence);
}

export function readOrder(view: DataView): WriteOrder {
  return { eventTime: readSortable(view, ORDER_OFFSET), knownAt: readSortable(view, ORDER_OFFSET + 8), sequence: readSortable(view, ORDER_OFFSET + 16) };
}

/** Whether `row` may replace `stored`: its order is greater, or what is stored is too short to be a packed row. */
export function isNewer(row: Uint8Array, stored: Uint8Array): boolean {
  if (stored.length < ORDER_END) return true;
  for (let i = ORDER_OFFSET; i < ORDER_END; i++) {
    if (row[i] !== stored[i]) return row[i]! > stored[i]!;
  }
  return false;
}

/** Bytes without an order in the store would win or lose by accident: handing them over is a bug. */
export function assertPacked(rows: readonly { readonly key: string; readonly value: Uint8Array }[]): void {
  for (const row of rows) {
    if (row.value.length < ORDER_END) throw new Error(`the value for ${row.key} is no packed row: ${row.value.length} bytes`);
  }
}

function writeSortable(view: DataView, at: number, value: number): void {
  if (!Number.isSafeInteger(value)) throw new Error(`a write order holds safe integers, not ${value}`);
  const high = Math.floor(value / TWO_32);
  view.setUint32(at, high + SIGN);
  view.setUint32(at + 4, value - high * TWO_32);
}

function readSortable(view: DataView, at: number): number {
  return (view.getUint32(at) - SIGN) * TWO_32 + view.getUint32(at + 4);
}
