import { SKETCH_SIZE } from '../distinct-sketch.js';
import { valuesFrom, type HopLists } from './hop-lists.js';

/**
 * What windows need of hashes that hold the hops from any one on: a hash in the newest hop that has it, and only if fewer than
 * `SKETCH_SIZE` smaller ones lie in that hop and those after it (bottom-k over a sliding window: Babcock, Datar and Motwani
 * 2002). Of n different values about k · (1 + ln(n / k)) are left, however many the hops are. What is left out no later event
 * and no newer far end brings back, so it may be left out early or late.
 */
export function withoutUnread({ ends, values: hashes }: HopLists<number>): HopLists<number> {
  const hopOf = new Map<number, number>();
  ends.forEach((end, hop) => {
    for (let i = ends[hop - 1] ?? 0; i < end; i++) hopOf.set(hashes[i]!, hop);
  });
  const kept = ends.map((): number[] => []);
  // The newest hops of SKETCH_SIZE hashes among those so far, and the oldest of these.
  const counts = new Int32Array(ends.length);
  let [counted, oldest] = [0, 0];
  for (const hash of Float64Array.from(hopOf.keys()).sort()) {
    const hop = hopOf.get(hash)!;
    const full = counted === SKETCH_SIZE;
    if (full && hop <= oldest) continue;
    kept[hop]!.push(hash);
    counts[hop]!++;
    if (full) counts[oldest]!--;
    else counted++;
    while (counted === SKETCH_SIZE && counts[oldest] === 0) oldest++;
  }
  let end = 0;
  return { ends: kept.map((own) => (end += own.length)), values: kept.flat() };
}

/** About how many hashes `withoutUnread` leaves of so many different values. */
export function hashesKept(values: number): number {
  return values < SKETCH_SIZE ? values : SKETCH_SIZE * (1 + Math.log(values / SKETCH_SIZE));
}

/** The smallest hashes of the hops from `from` on, rising; of hops that `withoutUnread` gave. */
export function sketchFrom(hops: HopLists<number>, from: number): readonly number[] {
  const rising = Float64Array.from(valuesFrom(hops, from)).sort();
  return Array.from(rising.subarray(0, SKETCH_SIZE));
}
