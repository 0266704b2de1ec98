import type { Recommender as Declaration, Scalar, Snapshot, Value } from '@granary/contracts';
import { createInteractions, initTensorflow, loadRecommender, saveRecommender, trainRecommender, type FeatureSource, type Interactions, type RecommenderModel } from '@granary/models';
import { DAY, NOW, feature, openTestStore, sourceOf, type, view, type TestStore } from '../features/shop.testing.js';

export const USERS = 30;
export const ITEMS = 50;

const people = view('people', 'person', ['personId'], [feature('taste', type('float64'), 'latest', { column: 'taste' }), feature('visits', type('int32'), 'latest')]);
const things = view('things', 'thing', ['shop', 'sku'], [feature('kind', type('float64'), 'latest', { column: 'kind' }), feature('price', type('float64'), 'latest')]);

const declaration: Declaration = {
  kind: 'recommender',
  name: 'for_you',
  user: 'person',
  item: 'thing',
  interactions: 'choices',
  weight: null,
  generators: [{ kind: 'trending', halfLifeMs: 5 * DAY }, { kind: 'itemToItem', neighbours: 20, shrinkage: 2 }, { kind: 'ease', lambda: 20 }],
  ranker: 'ranking',
  rules: [{ kind: 'notSeen' }],
};

/** The same market, recommending with other generators, rules or without a ranker. */
export function marketSnapshot(more: Partial<Declaration> = {}): Snapshot {
  return {
    format: 1,
    id: 'b'.repeat(64),
    entities: [
      { kind: 'entity', name: 'person', keys: [{ name: 'personId', type: type('int64') }] },
      { kind: 'entity', name: 'thing', keys: [{ name: 'shop', type: type('string') }, { name: 'sku', type: type('int32') }] },
    ],
    sources: [sourceOf({ amount: type('float64'), taste: type('float64'), visits: type('int32'), kind: type('float64') })],
    views: [people, things],
    services: [{ kind: 'featureService', name: 'ranking', views: [{ view: 'people', features: ['taste', 'visits'] }, { view: 'things', features: ['kind', 'price'] }], request: [] }],
    recommenders: [{ ...declaration, ...more }],
    scorers: [],
    derived: [],
  };
}

export const personId = (n: number): bigint => 9_007_199_254_740_993n + BigInt(n);
/** (1, 12) and (11, 2) are among them. */
export const thing = (n: number): Scalar[] => [String(Math.floor(n / 10)), n % 10];

/** Even people like even things; every third thing is not in the feature store, nor is person 4. */
export const storedPerson = (n: number): readonly number[] | null => (n === 4 ? null : [n % 2, n]);
export const storedThing = (n: number): readonly number[] | null => (n % 3 === 2 ? null : [n % 2, 10 + n]);

/** Person n chose a few things of their taste, one a day; person 0 chose the first 45 things. */
export function marketInteractions(accept: (person: number, isFirst: boolean) => boolean = () => true): Interactions {
  const [users, items, times]: [Value[], Value[], number[]] = [[], [], []];
  const add = (person: number, item: number, daysAgo: number, isFirst: boolean): void => {
    if (!accept(person, isFirst)) return;
    users.push(personId(person));
    items.push(thing(item));
    times.push(NOW - daysAgo * DAY + person);
  };
  for (let item = 0; item < 45; item++) add(0, item, 40 - item / 2, item === 0);
  for (let person = 1; person < USERS; person++) {
    for (let i = 0; i < 7; i++) add(person, 2 * ((person * 5 + i * i) % 25) + (person % 2), 20 - i, i === 0);
  }
  return createInteractions({ users, items, times });
}

export async function fillStore(shop: TestStore, snapshot: Snapshot): Promise<void> {
  for (let n = 0; n < USERS; n++) {
    const stored = storedPerson(n);
    if (stored !== null) await shop.put('people', [personId(n)], [{ at: NOW - DAY, taste: stored[0]!, visits: stored[1]! }], snapshot);
  }
  for (let n = 0; n < ITEMS; n++) {
    const stored = storedThing(n);
    if (stored !== null) await shop.put('things', thing(n), [{ at: NOW - DAY, kind: stored[0]!, amount: stored[1]! }], snapshot);
  }
}

export const numberOf = (id: Value): number => (Array.isArray(id) ? 10 * Number(id[0]) + Number(id[1]) : Number((id as bigint) - personId(0)));

/** What the store holds, as a training set would have it. */
export function offlineFeatures({ users, items }: Interactions): FeatureSource {
  return (asked) => {
    const rows = asked.times.length;
    const [values, mask] = [new Float32Array(rows * 4), new Uint8Array(rows * 4)];
    for (let row = 0; row < rows; row++) {
      [storedPerson(numberOf(users.keys[asked.users[row]!]!)), storedThing(numberOf(items.keys[asked.items[row]!]!))].forEach((stored, half) => {
        if (stored === null) return;
        values.set(stored, row * 4 + half * 2);
        mask.fill(1, row * 4 + half * 2, row * 4 + half * 2 + 2);
      });
    }
    return Promise.resolve({ names: ['taste', 'visits', 'kind', 'price'], values, mask });
  };
}

/** Trained on the whole market, then saved and loaded as serving does. */
export async function trainMarket(snapshot: Snapshot, interactions = marketInteractions()): Promise<RecommenderModel> {
  await initTensorflow();
  const { generators, ranker } = snapshot.recommenders[0]!;
  const trained = await trainRecommender(interactions, { generators, asOf: NOW, features: ranker === null ? null : offlineFeatures(interactions), seed: 1 });
  const { users, items, byUser } = interactions;
  const model = { kind: 'recommender', asOf: NOW, users, items, history: byUser, retrieval: trained.generators, ranker: trained.ranker, featureNames: trained.featureNames } as const;
  return loadRecommender(await saveRecommender(model));
}

export { NOW, openTestStore };
