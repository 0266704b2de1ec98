import type { WriteOrder } from '@granary/contracts';
import { OLD_ORDER_BYTES, ORDER_OFFSET, readSortable, writeSortable } from './value.js';

/** Where the columns of a format 1 row begin: after its three-part write order. */
export const ORDER_END = ORDER_OFFSET + OLD_ORDER_BYTES;

/** Event time, known at, sequence of a format 1 row. */
export function writeOrder(view: DataView, order: WriteOrder): void {
  writeSortable(view, ORDER_OFFSET, order.eventTime);
  writeSortable(view, ORDER_OFFSET + 8, order.knownAt);
  writeSortable(view, ORDER_OFFSET + 16, order.sequence);
}

export function readOrder(view: DataView): WriteOrder {
  return { eventTime: readSortable(view, ORDER_OFFSET), knownAt: readSortable(view, ORDER_OFFSET + 8), sequence: readSortable(view, ORDER_OFFSET + 16) };
}
