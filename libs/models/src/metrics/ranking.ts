/** The place of one held-out item: 1 is first. */
export interface RankingQuality {
  /** How many rankings were measured. */
  readonly count: number;
  /** Mean of 1 / log2(1 + rank) where rank ≤ k, else 0: NDCG@k with a single relevant item. */
  readonly ndcg: number;
  /** Share with rank ≤ k: HR@k. */
  readonly hitRate: number;
}

/** 1 + how many others score at least as much: ties count against the item, so a model that can't tell gains nothing. */
export function rankOf(scores: ArrayLike<number>, relevant: number, accept: (index: number) => boolean = () => true): number {
  const own = scores[relevant]!;
  let rank = 1;
  for (let i = 0; i < scores.length; i++) if (i !== relevant && !(scores[i]! < own) && accept(i)) rank++;
  return rank;
}

export function ndcgAt(rank: number, k: number): number {
  return rank <= k ? 1 / Math.log2(1 + rank) : 0;
}

/** Averages over rankings; all 0 for none. */
export function rankingQuality(ranks: readonly number[], k: number): RankingQuality {
  const count = ranks.length;
  if (count === 0) return { count, ndcg: 0, hitRate: 0 };
  let ndcg = 0;
  let hits = 0;
  for (const rank of ranks) {
    ndcg += ndcgAt(rank, k);
    if (rank <= k) hits++;
  }
  return { count, ndcg: ndcg / count, hitRate: hits / count };
}

/** NDCG@k with labels 1 (relevant) or 0; equal scores are ordered against us. 0 when nothing is relevant. */
export function binaryNdcgAt(scores: ArrayLike<number>, labels: ArrayLike<number>, k: number): number {
  const order = Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[b]! - scores[a]! || labels[a]! - labels[b]!);
  let gain = 0;
  let ideal = 0;
  let relevant = 0;
  for (let i = 0; i < order.length; i++) {
    if (labels[order[i]!] !== 1) continue;
    gain += ndcgAt(i + 1, k);
    ideal += ndcgAt(++relevant, k);
  }
  return relevant === 0 ? 0 : gain / ideal;
}
