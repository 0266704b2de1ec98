import { crc32 } from 'node:zlib';
import { eventColumns, type EntityState, type TailEvent, type ViewRepresentation } from '@granary/aggregates';
import type { Value } from '@granary/contracts';
import { corruptRow, mismatch } from '../elements.js';
import { assertVersion } from '../layout.js';
import { BASE_LENGTH_OFFSET, CHECKSUM_BYTES, FORMAT, HEAD_BYTES, ORDER_OFFSET, readSortable, writeSortable } from '../value.js';
import { memoryOf, type Memory } from '../memory-of.js';
import { viewOf } from '../variable.js';
import { createBlock } from './block.js';
import { createFrameCodec } from './frame.js';
import { createLogCodec } from './log.js';
import type { ModelColumn, ReadModelNumbers, ReadNumbers, RowPlace } from './numbers-reader.js';

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
  /** Checks every byte: for who writes what comes of it. Nothing of it lies in `bytes`. */
  decode(bytes: Uint8Array): EntityState;
  /**
   * As `decode`, for who evaluates it at once: checksums are not computed, its log is another one after the next call, and its columns
   * may be longer than it.
   */
  peek(bytes: Uint8Array): EntityState;
  /**
   * Where the row lies that says it all: of a base without events in its log, and no tail. Null elsewhere: `decode` the value.
   * Good until the next call, for it is the same object each time. Checksums are not computed.
   */
  place(bytes: Uint8Array): RowPlace | null;
  /** All columns of the row that lies there. */
  row(place: RowPlace): readonly (Value | null)[];
  /** H and T of the base, nothing else being looked at but the format. */
  order(bytes: Uint8Array): { readonly sequence: number; readonly asOf: number };
  /** Makes what reads columns of the row, by their positions in the representation's `row`, without an object per value. One that is no number, timestamp or bool is a bug. */
  numbersOf(columns: readonly number[]): ReadNumbers;
  /** As `numbersOf`, into the row of a model's matrix. */
  modelNumbersOf(columns: readonly ModelColumn[]): ReadModelNumbers;
}

/** `version`: of the view, 12 hex digits; values of another one are refused. */
export function createStateCodec({ row: columns, events }: Pick<ViewRepresentation, 'row' | 'events'>, version: string): StateCodec {
  assertVersion(version);
  const id = Buffer.from(version, 'hex');
  const idHigh = id.readUInt16LE(0);
  const idLow = id.readUInt32LE(2);
  const block = createBlock(columns);
  const log = createLogCodec(events);
  const frames = createFrameCodec(events);
  const noRow = columns.map(() => null);

  function encodeBase(state: EntityState): Buffer {
    if ((state.row === null) !== (state.sequence === NO_BASE) || (state.row === null && state.log.count > 0)) {
      throw new Error(`a base as of ${state.sequence} has ${state.row === null ? 'no row' : 'a row'} and ${state.log.count} events`);
    }
    const base = Buffer.concat([Buffer.alloc(HEAD_BYTES), block.encode(state.row ?? noRow), log.encode(state.log), Buffer.alloc(CHECKSUM_BYTES)]);
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

  /** Where the checksum of the base begins. Every length is looked at; the checksum only if `sums`. */
  function checkBase(bytes: Uint8Array, { view, bytes: all }: Memory, sums: boolean): number {
    assertFormat(bytes);
    const at = bytes.byteOffset;
    const length = view.getUint32(at + BASE_LENGTH_OFFSET, true);
    if (length < HEAD_BYTES + CHECKSUM_BYTES || length > bytes.length) throw corruptRow(`it has ${bytes.length} bytes, and its base ${length}`);
    if (sums && crc32(bytes.subarray(0, length)) !== CHECKED) throw corruptRow(`the bytes of its base don't match their checksum`);
    if (view.getUint16(at + 1, true) !== idHigh || view.getUint32(at + 3, true) !== idLow) {
      throw mismatch(version, all.toString('hex', at + 1, at + 7), 'it holds another version of the view');
    }
    return at + length - CHECKSUM_BYTES;
  }

  /** Where the log begins. */
  function logOf(view: DataView, row: number, end: number): number {
    const at = block.end(view, row, end);
    if (at + 4 > end) throw corruptRow('it has no log');
    return at;
  }

  const place = { memory: memoryOf(id), view: viewOf(id), at: 0, end: 0, asOf: 0, hasNulls: false };
  function read(bytes: Uint8Array, readLog: typeof log.decode, sums: boolean): EntityState {
    const memory = memoryOf(bytes);
    const { view, bytes: all } = memory;
    const at = bytes.byteOffset;
    const end = checkBase(bytes, memory, sums);
    const logAt = logOf(view, at + HEAD_BYTES, end);
    const sequence = readSortable(view, at + ORDER_OFFSET);
    return {
      sequence,
      asOf: readSortable(view, at + ORDER_OFFSET + 8),
      row: sequence === NO_BASE ? null : block.decode(all, view, at + HEAD_BYTES, logAt),
      log: readLog(memory, logAt, end),
      tail: frames.decodeAll(all, view, end + CHECKSUM_BYTES, at + bytes.length, sums),
    };
  }

  const empty = encodeBase({ sequence: NO_BASE, asOf: NO_BASE, row: null, log: eventColumns(events, 0), tail: [] });
  return {
    encodeBase,
    encodeFrame: (event) => frames.encode(event),
    emptyBase: () => empty,

    decode: (bytes) => read(bytes, log.decode, true),
    peek: (bytes) => read(bytes, log.peek, false),

    place(bytes) {
      const memory = memoryOf(bytes);
      const { view } = memory;
      const at = bytes.byteOffset;
      const end = checkBase(bytes, memory, false);
      const logAt = logOf(view, at + HEAD_BYTES, end);
      if (end + CHECKSUM_BYTES < at + bytes.length || log.count(view, logAt) > 0 || readSortable(view, at + ORDER_OFFSET) === NO_BASE) return null;
      if (logAt + 4 !== end) throw corruptRow('it goes on after its log');
      place.memory = memory;
      place.view = view;
      place.at = at + HEAD_BYTES;
      place.end = logAt;
      place.asOf = readSortable(view, at + ORDER_OFFSET + 8);
      place.hasNulls = block.hasNulls(memory.bytes, place.at);
      return place;
    },

    row: ({ memory, view, at, end }) => block.decode(memory.bytes, view, at, end),

    order(bytes) {
      assertFormat(bytes);
      const { view } = memoryOf(bytes);
      const at = bytes.byteOffset + ORDER_OFFSET;
      return { sequence: readSortable(view, at), asOf: readSortable(view, at + 8) };
    },

    numbersOf: (wanted) => block.numbersOf(wanted),
    modelNumbersOf: (wanted) => block.modelNumbersOf(wanted),
  };
}
