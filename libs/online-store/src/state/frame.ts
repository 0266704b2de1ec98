import { crc32 } from 'node:zlib';
import type { EventSchema, TailEvent } from '@granary/aggregates';
import { corruptRow } from '../elements.js';
import { CHECKSUM_BYTES, FRAME_HEAD_BYTES, FRAME_SEQUENCE_OFFSET, readSortable, writeSortable } from '../value.js';
import { viewOf } from '../variable.js';
import { createBlock } from './block.js';

/** One event after the base: `u32 length | sequence | time f64 | known f64 if there is one | conditions u8 each | columns | u32 CRC-32`. */
export interface FrameCodec {
  /** Throws INVALID_VALUE. */
  encode(event: TailEvent): Buffer;
  /** All frames of `[at, end)`; their checksums are looked at if `sums`. Throws ARTIFACT_CORRUPT. */
  decodeAll(bytes: Buffer, view: DataView, at: number, end: number, sums: boolean): TailEvent[];
}

export function createFrameCodec({ conditions, columns, knownAt }: EventSchema): FrameCodec {
  const block = createBlock(columns);
  const timeAt = FRAME_HEAD_BYTES;
  const knownAtAt = timeAt + 8;
  const conditionsAt = knownAt ? knownAtAt + 8 : knownAtAt;
  const columnsAt = conditionsAt + conditions.length;

  function decode(bytes: Buffer, view: DataView, at: number, end: number, sums: boolean): TailEvent {
    const checksumAt = end - CHECKSUM_BYTES;
    if (checksumAt < at + columnsAt) throw corruptRow(`a frame has ${end - at} bytes`);
    if (sums && view.getUint32(checksumAt, true) !== crc32(bytes.subarray(at, checksumAt))) {
      throw corruptRow(`the ${end - at} bytes of a frame don't match their checksum`);
    }
    if (block.end(view, at + columnsAt, checksumAt) !== checksumAt) throw corruptRow('a frame is longer than its columns');
    const time = view.getFloat64(at + timeAt, true);
    return {
      sequence: readSortable(view, at + FRAME_SEQUENCE_OFFSET),
      time,
      known: knownAt ? view.getFloat64(at + knownAtAt, true) : time,
      conditions: conditions.map((_condition, i) => bytes[at + conditionsAt + i]!),
      values: block.decode(bytes, view, at + columnsAt, checksumAt),
    };
  }

  return {
    encode(event) {
      if (event.conditions.length !== conditions.length) throw new Error(`an event has ${conditions.length} conditions, not ${event.conditions.length}`);
      const values = block.encode(event.values);
      const frame = Buffer.alloc(columnsAt + values.length + CHECKSUM_BYTES);
      const view = viewOf(frame);
      view.setUint32(0, frame.length, true);
      writeSortable(view, FRAME_SEQUENCE_OFFSET, event.sequence);
      view.setFloat64(timeAt, event.time, true);
      if (knownAt) view.setFloat64(knownAtAt, event.known, true);
      frame.set(event.conditions, conditionsAt);
      frame.set(values, columnsAt);
      const checksumAt = frame.length - CHECKSUM_BYTES;
      view.setUint32(checksumAt, crc32(frame.subarray(0, checksumAt)), true);
      return frame;
    },

    decodeAll(bytes, view, at, end, sums) {
      const events: TailEvent[] = [];
      while (at < end) {
        const length = at + FRAME_HEAD_BYTES <= end ? view.getUint32(at, true) : 0;
        const next = at + length;
        if (length < FRAME_HEAD_BYTES || next > end) throw corruptRow(`its last frame is torn: ${end - at} bytes`);
        events.push(decode(bytes, view, at, next, sums));
        at = next;
      }
      return events;
    },
  };
}
