export interface ScoredTransactions {
  /** A whole number per transaction: its day. */
  readonly days: ArrayLike<number>;
  /** Cards as small whole numbers or any other value that is equal for one card. */
  readonly cards: ArrayLike<number | string | bigint>;
  readonly scores: ArrayLike<number>;
  /** 1 for fraud, else 0. */
  readonly labels: ArrayLike<number>;
}

/**
 * Card precision at k: per day each card has the greatest score of its transactions; the share of cards with fraud that
 * day among the k first. A fraudulent card among these is detected, and left out on later days. Mean over the days.
 * A day with fewer than k cards is still divided by k; equal scores keep the order of first occurrence. NaN without rows.
 */
export function cardPrecision(transactions: ScoredTransactions, k: number): number {
  const { days, cards, scores, labels } = transactions;
  const byDay = new Map<number, Map<number | string | bigint, { score: number; isFraud: boolean }>>();
  for (let i = 0; i < days.length; i++) {
    let day = byDay.get(days[i]!);
    if (day === undefined) byDay.set(days[i]!, (day = new Map()));
    const card = day.get(cards[i]!);
    if (card === undefined) {
      day.set(cards[i]!, { score: scores[i]!, isFraud: labels[i] === 1 });
    } else {
      card.score = Math.max(card.score, scores[i]!);
      card.isFraud ||= labels[i] === 1;
    }
  }
  const detected = new Set<number | string | bigint>();
  let sum = 0;
  for (const day of [...byDay.keys()].sort((a, b) => a - b)) {
    const open = [...byDay.get(day)!].filter(([card]) => !detected.has(card));
    const first = open.sort(([, a], [, b]) => b.score - a.score).slice(0, k);
    const frauds = first.filter(([, { isFraud }]) => isFraud);
    for (const [card] of frauds) detected.add(card);
    sum += frauds.length / k;
  }
  return sum / byDay.size;
}
