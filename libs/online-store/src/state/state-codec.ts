import { crc32 } from 'node:zlib';
import { eventColumns, type EntityState, type TailEvent, type ViewRepresentation } from '@granary/aggregates';
import type { Value } from '@granary/contracts';
import { corruptRow, mismatch } from '../elements.js';
import { assertVersion } from '../layout.js';
import { BASE_LENGTH_OFFSET, CHECKSUM_BYTES, FORMAT, HEAD_BYTES, ORDER_OFFSET, readSortable, writeSortable } from '../value.js';
import { viewOf } from '../variable.js';
import { createBlock } from './block.js';
import { createFrameCodec } from './frame.js';
import { createLogCodec } from './log.js';

/** Sequence and instant of the empty base: every other base is greater. */
export const NO_BASE = Number.MIN_SAFE_INTEGER;

// What the CRC-32 of any bytes is, followed by their own CRC-32 in little-endian order.
const CHECKED = 0x2144df1c;

/** The bytes of a view's values: base ++ tail (docs/adr/0010). Reading throws SCHEMA_MISMATCH and ARTIFACT_CORRUPT. */
export interface StateCodec {
  /** The base alone: the tail is not in it. Throws INVALID_VALUE; a state with no row that isn't the empty base is a bug. */
  encodeBase(state: EntityState): Buffer;
  /** Throws INVALID_VALUE. */
  encodeFrame(event: TailEvent): Buffer;
  /** Of an entity that was never materialised: what `append` begins with. */
  emptyBase(): Buffer;
  /** Nothing of it lies in `bytes`. */
  decode(bytes: Uint8Array): EntityState;
  /** The row alone, where it says it all: of a base without events in its log, and no tail. Null elsewhere. */
  row(bytes: Uint8Array): readonly (Value | null)[] | null;
  /** H and T of the base, nothing else being looked at but the format. */
  order(bytes: Uint8Array): { readonly sequence: number; readonly asOf: number };
  /**
   * Makes what reads `columns` (positions in the representation's `row`; numbers, timestamps, or bools: false 0 and true 1)
   * where `row` gives them. It writes their values to `out` as `out`
   * holds them, and to `mask` 1, or 0 and 0 where the value is null, without an object per value. Else it writes nothing
   * and answers false: `decode` the value.
   */
  numbersOf(columns: readonly number[]): (bytes: Uint8Array, out: Float32Array | Float64Array, mask: Uint8Array) => boolean;
}

