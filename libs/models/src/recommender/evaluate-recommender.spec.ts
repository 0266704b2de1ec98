import { beforeAll, describe, expect, it } from '@jest/globals';
import { createGenerator } from '../artifacts/model-files.js';
import { leaveLatestOut } from '../evaluation/leave-latest-out.js';
import { rank } from '../ranking/ranker.js';
import type { CandidateGenerator } from '../retrieval/candidate-generator.js';
import { initTensorflow } from '../tensorflow/backend.js';
import { evaluateRecommender, type SourceQuality } from './evaluate-recommender.js';
import { interactionsOf, randomEvents, tasteFeatures, type RawEvent } from './events.testing.js';
import type { FeatureSource } from './ranking-features.js';
import { trainRecommender } from './train-recommender.js';

const seed = Number(process.env['SEED']);
const HALF_LIFE = 3_000;
const GENERATORS = [
  { kind: 'trending', halfLifeMs: HALF_LIFE },
  { kind: 'itemToItem', neighbours: 5, shrinkage: 2 },
  { kind: 'ease', lambda: 20 },
] as const;
const event = (user: number, item: number, time: number): RawEvent => ({ user, item, weight: 1, time });

function quality(source: string, ranks: readonly number[], k: number): SourceQuality {
  const gain = (each: number): number => (each <= k ? 1 / Math.log2(1 + each) : 0);
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return { source, count: ranks.length, ndcg: mean(ranks.map(gain)), hitRate: mean(ranks.map((each) => (each <= k ? 1 : 0))) };
}

/** The protocol as the documentation tells it, one user after another, nothing shared between them. */
async function slowEvaluation(events: readonly RawEvent[], features: FeatureSource, k: number): Promise<SourceQuality[]> {
  const interactions = interactionsOf(events);
  const { items, users } = interactions;
  const { train } = leaveLatestOut(interactions);
  const trained = await trainRecommender(train, { generators: GENERATORS, asOf: 10_000, features, seed: 1 });
  const all = items.keys.map((_, i) => i);
  const ranks: Record<string, number[]> = { trending: [], itemToItem: [], ease: [], ranked: [] };
  for (const [u, user] of users.keys.entries()) {
    const own = events.map((each, arrival) => ({ ...each, arrival })).filter((each) => each.user === user).sort((a, b) => a.time - b.time || a.arrival - b.arrival);
    if (new Set(own.map(({ item }) => item)).size < 2) continue;
    const answer = own.at(-1)!.item;
    const chosen = items.keys.indexOf(answer);
    const first = own.findIndex(({ item }) => item === answer);
    const { time } = own[first]!;
    const history = [...new Set(own.slice(0, first).map(({ item }) => items.keys.indexOf(item)))];
    const kept = events.filter((each) => each.time < time && !isHeldOut(events, each));
    const trending = all.map((i) => Math.fround(kept.filter(({ item }) => item === items.keys[i]).reduce((sum, each) => sum + each.weight * 2 ** (-(time - each.time) / HALF_LIFE), 0)));
    const scores = [trending, ...trained.generators.slice(1).map(createGenerator).map((each: CandidateGenerator) => [...each.score(history, all)])];
    const unseen = all.filter((i) => !history.includes(i));
    const place = (values: readonly number[], among: readonly number[]): number => 1 + among.filter((i) => i !== chosen && values[i]! >= values[chosen]!).length;
    GENERATORS.forEach(({ kind }, g) => ranks[kind]!.push(place(scores[g]!, unseen)));

    const candidates = [...new Set(scores.flatMap((values) => unseen.filter((i) => values[i]! > 0).sort((a, b) => values[b]! - values[a]! || a - b).slice(0, 100)))];
    if (!candidates.includes(chosen)) {
      ranks['ranked']!.push(candidates.length + place(scores[trained.ranker!.bestSource]!, unseen.filter((i) => !candidates.includes(i))));
      continue;
    }
    const answered = await features({ users: Int32Array.from(candidates, () => u), items: Int32Array.from(candidates), times: Float64Array.from(candidates, () => time - 1) });
    const retrieval = Float32Array.from(candidates.flatMap((i) => scores.map((values) => values[i]!)));
    const ranked = rank(trained.ranker!, { features: answered.values, mask: answered.mask, retrieval }, candidates.length);
    const position = candidates.indexOf(chosen);
    ranks['ranked']!.push(1 + candidates.filter((_, i) => i !== position && ranked[i]! >= ranked[position]!).length);
  }
  return Object.entries(ranks).map(([source, each]) => quality(source, each, k));
}

