import type { Scalar } from '@granary/contracts';

const WORD = 2n ** 32n;
const K = 1024;
const hashes = new Map<Scalar, number>();

/** What approxCountDistinct says of values: the number of different ones below 1,024, else 1,023 ÷ the 1,024th smallest hash (a fraction of 1), rounded. */
export function aboutHowMany(values: readonly Scalar[]): number {
  const different = new Set(values.map(knownHash));
  if (different.size < K) return different.size;
  return Math.round(((K - 1) * 2 ** 53) / Float64Array.from(different).sort()[K - 1]!);
}

function knownHash(value: Scalar): number {
  const hash = hashes.get(value) ?? Number(hashOf(bytesOf(value)));
  hashes.set(value, hash);
  return hash;
}

/** Numbers, bools and instants as doubles, int64 as it is, texts in UTF-8. */
function bytesOf(value: Scalar): Buffer {
  if (typeof value === 'string') return Buffer.from(value);
  const bytes = Buffer.alloc(8);
  if (typeof value === 'bigint') bytes.writeBigInt64LE(value);
  else bytes.writeDoubleLE(Number(value) === 0 ? 0 : Number(value));
  return bytes;
}

function hashOf(bytes: Buffer): bigint {
  return murmur(bytes) * 2n ** 21n + murmur(Buffer.concat([Buffer.from('salt'), bytes])) / 2n ** 11n;
}

/** MurmurHash3_x86_32 with seed 0, as its author's page has it. */
function murmur(bytes: Buffer): bigint {
  const times = (a: bigint, b: bigint): bigint => (a * b) % WORD;
  const turned = (a: bigint, by: bigint): bigint => ((a << by) | (a >> (32n - by))) % WORD;
  const mixed = (block: bigint): bigint => times(turned(times(block, 0xcc9e2d51n), 15n), 0x1b873593n);
  const wordAt = (at: number, length: number): bigint => BigInt(length === 0 ? 0 : bytes.readUIntLE(at, length));
  const whole = bytes.length - (bytes.length % 4);
  let hash = 0n;
  for (let at = 0; at < whole; at += 4) hash = (times(turned(hash ^ mixed(wordAt(at, 4)), 13n), 5n) + 0xe6546b64n) % WORD;
  hash ^= mixed(wordAt(whole, bytes.length - whole)) ^ BigInt(bytes.length);
  hash = times(hash ^ (hash >> 16n), 0x85ebca6bn);
  hash = times(hash ^ (hash >> 13n), 0xc2b2ae35n);
  return hash ^ (hash >> 16n);
}
