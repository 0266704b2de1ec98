import { binaryNdcgAt } from '../metrics/ranking.js';
import { blend, type RankerModel } from './ranker.js';
import type { RankingLists } from './ranking-lists.js';
import { standardiseList } from './retrieval-inputs.js';

const K = 10;
const WEIGHTS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

/** NDCG@10 of each source alone on the validation lists; the best of them, where equal the better one on all lists. */
export function sourceQualities(
  lists: RankingLists,
  sourceCount: number,
  validation: Int32Array,
  all: Int32Array,
): { readonly ndcg: number[]; readonly best: number } {
  const quality = (source: number, chosen: Int32Array): number =>
    meanNdcg(lists, chosen, (_, start, end) => standardiseList(lists.retrieval, sourceCount, source, start, end));
  const ndcg = Array.from({ length: sourceCount }, (_, source) => quality(source, validation));
  const overall = Array.from({ length: sourceCount }, (_, source) => quality(source, all));
  let best = sourceCount === 0 ? -1 : 0;
  for (let source = 1; source < sourceCount; source++) {
    const difference = ndcg[source]! - ndcg[best]!;
    if (difference > 0 || (difference === 0 && overall[source]! > overall[best]!)) best = source;
  }
  return { ndcg, best };
}

/** The network's share with the greatest NDCG@10 on the validation lists; the smaller of equals, 0 without a network. */
export function chooseBlend(
  lists: RankingLists,
  model: Pick<RankerModel, 'sourceCount' | 'bestSource'>,
  validation: Int32Array,
  outputs: readonly Float32Array[] | null,
): { readonly weight: number; readonly ranked: number; readonly network: number } {
  const { sourceCount, bestSource } = model;
  const quality = (weight: number): number =>
    meanNdcg(lists, validation, (l, start, end) => blend(model, outputs![l]!, lists, start, end, weight));
  const alone = (_: number, start: number, end: number): Float32Array => standardiseList(lists.retrieval, sourceCount, bestSource, start, end);
  let chosen = { weight: 0, ranked: bestSource < 0 ? 0 : meanNdcg(lists, validation, alone) };
  if (outputs === null) return { ...chosen, network: 0 };
  // Without any source the network is all there is.
  if (bestSource < 0) chosen = { weight: 1, ranked: quality(1) };
  for (const weight of bestSource < 0 ? [] : WEIGHTS) {
    const ranked = quality(weight);
    if (ranked > chosen.ranked + 1e-9) chosen = { weight, ranked };
  }
  return { ...chosen, network: quality(1) };
}

function meanNdcg(lists: RankingLists, chosen: Int32Array, scoresOf: (l: number, start: number, end: number) => Float32Array): number {
  let sum = 0;
  chosen.forEach((list, l) => {
    const [start, end] = [lists.offsets[list]!, lists.offsets[list + 1]!];
    sum += binaryNdcgAt(scoresOf(l, start, end), lists.positives.subarray(start, end), K);
  });
  return sum / chosen.length;
}
