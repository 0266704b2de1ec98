import type { Interactions } from '../interactions.js';
import type { CandidateGenerator } from '../retrieval/candidate-generator.js';
import { gather, topK } from '../retrieval/top-k.js';

/** Beyond this many half-lives since the reference, sums are scaled back: grown weights must still fit a float32. */
const RESCALE_HALF_LIVES = 60;

export interface MovingTrending {
  /** `trainTrending` of the events before the instant last moved to, as of that instant. */
  readonly generator: CandidateGenerator;
  /** Instants must not go back: an earlier one is a bug and throws. */
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
  let now = -Infinity;
  const scores = new Float32Array(sums.length);
  let isStale = false;

  function rescale(instant: number): void {
    const factor = 2 ** (-(instant - reference) / halfLifeMs);
    for (let i = 0; i < sums.length; i++) sums[i]! *= factor;
    reference = instant;
  }

  /** As of `now`, in the float32 that a saved model has: what is too small there is no candidate here either. */
  function current(): Float32Array {
    if (isStale) {
      // Before the first event all sums are 0, and growth without bounds would make them NaN.
      const factor = 2 ** (-Math.max(0, now - reference) / halfLifeMs);
      for (let i = 0; i < sums.length; i++) scores[i] = sums[i]! * factor;
      isStale = false;
    }
    return scores;
  }

  return {
    moveTo(instant) {
      if (instant < now) throw new Error(`Trending has moved to ${now} and can't go back to ${instant}`);
      now = instant;
      isStale = true;
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
        const found = current();
        const excluded = new Set<number>(exclude);
        return topK(found, found.length, k, (i) => i, (item) => found[item]! > 0 && !excluded.has(item)).map((item) => ({ item, score: found[item]! }));
      },
      score: (_history, asked) => gather(current(), asked),
    },
  };
}
