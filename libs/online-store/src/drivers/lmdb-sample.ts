import { DEFAULT_SAMPLE } from './sample.js';
import type { MemorySample, SampleLimits } from '../store.js';

interface RangeOptions {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
  readonly limit?: number;
  readonly reverse?: boolean;
}
type Entries = Iterable<{ readonly key: Uint8Array; readonly value: Uint8Array }>;

// Of keys in their order the first ones are no fair sample: shorter keys come first. So it is taken at so many places.
const PLACES = 16;
const PAGE_BYTES = 4_096;
const PAGE_HEAD_BYTES = 16;
const ENTRY_HEAD_BYTES = 8;

/** Rows by prefix: all where the limits allow it, else some from places spread evenly over the range of keys. Keys that are stored under their hash are not seen. */
export function sampleRange(range: (options: RangeOptions) => Entries, prefix: string, limits: SampleLimits = {}): MemorySample {
  const { rows: most, budgetMs } = { ...DEFAULT_SAMPLE, ...limits };
  const deadline = performance.now() + budgetMs;
  const start = Buffer.from(prefix, 'utf8');
  const end = Buffer.concat([start, Buffer.of(0xff)]);
  const sizes = new Map<string, number>();

  function take(from: Uint8Array, limit: number): boolean {
    for (const { key, value } of range({ start: from, end, limit })) {
      if (performance.now() > deadline) return false;
      sizes.set(Buffer.from(key).toString('utf8'), entryBytes(key, value));
    }
    return true;
  }
  const answer = (complete: boolean): MemorySample => ({ rows: Array.from(sizes, ([key, bytes]) => ({ key, bytes })), complete });

  const inTime = take(start, most + 1);
  if (sizes.size <= most) return answer(inTime);
  const ends = [false, true].map((reverse) => {
    const bounds = reverse ? { start: end, end: start } : { start, end };
    return Array.from(range({ ...bounds, limit: 1, reverse }), ({ key }) => Buffer.from(key))[0]!;
  });
  sizes.clear();
  for (let place = 0; place < PLACES; place++) {
    if (!take(between(ends[0]!, ends[1]!, place / PLACES), Math.ceil(most / PLACES))) break;
  }
  return answer(false);
}

/** A key that lies this share of the way from `first` to `last`, as far as their first six different bytes say. */
function between(first: Buffer, last: Buffer, share: number): Buffer {
  let common = 0;
  while (common < first.length && first[common] === last[common]) common++;
  const numbers = [first, last].map((key) => {
    const bytes = Buffer.alloc(6);
    key.copy(bytes, 0, common);
    return bytes.readUIntBE(0, 6);
  });
  const key = Buffer.alloc(common + 6);
  first.copy(key, 0, 0, common);
  key.writeUIntBE(Math.floor(numbers[0]! + (numbers[1]! - numbers[0]!) * share), common, 6);
  return key;
}

/** What an entry takes up in LMDB's file: large values have pages of their own. */
function entryBytes(key: Uint8Array, value: Uint8Array): number {
  const inPage = ENTRY_HEAD_BYTES + key.length;
  const fits = inPage + value.length <= (PAGE_BYTES - PAGE_HEAD_BYTES) / 2;
  return fits ? inPage + value.length : inPage + Math.ceil((PAGE_HEAD_BYTES + value.length) / PAGE_BYTES) * PAGE_BYTES;
}
