import { GranaryError } from '@granary/contracts';
import type { Interactions } from '../interactions.js';
import type { CandidateGenerator } from './candidate-generator.js';
import { gather, topK } from './top-k.js';

export interface TrendingOptions {
  /** After this long an event counts half, ms. */
  readonly halfLifeMs: number;
  /** Epoch milliseconds; events after it never count. */
  readonly asOf: number;
}

/** Plain data: a score per item. Later instants scale all scores alike, so the order holds until new events come. */
export interface TrendingModel {
  readonly kind: 'trending';
  readonly halfLifeMs: number;
  readonly asOf: number;
  readonly scores: Float32Array;
}

/** Σ weight · 2^(−age / halfLife) over all events of an item up to `asOf`; repeats add up. */
export function trainTrending(interactions: Interactions, options: TrendingOptions): TrendingModel {
  const { halfLifeMs, asOf } = options;
  if (!(halfLifeMs > 0)) {
    throw new GranaryError('INVALID_VALUE', `A half-life of ${halfLifeMs} ms is not positive`, { todo: 'Give halfLifeMs above 0.' });
  }
  const sums = new Float64Array(interactions.items.keys.length);
  const { items, weights, times } = interactions.events;
  for (let i = 0; i < items.length; i++) {
    if (times[i]! <= asOf) sums[items[i]!]! += weights[i]! * 2 ** (-(asOf - times[i]!) / halfLifeMs);
  }
  return Object.freeze({ kind: 'trending', halfLifeMs, asOf, scores: Float32Array.from(sums) });
}

export function trendingGenerator(model: TrendingModel): CandidateGenerator {
  const { scores } = model;
  const positive = [...scores.keys()].filter((item) => scores[item]! > 0);
  const ranked = topK(scores, positive.length, positive.length, (i) => positive[i]!, () => true);
  return {
    kind: 'trending',
    itemCount: scores.length,
    candidates(_history, k, exclude) {
      const excluded = new Set<number>(exclude);
      const found = [];
      for (let i = 0; i < ranked.length && found.length < k; i++) {
        const item = ranked[i]!;
        if (!excluded.has(item)) found.push({ item, score: scores[item]! });
      }
      return found;
    },
    score: (_history, items) => gather(scores, items),
  };
}
