import { describe, expect, it } from '@jest/globals';
import { createRandom } from '../random.js';
import { cardPrecision } from './card-precision.js';
import { averagePrecision, brierScore, logLoss, rocAuc } from './classification.js';
import { binaryNdcgAt, ndcgAt, rankingQuality, rankOf } from './ranking.js';

const seed = Number(process.env['SEED']);

describe('ranking metrics', () => {
  it('counts ties against the item and skips what is not accepted', () => {
    expect(rankOf([3, 1, 2, 2], 2)).toBe(3);
    expect(rankOf([3, 1, 2, 2], 2, (i) => i !== 0 && i !== 3)).toBe(1);
    expect(rankOf([NaN, 1], 1)).toBe(2);
    expect([ndcgAt(1, 10), ndcgAt(3, 10), ndcgAt(11, 10)]).toEqual([1, 0.5, 0]);
    expect(rankingQuality([1, 3, 11, 10], 10)).toEqual({ count: 4, ndcg: (1 + 0.5 + 1 / Math.log2(11)) / 4, hitRate: 0.75 });
    expect(rankingQuality([], 10)).toEqual({ count: 0, ndcg: 0, hitRate: 0 });
  });

  it('agrees between one relevant item and many', () => {
    expect(binaryNdcgAt([3, 1, 2, 2], [0, 0, 1, 0], 10)).toBe(ndcgAt(3, 10));
    expect(binaryNdcgAt([4, 3, 2, 1], [0, 1, 0, 1], 10)).toBeCloseTo((1 / Math.log2(3) + 1 / Math.log2(5)) / (1 + 1 / Math.log2(3)), 12);
    expect(binaryNdcgAt([1, 2], [0, 0], 10)).toBe(0);
  });
});

describe('classification metrics', () => {
  it(`equal their definitions on random data with ties (seed ${seed})`, () => {
    const random = createRandom(seed);
    for (let round = 0; round < 200; round++) {
      const n = 2 + random.integer(40);
      const labels = Array.from({ length: n }, (_, i) => (i < 2 ? i : random.integer(2)));
      const scores = Array.from({ length: n }, () => random.integer(1 + random.integer(12)) / 12);
      const positives = scores.filter((_, i) => labels[i] === 1);
      const negatives = scores.filter((_, i) => labels[i] === 0);
      const wins = positives.flatMap((p) => negatives.map((q) => (p > q ? 1 : p === q ? 0.5 : 0)));
      expect(rocAuc(labels, scores)).toBeCloseTo(wins.reduce((a: number, b) => a + b, 0) / wins.length, 12);

      const thresholds = [...new Set(scores)].sort((a, b) => b - a);
      let recallBefore = 0;
      let expected = 0;
      for (const threshold of thresholds) {
        const flagged = labels.filter((_, i) => scores[i]! >= threshold);
        const hits = flagged.filter((label) => label === 1).length;
        expected += (hits / positives.length - recallBefore) * (hits / flagged.length);
        recallBefore = hits / positives.length;
      }
      expect(averagePrecision(labels, scores)).toBeCloseTo(expected, 12);
    }
  });

  it('says nothing where there is nothing to say', () => {
    expect(averagePrecision([0, 0], [1, 2])).toBeNaN();
    expect(rocAuc([1, 1], [1, 2])).toBeNaN();
    expect(() => rocAuc([1, 0], [NaN, 2])).toThrow('NaN');
  });

  it('measures probabilities', () => {
    expect(brierScore([1, 0], [0.8, 0.4])).toBeCloseTo((0.04 + 0.16) / 2, 12);
    expect(logLoss([1, 0], [0.8, 0.4])).toBeCloseTo(-(Math.log(0.8) + Math.log(0.6)) / 2, 12);
    expect(logLoss([1], [0])).toBeCloseTo(-Math.log(1e-15), 9);
  });
});

describe('card precision', () => {
  it('takes a card by its greatest score of the day and drops it once detected', () => {
    const rows = [
      // day, card, score, fraud
      [1, 'a', 0.1, 1], [1, 'a', 0.9, 0], [1, 'b', 0.8, 0], [1, 'c', 0.7, 1],
      [2, 'a', 1.0, 1], [2, 'b', 0.5, 0], [2, 'c', 0.6, 1],
    ] as const;
    const transactions = { days: rows.map((r) => r[0]), cards: rows.map((r) => r[1]), scores: rows.map((r) => r[2]), labels: rows.map((r) => r[3]) };
    // Day 1: a (fraud) and b are first; day 2: a is gone, c (fraud) and b remain.
    expect(cardPrecision(transactions, 2)).toBe((1 / 2 + 1 / 2) / 2);
    expect(cardPrecision(transactions, 1)).toBe((1 + 1) / 2);
    expect(cardPrecision(transactions, 4)).toBe((2 / 4 + 0) / 2);
  });
});
