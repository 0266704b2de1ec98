import { crc32 } from 'node:zlib';
import { eventColumns, type EntityState, type TailEvent, type ViewRepresentation } from '@granary/aggregates';
import { corruptRow, mismatch } from '../elements.js';
import { assertVersion } from '../layout.js';
import { BASE_LENGTH_OFFSET, CHECKSUM_BYTES, FORMAT, HEAD_BYTES, OLD_FORMAT, ORDER_OFFSET, readSortable, writeSortable } from '../value.js';
import { viewOf } from '../variable.js';
import { createBlock } from './block.js';
import { createFrameCodec } from './frame.js';
import { createLogCodec } from './log.js';

/** Sequence and instant of the empty base: every other base is greater. */
export const NO_BASE = Number.MIN_SAFE_INTEGER;

/** The bytes of a view's values: base ++ tail (docs/adr/0010). Reading throws SCHEMA_MISMATCH and ARTIFACT_CORRUPT. */
export interface StateCodec {
  /** The base alone: the tail is not in it. Throws INVALID_VALUE; a state with no row that isn't the empty base is a bug. */
  encodeBase(state: EntityState): Buffer;
  /** Throws INVALID_VALUE. */
  encodeFrame(event: TailEvent): Buffer;
  /** Of an entity that was never materialised: what `append` begins with. */
  emptyBase(): Buffer;
  /** The log's columns lie in memory of their own or in `bytes`, which must not change afterwards. */
  decode(bytes: Uint8Array): EntityState;
  /** H and T of the base, nothing else being looked at but the format. */
  order(bytes: Uint8Array): { readonly sequence: number; readonly asOf: number };
  /**
   * Where the row says it all (a base without events in its log, and no tail): writes the values of `columns` (positions in
   * the representation's `row`; numbers, timestamps, or bools: false 0 and true 1) to `out[offset + i]` as `out` holds them,
   * and to `mask[offset + i]` 1, or 0 and 0 where the value is null, without an object per value. Else it writes nothing and
   * answers false: `decode` the value.
   */
  decodeNumbers(bytes: Uint8Array, out: Float32Array | Float64Array, mask: Uint8Array, offset: number, columns: readonly number[]): boolean;
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
    throw mismatch(version, `format ${bytes[0]}`, bytes[0] === OLD_FORMAT ? 'it was written before there were tails' : 'it was written by another version of Granary');
  }

  /** Where the checksum of the base begins. */
  function checkBase(bytes: Buffer, view: DataView): number {
    assertFormat(bytes);
    const end = view.getUint32(BASE_LENGTH_OFFSET, true) - CHECKSUM_BYTES;
    if (end < HEAD_BYTES || end + CHECKSUM_BYTES > bytes.length || view.getUint32(end, true) !== crc32(bytes.subarray(0, end))) {
      throw corruptRow(`the bytes of its base don't match their checksum`);
    }
    if (view.getUint16(1, true) !== idHigh || view.getUint32(3, true) !== idLow) {
      throw mismatch(version, bytes.toString('hex', 1, 7), 'it holds another version of the view');
    }
    return end;
  }

  const empty = encodeBase({ sequence: NO_BASE, asOf: NO_BASE, row: null, log: eventColumns(events, 0), tail: [] });
  return {
    encodeBase,
    encodeFrame: (event) => frames.encode(event),
    emptyBase: () => empty,

    decode(bytes) {
      const buffer = asBuffer(bytes);
      const view = viewOf(bytes);
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

    order(bytes) {
      assertFormat(bytes);
      const view = viewOf(bytes);
      return { sequence: readSortable(view, ORDER_OFFSET), asOf: readSortable(view, ORDER_OFFSET + 8) };
    },

    decodeNumbers(bytes, out, mask, offset, wanted) {
      const buffer = asBuffer(bytes);
      const view = viewOf(bytes);
      const end = checkBase(buffer, view);
      const logAt = row.end(view, HEAD_BYTES, end);
      if (logAt + 4 > end) throw corruptRow('it has no log');
      if (end + CHECKSUM_BYTES < bytes.length || log.count(view, logAt) > 0 || readSortable(view, ORDER_OFFSET) === NO_BASE) return false;
      if (logAt + 4 !== end) throw corruptRow('it goes on after its log');
      if (offset < 0 || offset + wanted.length > out.length || offset + wanted.length > mask.length) {
        throw new Error(`${wanted.length} columns at ${offset} don't fit into ${out.length} numbers and a mask of ${mask.length}`);
      }
      for (let i = 0; i < wanted.length; i++) {
        const column = wanted[i]!;
        out[offset + i] = row.number(buffer, view, HEAD_BYTES, column);
        mask[offset + i] = row.isNull(buffer, HEAD_BYTES, column) ? 0 : 1;
      }
      return true;
    },
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