/** `version`: of the view, 12 hex digits; values of another one are refused. */
export function createStateCodec({ row: columns, events }: Pick<ViewRepresentation, 'row' | 'events'>, version: string): StateCodec {
  assertVersion(version);
  const id = Buffer.from(version, 'hex');
  const idHigh = id.readUInt16LE(0);
  const idLow = id.readUInt32LE(2);
  const row = createBlock(columns);
  const log = createLogCodec(events);
  const frames = createFrameCodec(events);
  const noRow = columns.map(() => null);

  function encodeBase(state: EntityState): Buffer {
    if ((state.row === null) !== (state.sequence === NO_BASE) || (state.row === null && state.log.count > 0)) {
      throw new Error(`a base as of ${state.sequence} has ${state.row === null ? 'no row' : 'a row'} and ${state.log.count} events`);
    }
    const base = Buffer.concat([Buffer.alloc(HEAD_BYTES), row.encode(state.row ?? noRow), log.encode(state.log), Buffer.alloc(CHECKSUM_BYTES)]);
    const view = viewOf(base);
    base[0] = FORMAT;
    base.set(id, 1);
    writeSortable(view, ORDER_OFFSET, state.sequence);
    writeSortable(view, ORDER_OFFSET + 8, state.asOf);
    view.setUint32(BASE_LENGTH_OFFSET, base.length, true);
    const checksumAt = base.length - CHECKSUM_BYTES;
    view.setUint32(checksumAt, crc32(base.subarray(0, checksumAt)), true);
    return base;
  }

  function assertFormat(bytes: Uint8Array): void {
    if (bytes.length < HEAD_BYTES) throw corruptRow(`it has ${bytes.length} bytes`);
    if (bytes[0] === FORMAT) return;
    throw mismatch(version, `format ${bytes[0]}`, 'it was written by another version of Granary');
  }

  /** Where the checksum of the base begins. */
  function checkBase(bytes: Buffer, view: DataView): number {
    assertFormat(bytes);
    const end = view.getUint32(BASE_LENGTH_OFFSET, true) - CHECKSUM_BYTES;
    const length = end + CHECKSUM_BYTES;
    if (end < HEAD_BYTES || length > bytes.length || crc32(length === bytes.length ? bytes : bytes.subarray(0, length)) !== CHECKED) {
      throw corruptRow(`the bytes of its base don't match their checksum`);
    }
    if (view.getUint16(1, true) !== idHigh || view.getUint32(3, true) !== idLow) {
      throw mismatch(version, bytes.toString('hex', 1, 7), 'it holds another version of the view');
    }
    return end;
  }

  let last = viewOf(new Uint8Array(0));
  /** At least these bytes: making a view takes as long as reading 50 numbers, and an embedded store gives all its values in the same memory. */
  function spanning(bytes: Uint8Array): DataView {
    const spans = last.buffer === bytes.buffer && last.byteOffset === bytes.byteOffset && last.byteLength >= bytes.length;
    return spans ? last : (last = viewOf(bytes));
  }

  function isEmptyBase(view: DataView): boolean {
    return readSortable(view, ORDER_OFFSET) === NO_BASE;
  }

  /** Where a row that says it all ends; −1 where there is more, or none. */
  function endOfRow(bytes: Buffer, view: DataView): number {
    const end = checkBase(bytes, view);
    const logAt = row.end(view, HEAD_BYTES, end);
    if (logAt + 4 > end) throw corruptRow('it has no log');
    if (end + CHECKSUM_BYTES < bytes.length || log.count(view, logAt) > 0 || isEmptyBase(view)) return -1;
    if (logAt + 4 !== end) throw corruptRow('it goes on after its log');
    return logAt;
  }

  const empty = encodeBase({ sequence: NO_BASE, asOf: NO_BASE, row: null, log: eventColumns(events, 0), tail: [] });
  return {
    encodeBase,
    encodeFrame: (event) => frames.encode(event),
    emptyBase: () => empty,

    decode(bytes) {
      const buffer = asBuffer(bytes);
      const view = spanning(bytes);
      const end = checkBase(buffer, view);
      const logAt = row.end(view, HEAD_BYTES, end);
      if (logAt + 4 > end) throw corruptRow('it has no log');
      const sequence = readSortable(view, ORDER_OFFSET);
      return {
        sequence,
        asOf: readSortable(view, ORDER_OFFSET + 8),
        row: sequence === NO_BASE ? null : row.decode(buffer, view, HEAD_BYTES, logAt),
        log: log.decode(buffer, view, logAt, end),
        tail: frames.decodeAll(buffer, view, end + CHECKSUM_BYTES),
      };
    },

    row(bytes) {
      const [buffer, view] = [asBuffer(bytes), spanning(bytes)];
      const end = endOfRow(buffer, view);
      return end < 0 ? null : row.decode(buffer, view, HEAD_BYTES, end);
    },

    order(bytes) {
      assertFormat(bytes);
      const view = spanning(bytes);
      return { sequence: readSortable(view, ORDER_OFFSET), asOf: readSortable(view, ORDER_OFFSET + 8) };
    },

    numbersOf(wanted) {
      const read = row.numbersOf(wanted);
      return (bytes, out, mask) => {
        const buffer = asBuffer(bytes);
        const view = spanning(bytes);
        if (endOfRow(buffer, view) < 0) return false;
        if (wanted.length > out.length || wanted.length > mask.length) throw new Error(`${wanted.length} columns don't fit into ${out.length} numbers and a mask of ${mask.length}`);
        read(view, HEAD_BYTES, out);
        mask.fill(1, 0, wanted.length);
        if (row.hasNulls(bytes, HEAD_BYTES)) for (let i = 0; i < wanted.length; i++) if (row.isNull(bytes, HEAD_BYTES, wanted[i]!)) mask[i] = 0;
        return true;
      };
    },
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
