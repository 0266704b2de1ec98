import type { FixedValues } from '@granary/aggregates';
import type { Memory } from '../memory-of.js';

// From so many values on the engine's copy is faster than a loop.
const COPIED = 32;

/**
 * Reads `count` values that lie one after the other from `at` on, little-endian and unaligned, into `values`, and gives where they end.
 * `target` is the whole memory of `values`.
 */
export function readFixed({ bytes, view }: Pick<Memory, 'bytes' | 'view'>, at: number, count: number, values: FixedValues, target: Uint8Array): number {
  const end = at + count * values.BYTES_PER_ELEMENT;
  // Of an int64 a loop would make an object for each value.
  if (count >= COPIED || values instanceof BigInt64Array) target.set(new Uint8Array(view.buffer, at, end - at), values.byteOffset);
  else if (values instanceof Float64Array) for (let i = 0; i < count; i++) values[i] = view.getFloat64(at + 8 * i, true);
  else if (values instanceof Uint8Array) for (let i = 0; i < count; i++) values[i] = bytes[at + i]!;
  else if (values instanceof Int32Array) for (let i = 0; i < count; i++) values[i] = view.getInt32(at + 4 * i, true);
  else if (values instanceof Float32Array) for (let i = 0; i < count; i++) values[i] = view.getFloat32(at + 4 * i, true);
  else for (let i = 0; i < count; i++) values[i] = view.getUint16(at + 2 * i, true);
  return end;
}
