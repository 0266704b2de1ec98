/**
 * What stores know of a value: a base (its write order H, T and its length), then frames (their length and sequence).
 * All else is between `createStateCodec` and itself. docs/adr/0010 has every byte.
 */

export const FORMAT = 2;
/** The write order: H, then T, each sortable. */
export const ORDER_OFFSET = 7;
export const BASE_LENGTH_OFFSET = ORDER_OFFSET + 16;
/** Format, version, write order and length of the base. */
export const HEAD_BYTES = BASE_LENGTH_OFFSET + 4;
export const CHECKSUM_BYTES = 4;
/** u32 length of the frame, then its sequence. */
export const FRAME_SEQUENCE_OFFSET = 4;
export const FRAME_HEAD_BYTES = 12;

const TWO_32 = 4294967296;
const SIGN = 0x80000000;

/** A safe integer, big-endian with the sign bit flipped: unsigned bytes compare as the numbers do. */
export function writeSortable(view: DataView, at: number, value: number): void {
  if (!Number.isSafeInteger(value)) throw new Error(`a write order holds safe integers, not ${value}`);
  const high = Math.floor(value / TWO_32);
  view.setUint32(at, high + SIGN);
  view.setUint32(at + 4, value - high * TWO_32);
}

export function readSortable(view: DataView, at: number): number {
  return (view.getUint32(at) - SIGN) * TWO_32 + view.getUint32(at + 4);
}

/** Whether there is a base of this format: one of another says nothing about frames. */
export function hasBase(value: Uint8Array): boolean {
  return value.length >= HEAD_BYTES && value[0] === FORMAT;
}

/** Little-endian. A DataView for each of many values would take longer than what is read from it. */
function uint32At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

export function baseLength(value: Uint8Array): number {
  return uint32At(value, BASE_LENGTH_OFFSET);
}

/** Whether `base` may replace the base of `stored`: its format or else its order is greater, or `stored` is no value at all. */
export function outranks(base: Uint8Array, stored: Uint8Array): boolean {
  if (stored.length < HEAD_BYTES) return true;
  if (base[0] !== stored[0]) return base[0]! > stored[0]!;
  for (let i = ORDER_OFFSET; i < BASE_LENGTH_OFFSET; i++) {
    if (base[i] !== stored[i]) return base[i]! > stored[i]!;
  }
  return false;
}

/** What is stored once `base` is written over `stored`: with the frames beyond its H. Null: nothing changes. */
export function replaceBase(stored: Uint8Array | undefined, base: Uint8Array): Uint8Array | null {
  if (stored === undefined) return base;
  if (!outranks(base, stored)) return null;
  if (!hasBase(base) || !hasBase(stored)) return base;
  return concat(base, framesBeyond(stored.subarray(baseLength(stored)), base));
}

/** `value` with these frames, but for those that its base has folded already. */
export function appendFrames(value: Uint8Array, frames: Uint8Array): Uint8Array {
  return concat(value, framesBeyond(frames, value));
}

/** The frames with a sequence greater than H of `base`, in their order. Bytes that are no frame stay: whoever decodes them must see them. */
function framesBeyond(frames: Uint8Array, base: Uint8Array): Uint8Array[] {
  const kept: Uint8Array[] = [];
  let from = 0;
  let at = 0;
  while (at + FRAME_HEAD_BYTES <= frames.length) {
    const length = uint32At(frames, at);
    if (length < FRAME_HEAD_BYTES || at + length > frames.length) break;
    if (!isBeyond(frames, at + FRAME_SEQUENCE_OFFSET, base)) {
      if (at > from) kept.push(frames.subarray(from, at));
      from = at + length;
    }
    at += length;
  }
  if (from < frames.length) kept.push(frames.subarray(from));
  return kept;
}

function isBeyond(frames: Uint8Array, at: number, base: Uint8Array): boolean {
  for (let i = 0; i < 8; i++) {
    const [sequence, folded] = [frames[at + i]!, base[ORDER_OFFSET + i]!];
    if (sequence !== folded) return sequence > folded;
  }
  return false;
}

function concat(head: Uint8Array, rest: readonly Uint8Array[]): Uint8Array {
  return rest.length === 0 ? head : Buffer.concat([head, ...rest]);
}

/** Bytes without an order in the store would win or lose by accident: handing them over is a bug. */
export function assertBases(rows: readonly { readonly key: string; readonly value: Uint8Array }[]): void {
  for (const { key, value } of rows) {
    if (value.length < HEAD_BYTES || baseLength(value) !== value.length) throw new Error(`the value for ${key} is no base: ${value.length} bytes`);
  }
}

export function assertFrames(rows: readonly { readonly key: string; readonly frame: Uint8Array }[]): void {
  for (const { key, frame } of rows) {
    const whole = frame.length >= FRAME_HEAD_BYTES && uint32At(frame, 0) === frame.length;
    if (!whole) throw new Error(`the frame for ${key} is none: ${frame.length} bytes`);
  }
}
