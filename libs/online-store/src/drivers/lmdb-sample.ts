import type { MemorySample, SampleLimits } from '../store.js';
import { DEFAULT_SAMPLE } from './sample.js';

export interface Entries {
  keys(range: { readonly start: Uint8Array; readonly end: Uint8Array }): Iterable<Uint8Array>;
  /** Bytes of its value; undefined: it isn't there. */
  valueBytes(key: Uint8Array): number | undefined;
}

const PAGE_BYTES = 4_096;
const PAGE_HEAD_BYTES = 16;
const ENTRY_HEAD_BYTES = 8;

/**
 * Every k-th row with this prefix, k as small as the limits allow: keys lie in their order, so the first ones are no fair
 * sample. Where time runs out it is of those before. Keys that are stored under their hash are not seen.
 */
export function sampleRange(entries: Entries, prefix: string, limits: SampleLimits = {}): MemorySample {
  const { rows: most, budgetMs } = { ...DEFAULT_SAMPLE, ...limits };
  const deadline = performance.now() + budgetMs;
  const start = Buffer.from(prefix, 'utf8');
  let sampled: Buffer[] = [];
  let every = 1;
  let seen = 0;
  let inTime = true;
  for (const key of entries.keys({ start, end: Buffer.concat([start, Buffer.of(0xff)]) })) {
    if (seen++ % every !== 0) continue;
    if (sampled.length === most) {
      sampled = sampled.filter((_key, i) => i % 2 === 0);
      every *= 2;
    }
    if ((seen - 1) % every === 0) sampled.push(Buffer.from(key));
    inTime = performance.now() <= deadline;
    if (!inTime) break;
  }
  const rows = sampled.flatMap((key) => {
    const bytes = entries.valueBytes(key);
    return bytes === undefined ? [] : [{ key: key.toString('utf8'), bytes: entryBytes(key.length, bytes) }];
  });
  return { rows, complete: inTime && every === 1 };
}

/** What an entry takes up in LMDB's file: large values have pages of their own. */
function entryBytes(keyBytes: number, valueBytes: number): number {
  const inPage = ENTRY_HEAD_BYTES + keyBytes;
  const fits = inPage + valueBytes <= (PAGE_BYTES - PAGE_HEAD_BYTES) / 2;
  return fits ? inPage + valueBytes : inPage + Math.ceil((PAGE_HEAD_BYTES + valueBytes) / PAGE_BYTES) * PAGE_BYTES;
}
