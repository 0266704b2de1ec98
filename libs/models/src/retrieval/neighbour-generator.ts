import type { CandidateGenerator, History } from './candidate-generator.js';
import { gather, topK } from './top-k.js';

/** For each item its neighbours and what each gains from the item being in a history: rows of a sparse item × item matrix. */
export interface Neighbours {
  readonly offsets: Int32Array;
  readonly items: Int32Array;
  readonly weights: Float32Array;
}

/** Scores by adding up the rows of a user's items: score(j) = Σ over the distinct items i of the history of W[i, j]. */
export function neighbourGenerator(kind: CandidateGenerator['kind'], neighbours: Neighbours): CandidateGenerator {
  const itemCount = neighbours.offsets.length - 1;
  // Scratch space of the one question being answered (calls are synchronous), all zero between calls.
  const sums = new Float64Array(itemCount);
  const best = new Float32Array(itemCount);
  const bestItem = new Int32Array(itemCount);
  const isTouched = new Uint8Array(itemCount);
  const isExcluded = new Uint8Array(itemCount);
  const touched = new Int32Array(itemCount);

  function accumulate(history: History): number {
    const { offsets, items, weights } = neighbours;
    let count = 0;
    for (const item of distinct(history, itemCount)) {
      for (let at = offsets[item]!; at < offsets[item + 1]!; at++) {
        const neighbour = items[at]!;
        const weight = weights[at]!;
        sums[neighbour]! += weight;
        if (isTouched[neighbour] === 0) {
          isTouched[neighbour] = 1;
          touched[count++] = neighbour;
          best[neighbour] = weight;
          bestItem[neighbour] = item;
        } else if (weight > best[neighbour]!) {
          best[neighbour] = weight;
          bestItem[neighbour] = item;
        }
      }
    }
    return count;
  }

  function clear(count: number): void {
    for (let i = 0; i < count; i++) {
      sums[touched[i]!] = 0;
      isTouched[touched[i]!] = 0;
    }
  }

  return {
    kind,
    itemCount,
    candidates(history, k, exclude) {
      const count = accumulate(history);
      for (const item of exclude) if (item >= 0 && item < itemCount) isExcluded[item] = 1;
      const top = topK(sums, count, k, (i) => touched[i]!, (item) => isExcluded[item] === 0 && Math.fround(sums[item]!) > 0);
      const found = top.map((item) => ({ item, score: Math.fround(sums[item]!), because: bestItem[item]! }));
      for (const item of exclude) if (item >= 0 && item < itemCount) isExcluded[item] = 0;
      clear(count);
      return found;
    },
    score(history, items) {
      const count = accumulate(history);
      const scores = gather(sums, items);
      clear(count);
      return scores;
    },
  };
}

function distinct(history: History, itemCount: number): Set<number> {
  const items = new Set<number>();
  for (const item of history) if (item >= 0 && item < itemCount) items.add(item);
  return items;
}
