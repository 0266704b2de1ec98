import { beforeAll, describe, expect, it } from '@jest/globals';
import { createGenerator, saveRanker, saveRetrieval } from '../artifacts/model-files.js';
import { initTensorflow } from '../tensorflow/backend.js';
import { interactionsOf, randomEvents, tasteFeatures, type RawEvent } from './events.testing.js';
import type { FeatureQuestions, FeatureSource } from './ranking-features.js';
import { trainRecommender, type TrainRecommenderOptions } from './train-recommender.js';

const seed = Number(process.env['SEED']);
const GENERATORS = [
  { kind: 'trending', halfLifeMs: 3_000 },
  { kind: 'itemToItem', neighbours: 30, shrinkage: 2 },
  { kind: 'ease', lambda: 20 },
] as const;
const event = (user: number, item: number, time: number): RawEvent => ({ user, item, weight: 1, time });

/** Notes what is asked, and answers as `answer` does. */
function noting(answer: FeatureSource): { readonly asked: FeatureQuestions[]; readonly features: FeatureSource } {
  const asked: FeatureQuestions[] = [];
  return {
    asked,
    features: (questions) => {
      asked.push(questions);
      return answer(questions);
    },
  };
}

function options(more: Partial<TrainRecommenderOptions> = {}): TrainRecommenderOptions {
  return { generators: GENERATORS, asOf: 10_000, features: null, seed: 1, ...more };
}

