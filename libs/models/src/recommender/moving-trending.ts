import type { Interactions } from '../interactions.js';
import type { CandidateGenerator } from '../retrieval/candidate-generator.js';
import { gather, topK } from '../retrieval/top-k.js';

/** Beyond this many half-lives since the reference, sums are scaled back: grown weights must still fit a float32. */
const RESCALE_HALF_LIVES = 60;

export interface MovingTrending {
  /** Trending as of the instant last moved to, without events at or after it. */
  readonly generator: CandidateGenerator;
  /** Instants must not go back. */
  moveTo(instant: number): void;
}

/**
 * Trending at many instants in one sweep over the events. All scores decay alike, so instead of shrinking every sum with
 * time, each new event is added with a weight that has grown since the reference instant.
 */
export function movingTrending(interactions: Interactions, halfLifeMs: number): MovingTrending {
  const { items, weights, times } = interactions.events;
  const order = Uint32Array.from(items.keys()).sort((a, b) => times[a]! - times[b]!);
  const sums = new Float64Array(interactions.items.keys.length);
  let next = 0;
  let reference = order.length === 0 ? 0 : times[order[0]!]!;

  function rescale(instant: number): void {
    const factor = 2 ** (-(instant - reference) / halfLifeMs);
    for (let i = 0; i < sums.length; i++) sums[i]! *= factor;
    reference = instant;
  }

  return {
    moveTo(instant) {
      for (; next < order.length && times[order[next]!]! < instant; next++) {
        const event = order[next]!;
        if (times[event]! - reference > RESCALE_HALF_LIVES * halfLifeMs) rescale(times[event]!);
        sums[items[event]!]! += weights[event]! * 2 ** ((times[event]! - reference) / halfLifeMs);
      }
    },
    generator: {
      kind: 'trending',
      itemCount: sums.length,
      candidates(_history, k, exclude) {
        const excluded = new Set<number>(exclude);
        return topK(sums, sums.length, k, (i) => i, (item) => sums[item]! > 0 && !excluded.has(item)).map((item) => ({ item, score: sums[item]! }));
      },
      score: (_history, asked) => gather(sums, asked as Int32Array),
    },
  };
}
