const UTF8 = new TextEncoder();
const SHORT = 1024;
// A UTF-16 unit takes three bytes at most.
const room = new Uint8Array(3 * SHORT);

/** The text's UTF-8, until the next call: an array for each would take most of the time. */
export function utf8Of(text: string): Uint8Array {
  return text.length > SHORT ? UTF8.encode(text) : room.subarray(0, UTF8.encodeInto(text, room).written);
}

/** MurmurHash3_x86_32 with seed 0, from 0 to 2^32 − 1: Austin Appleby's public-domain algorithm. */
export function murmurHash3(text: string): number {
  return murmurHash3Bytes(utf8Of(text));
}

/** Of bytes; with what has been absorbed of `before` bytes (a multiple of 4) already, of them all. */
export function murmurHash3Bytes(bytes: Uint8Array, state = 0, before = 0): number {
  const whole = bytes.length & ~3;
  let hash = state;
  for (let i = 0; i < whole; i += 4) hash = absorb(hash, bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
  let rest = 0;
  for (let i = bytes.length - 1; i >= whole; i--) rest = (rest << 8) | bytes[i]!;
  return finish(hash ^ mixed(rest), bytes.length + before);
}

/** Of eight bytes: two little-endian words. */
export function murmurHash3Words(low: number, high: number, state = 0, before = 0): number {
  return finish(absorb(absorb(state, low), high), 8 + before);
}

/** Takes in four bytes, a little-endian word. */
export function absorb(state: number, block: number): number {
  const hash = state ^ mixed(block);
  return (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(state: number, length: number): number {
  let hash = state ^ length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function mixed(block: number): number {
  const product = Math.imul(block, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
}