describe('training a recommender', () => {
  beforeAll(() => initTensorflow());

  it(`asks for features as of before the choice: of no item that the user had met by then (seed ${seed})`, async () => {
    // Each at an instant of its own: user and instant tell one list of candidates from another.
    const events = randomEvents(seed, { users: 40, items: 60, events: 900 }).map((each, index) => ({ ...each, time: 11 * index }));
    const interactions = interactionsOf(events);
    const { asked, features } = noting(tasteFeatures(interactions));
    const { rankerReport, featureNames, ranker } = await trainRecommender(interactions, options({ features, maxListLength: 20 }));
    expect([featureNames, ranker?.encoding.columns.length, ranker?.sourceCount]).toEqual([['sameTaste', 'noise'], 2, 3]);
    expect(asked).toHaveLength(1);
    const { users, items, times } = asked[0]!;
    expect(rankerReport!.trainingLists + rankerReport!.validationLists).toBe(new Set(Array.from(users, (user, row) => `${user} ${times[row]}`)).size);
    const lengths = new Map<string, number>();
    users.forEach((user, row) => lengths.set(`${user} ${times[row]}`, 1 + (lengths.get(`${user} ${times[row]}`) ?? 0)));
    expect(Math.max(...lengths.values())).toBeLessThanOrEqual(20);
    const firstMet = new Map<string, number>();
    for (const each of events) {
      const pair = `${each.user} ${each.item}`;
      firstMet.set(pair, Math.min(each.time, firstMet.get(pair) ?? Infinity));
    }
    let positives = 0;
    users.forEach((user, row) => {
      const met = firstMet.get(`${String(interactions.users.keys[user])} ${String(interactions.items.keys[items[row]!])}`) ?? Infinity;
      expect(met).toBeGreaterThan(times[row]!);
      if (met === times[row]! + 1) positives++;
    });
    expect(positives).toBeGreaterThan(0);
  });

  it('lists no choice that only its own events could reveal', async () => {
    // Each user's last item is met by nobody else, viewed and then bought: neighbours or trends that know it have seen the answer.
    const events = Array.from({ length: 12 }, (_, user) => [
      event(user, 0, user), event(user, 1, 20 + user), event(user, 100 + user, 40 + user),
      event(user, 200 + user, 100 + 10 * user), event(user, 200 + user, 105 + 10 * user),
    ]).flat();
    const interactions = interactionsOf(events);
    const { asked, features } = noting(tasteFeatures(interactions));
    const once = await trainRecommender(interactions, options({ features, choicesPerUser: 1 }));
    expect(asked).toEqual([]);
    expect([once.ranker, once.rankerReport?.trainingLists]).toEqual([null, 0]);

    // Earlier choices that others made too are found.
    const more = await trainRecommender(interactions, options({ features, choicesPerUser: 3 }));
    expect(more.rankerReport!.trainingLists).toBeGreaterThan(0);
    // Private items of others may be candidates once they are trending; nobody's own is.
    asked[0]!.users.forEach((user, row) => expect(interactions.items.keys[asked[0]!.items[row]!]).not.toBe(200 + (interactions.users.keys[user] as number)));
  });

  it('serves generators that know all interactions, also the latest choices', async () => {
    const events = Array.from({ length: 12 }, (_, user) => [event(user, 0, user), event(user, 1, 100 + user)]).flat();
    const interactions = interactionsOf(events);
    const { generators } = await trainRecommender(interactions, options({ features: tasteFeatures(interactions) }));
    for (const each of generators.slice(1).map(createGenerator)) expect(each.candidates([0], 5, [0]).map(({ item }) => item)).toEqual([1]);
    expect(createGenerator(generators[0]!).candidates([], 5, []).map(({ item }) => item)).toEqual([1, 0]);
  });

  it('gives the same model for the same seed', async () => {
    const interactions = interactionsOf(randomEvents(5, { users: 30, items: 40, events: 500 }));
    const train = async (): Promise<object> => {
      const { generators, ranker, rankerReport } = await trainRecommender(interactions, options({ features: tasteFeatures(interactions), maxLists: 30 }));
      return { generators: generators.map(saveRetrieval), ranker: await saveRanker(ranker!), rankerReport };
    };
    const first = await train();
    expect(await train()).toEqual(first);
  });

  it('takes at most the lists it is told to, whoever they are of', async () => {
    const interactions = interactionsOf(randomEvents(5, { users: 30, items: 40, events: 500 }));
    const { rankerReport } = await trainRecommender(interactions, options({ features: tasteFeatures(interactions), maxLists: 7 }));
    expect(rankerReport!.trainingLists + rankerReport!.validationLists).toBeLessThanOrEqual(7);
  });

  it('has no ranker where none is asked for', async () => {
    const interactions = interactionsOf(randomEvents(5, { users: 30, items: 40, events: 500 }));
    expect(await trainRecommender(interactions, options())).toMatchObject({ ranker: null, featureNames: [], rankerReport: null });
  });

  it.each([
    ['one user, two items', [event(1, 1, 1), event(1, 2, 2)]],
    ['nobody with two items', [event(1, 1, 1), event(2, 2, 2), event(2, 2, 3)]],
    ['one event', [event(1, 1, 1)]],
    ['all at the same instant', [event(1, 1, 5), event(1, 2, 5), event(2, 1, 5), event(2, 2, 5)]],
  ])('still recommends with %s: without a ranker, and says that it had no lists', async (_, events) => {
    const interactions = interactionsOf(events);
    const { generators, ranker, featureNames, rankerReport } = await trainRecommender(interactions, options({ asOf: 5, features: tasteFeatures(interactions) }));
    expect(generators.map(({ kind }) => kind)).toEqual(['trending', 'itemToItem', 'ease']);
    expect(createGenerator(generators[0]!).candidates([], 9, [])).toHaveLength(interactions.items.keys.length);
    expect([ranker, featureNames]).toEqual([null, []]);
    expect(rankerReport).toEqual({ trainingLists: 0, validationLists: 0, epochs: 0, bestEpoch: 0, ndcg: { sources: [0, 0, 0], network: null, ranked: 0 } });
  });

  it('knows a ranker from very few choices', async () => {
    const interactions = interactionsOf([event(1, 1, 1), event(2, 1, 2), event(2, 2, 3), event(3, 1, 4), event(3, 2, 5)]);
    const { ranker, rankerReport } = await trainRecommender(interactions, options({ asOf: 5, features: tasteFeatures(interactions) }));
    expect([ranker?.kind, rankerReport!.trainingLists]).toEqual(['ranker', 1]);
  });

  it.each(['item-to-item', 'candidates', 'ranker'])('stops when cancelled during %s', async (stage) => {
    const interactions = interactionsOf(randomEvents(5, { users: 30, items: 40, events: 500 }));
    const abort = new AbortController();
    const onProgress = (progress: { readonly stage: string }): void => {
      if (progress.stage === stage) abort.abort();
    };
    const training = trainRecommender(interactions, options({ features: tasteFeatures(interactions), signal: abort.signal, onProgress }));
    await expect(training).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
