import type { Generator, JobOptions } from '@granary/contracts';
import type { RetrievalModel } from '../artifacts/model-files.js';
import { leaveLatestOut } from '../evaluation/leave-latest-out.js';
import type { Interactions } from '../interactions.js';
import { createPacer } from '../pacer.js';
import { createRandom } from '../random.js';
import type { RankerModel } from '../ranking/ranker.js';
import type { RankingLists } from '../ranking/ranking-lists.js';
import { trainRanker, type RankerReport } from '../ranking/train-ranker.js';
import { generatorsInTime, questionsOf, type Question } from './questions.js';
import { asOfQuestion, type FeatureRows, type FeatureSource } from './ranking-features.js';
import { retrieve, scoreAll } from './retrieve.js';
import { trainGenerators } from './train-generators.js';

/** Candidates taken from each generator, in training as in serving. */
export const PER_GENERATOR = 100;

export interface TrainRecommenderOptions extends JobOptions {
  readonly generators: readonly Generator[];
  /** The instant that trending counts back from, epoch ms. */
  readonly asOf: number;
  /** Null: no ranker. */
  readonly features: FeatureSource | null;
  readonly seed: number;
  /** The latest choices of each user that the ranker learns from. Default 3. */
  readonly choicesPerUser?: number;
  /** Lists of candidates at most. Default 2,000. */
  readonly maxLists?: number;
  /** Candidates of one list at most. Default 60: the chosen item and a sample of the others. */
  readonly maxListLength?: number;
}

export interface TrainedRecommender {
  readonly generators: readonly RetrievalModel[];
  /** Null when none was asked for, and when there is no choice to learn from: the generators recommend without it. */
  readonly ranker: RankerModel | null;
  /** The ranker's inputs; none without a ranker. */
  readonly featureNames: readonly string[];
  /** Null when no ranker was asked for; no training lists: there was no choice to learn from. */
  readonly rankerReport: RankerReport | null;
}

/**
 * Trains the generators on all interactions, and the ranker on the users' latest choices: for these the generators are
 * trained without them, and features are as of the instant of the choice, so the ranker sees in training what it will
 * see in serving. Needs `initTensorflow()` when there are features. Same seed and data, same model.
 * Throws CANCELLED when aborted.
 */
export async function trainRecommender(interactions: Interactions, options: TrainRecommenderOptions): Promise<TrainedRecommender> {
  const { features, asOf } = options;
  const generators = await trainGenerators(interactions, options.generators, asOf, options);
  if (features === null) return { generators, ranker: null, featureNames: [], rankerReport: null };
  const found = await rankingLists(interactions, features, options);
  if (found === null) return { generators, ranker: null, featureNames: [], rankerReport: nothingLearnt(generators.length) };
  const { lists, names } = found;
  const { model, report } = await trainRanker(lists, {
    featureCount: names.length,
    sourceCount: options.generators.length,
    seed: options.seed,
    onProgress: options.onProgress,
    signal: options.signal,
  });
  return { generators, ranker: model, featureNames: names, rankerReport: report };
}

function nothingLearnt(sourceCount: number): RankerReport {
  const sources = Array.from({ length: sourceCount }, () => 0);
  return { trainingLists: 0, validationLists: 0, epochs: 0, bestEpoch: 0, ndcg: { sources, network: null, ranked: 0 } };
}

/** Null when no user has chosen a second item that a generator would have found. */
async function rankingLists(interactions: Interactions, features: FeatureSource, options: TrainRecommenderOptions): Promise<{ lists: RankingLists; names: readonly string[] } | null> {
  const { choicesPerUser = 3, maxLists = 2_000, maxListLength = 60, seed } = options;
  const random = createRandom(seed);
  const questions: Question[] = [];
  let earlier = interactions;
  for (let round = 0; round < choicesPerUser; round++) {
    const split = leaveLatestOut(earlier);
    // History is of all interactions: what an earlier round held out may have been met before this choice.
    questions.push(...questionsOf(interactions, split));
    earlier = split.train;
  }
  const sampled = random.shuffle(questions).slice(0, maxLists).sort((a, b) => a.time - b.time);
  const models = await trainGenerators(earlier, options.generators, options.asOf, options);
  const inTime = generatorsInTime(interactions, options.generators, models);
  const pace = createPacer(options);

  const rows: { users: number[]; items: number[]; times: number[] } = { users: [], items: [], times: [] };
  const [positives, offsets, retrieval]: [number[], number[], Float32Array[]] = [[], [0], []];
  for (const [done, { user, time, history, chosen }] of sampled.entries()) {
    await pace({ stage: 'candidates', done, total: sampled.length, unit: 'lists' });
    inTime.moveTo(time);
    const found = retrieve(inTime.generators, history, history, PER_GENERATOR).items;
    // A choice that no generator finds can't be ranked in serving either.
    if (!found.includes(chosen)) continue;
    const others = random.shuffle(found.filter((item) => item !== chosen)).subarray(0, maxListLength - 1);
    const items = Int32Array.of(chosen, ...others);
    retrieval.push(scoreAll(inTime.generators, history, items));
    for (const item of items) {
      rows.users.push(user);
      rows.items.push(item);
      rows.times.push(asOfQuestion(time));
      positives.push(item === chosen ? 1 : 0);
    }
    offsets.push(positives.length);
  }
  if (positives.length === 0) return null;
  const answered: FeatureRows = await features({ users: Int32Array.from(rows.users), items: Int32Array.from(rows.items), times: Float64Array.from(rows.times) });
  return {
    names: answered.names,
    lists: {
      features: answered.values,
      mask: answered.mask,
      retrieval: concat(retrieval),
      offsets: Int32Array.from(offsets),
      positives: Uint8Array.from(positives),
    },
  };
}

export function concat(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