function isHeldOut(events: readonly RawEvent[], event: RawEvent): boolean {
  const own = events.filter(({ user }) => user === event.user);
  if (new Set(own.map(({ item }) => item)).size < 2) return false;
  const last = Math.max(...own.map(({ time }) => time));
  return own.filter(({ time }) => time === last).at(-1)!.item === event.item;
}

describe('evaluating a recommender', () => {
  beforeAll(() => initTensorflow());

  // Few instants make ties; many items leave some that occur only as somebody's latest, and positives that nothing finds.
  it.each([
    [{ users: 25, items: 30, events: 250 }, 10],
    [{ users: 30, items: 160, events: 300 }, 20],
    [{ users: 20, items: 12, events: 200, span: 40 }, 3],
  ])(`equals the protocol done slowly, %j, k = %i (seed ${seed})`, async (size, k) => {
    const events = randomEvents(seed, size);
    const interactions = interactionsOf(events);
    const features = tasteFeatures(interactions);
    const fast = await evaluateRecommender(interactions, { generators: GENERATORS, asOf: 10_000, features, seed: 1, k });
    const slow = await slowEvaluation(events, features, k);
    expect(fast.map(({ source, count }) => [source, count])).toEqual(slow.map(({ source, count }) => [source, count]));
    fast.forEach(({ ndcg, hitRate }, i) => {
      expect(hitRate).toBeCloseTo(slow[i]!.hitRate, 9);
      expect(ndcg).toBeCloseTo(slow[i]!.ndcg, 9);
    });
  });

  it('gives nothing for a choice that training never saw, even where no source can tell items apart', async () => {
    // 9 is only ever somebody's latest item: everything unseen scores at least as much.
    const events = [event(1, 1, 1), event(1, 9, 10), event(2, 1, 2), event(2, 9, 11), event(3, 1, 3), event(3, 2, 4), event(4, 3, 5)];
    const rows = await evaluateRecommender(interactionsOf(events), { generators: GENERATORS, asOf: 11, features: null, seed: 1, k: 1 });
    expect(rows.map(({ source, count, hitRate }) => [source, count, hitRate])).toEqual([['trending', 3, 0], ['itemToItem', 3, 0], ['ease', 3, 0]]);
  });

  it('measures the generators alone where no ranker could be trained', async () => {
    const interactions = interactionsOf([event(1, 1, 1), event(1, 2, 2)]);
    const rows = await evaluateRecommender(interactions, { generators: GENERATORS, asOf: 2, features: tasteFeatures(interactions), seed: 1 });
    expect(rows.map(({ source, count, hitRate }) => [source, count, hitRate])).toEqual([['trending', 1, 1], ['itemToItem', 1, 1], ['ease', 1, 1]]);
  });

  it('says when nothing can be left out, and stops when cancelled', async () => {
    const lonely = interactionsOf([event(1, 1, 1), event(2, 2, 2), event(2, 2, 3)]);
    const options = { generators: GENERATORS, asOf: 3, features: null, seed: 1 };
    await expect(evaluateRecommender(lonely, options)).rejects.toMatchObject({ code: 'NOT_ENOUGH_DATA' });
    const interactions = interactionsOf(randomEvents(5, { users: 30, items: 40, events: 500 }));
    const abort = new AbortController();
    const onProgress = ({ stage }: { readonly stage: string }): void => {
      if (stage === 'candidates') abort.abort();
    };
    const evaluation = evaluateRecommender(interactions, { ...options, features: tasteFeatures(interactions), signal: abort.signal, onProgress });
    await expect(evaluation).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
