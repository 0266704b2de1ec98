import { GranaryError, type Generator, type JobOptions } from '@granary/contracts';
import { leaveLatestOut } from '../evaluation/leave-latest-out.js';
import type { Interactions } from '../interactions.js';
import { rankOf, rankingQuality, type RankingQuality } from '../metrics/ranking.js';
import { createPacer } from '../pacer.js';
import { rank } from '../ranking/ranker.js';
import { generatorsInTime, questionsOf } from './questions.js';
import { asOfQuestion, type FeatureSource } from './ranking-features.js';
import { retrieve, type Retrieved } from './retrieve.js';
import { PER_GENERATOR, trainRecommender } from './train-recommender.js';

export interface EvaluateRecommenderOptions extends JobOptions {
  readonly generators: readonly Generator[];
  readonly asOf: number;
  readonly features: FeatureSource | null;
  readonly seed: number;
  /** Default 10. */
  readonly k?: number;
}

export interface SourceQuality extends RankingQuality {
  /** The kind of a generator, or `ranked`: the whole recommender. */
  readonly source: string;
}

/**
 * Leaves the latest item of each user out, trains on the rest, and ranks it among all items that the user had not seen:
 * each generator alone, and the ranked result (candidates in the ranker's order, then all others in the order of its best
 * source). Trending is as of the instant of the choice; the other generators, as usual in this protocol, also know what
 * other users did later. Ties count against the held-out item. Throws NOT_ENOUGH_DATA.
 */
export async function evaluateRecommender(interactions: Interactions, options: EvaluateRecommenderOptions): Promise<SourceQuality[]> {
  const { k = 10, generators: declared, features } = options;
  const split = leaveLatestOut(interactions);
  const questions = questionsOf(interactions, split).sort((a, b) => a.time - b.time);
  if (questions.length === 0) {
    throw new GranaryError('NOT_ENOUGH_DATA', 'No user has two items: nothing can be left out', { todo: 'Ingest more interactions.' });
  }
  const trained = await trainRecommender(split.train, options);
  const inTime = generatorsInTime(split.train, declared, trained.generators);
  const pace = createPacer(options);
  const all = Int32Array.from({ length: interactions.items.keys.length }, (_, i) => i);
  const isSeen = new Uint8Array(all.length);
  const best = Math.max(0, trained.ranker?.bestSource ?? 0);
  const ranks: number[][] = declared.map(() => []);
  const asked: { retrieved: Retrieved; missed: number }[] = [];

  for (const [done, { time, history, chosen }] of questions.entries()) {
    await pace({ stage: 'evaluation', done, total: questions.length, unit: 'users' });
    inTime.moveTo(time);
    for (const item of history) isSeen[item] = 1;
    const scores = inTime.generators.map((generator) => generator.score(history, all));
    scores.forEach((each, g) => ranks[g]!.push(rankOf(each, chosen, (item) => isSeen[item] === 0)));
    const retrieved = retrieve(inTime.generators, history, history, PER_GENERATOR);
    for (const item of retrieved.items) isSeen[item] = 1;
    // Where it would stand if it is no candidate: after them, among the rest by the best source.
    const missed = retrieved.items.length + rankOf(scores[best]!, chosen, (item) => isSeen[item] === 0);
    for (const item of history) isSeen[item] = 0;
    for (const item of retrieved.items) isSeen[item] = 0;
    asked.push({ retrieved, missed });
  }
  const qualities = declared.map(({ kind }, g) => ({ source: kind, ...rankingQuality(ranks[g]!, k) }));
  if (trained.ranker === null || features === null) return qualities;

  const size = asked.reduce((sum, { retrieved }) => sum + retrieved.items.length, 0);
  const rows = { users: new Int32Array(size), items: new Int32Array(size), times: new Float64Array(size) };
  let at = 0;
  asked.forEach(({ retrieved }, q) => {
    rows.users.fill(questions[q]!.user, at, at + retrieved.items.length);
    rows.times.fill(asOfQuestion(questions[q]!.time), at, at + retrieved.items.length);
    rows.items.set(retrieved.items, at);
    at += retrieved.items.length;
  });
  const { values, mask, names } = await features(rows);
  const ranked: number[] = [];
  at = 0;
  asked.forEach(({ retrieved, missed }, q) => {
    const count = retrieved.items.length;
    const slice = [at * names.length, (at + count) * names.length] as const;
    const scores = rank(trained.ranker!, { features: values.subarray(...slice), mask: mask.subarray(...slice), retrieval: retrieved.scores }, count);
    const position = retrieved.items.indexOf(questions[q]!.chosen);
    ranked.push(position < 0 ? missed : rankOf(scores, position));
    at += count;
  });
  return [...qualities, { source: 'ranked', ...rankingQuality(ranked, k) }];
}
