import {
  createInteractions,
  createGenerator,
  createRandom,
  initTensorflow,
  rank,
  retrieve,
  rowOf,
  trainEase,
  trainItemToItem,
  trainRanker,
  trainTrending,
  PER_GENERATOR,
  type CandidateRows,
  type Interactions,
  type RankerModel,
  type RecommenderModel,
} from '@granary/models';
import { rowKeys, type PackedRow } from '@granary/online-store';
import { basesOf, noteOnline } from '@granary/online-store/testing';
import { avg, count, ease, entity, featureService, featureView, itemToItem, latest, notSeen, recommender, source, sum, t, trending } from '@granary/sdk';
import { FeatureReader, Recommender } from '@granary/serving';
import * as tf from '@tensorflow/tfjs-core';
import { named, type Snapshot } from '@granary/contracts';
import { openLmdb } from './bare-stores.js';
import { NOW, PROJECT, snapshotOf } from './declarations.js';
import { callRows } from './harness.js';
import type { Suite } from './suite.js';

const SOURCES = 3;
const DAY = 86_400_000;
const [USERS, ITEMS, EVENTS] = [1_000, 2_000, 40_000];

/** rank() and recommend() against bare TF.js: the same network on the very matrix that they give it. */
export const ranking: Suite = {
  name: 'ranking',
  about: 'rank() of candidates and recommend() · floor: TF.js predict of the same matrix',
  async run(bench) {
    bench.note(`TF.js backend: ${await initTensorflow()}`);
    const snapshot = shop();
    const { store } = await openLmdb(bench);
    await store.write(onlineRows(snapshot));
    await noteOnline(store, PROJECT, snapshot.views, NOW);
    const reader = new FeatureReader(snapshot, store, { project: PROJECT, now: () => NOW });
    const featureNames = reader.plan('home_page').columns;
    const ranker = await trainedRanker(featureNames.length, bench.signal);

    const calls = bench.quick ? 10 : 200;
    const rounds = bench.quick ? 1 : 5;
    for (const candidates of bench.quick ? [100] : [100, 300, 400, 500, 1_600]) {
      const rows = randomRows(candidates, featureNames.length, 2);
      const pair = { ours: async () => Promise.resolve(rank(ranker, rows, candidates)), floor: bareOf(ranker, rows, candidates) };
      bench.add(...(await callRows('ranking', `rank ${candidates}`, pair, { calls: Math.max(10, Math.round((calls * 100) / candidates)), rounds, scale: candidates / 100, signal: bench.signal })));
    }

    const model = await recommenderModel(ranker, featureNames, bench.signal);
    const shopHome = new Recommender('shop_home', { reader, model });
    const history = rowOf(model.history, 0);
    const found = retrieve(model.generators, history, history, PER_GENERATOR).items.length;
    const rows = randomRows(found, featureNames.length, 3);
    let user = 0;
    const ours = (): Promise<unknown> => shopHome.recommend({ userId: BigInt((user = (user + 1) % USERS)) }, 20);
    bench.note(`recommend ranks about ${found} candidates of ${ITEMS} items`);
    bench.add(...(await callRows('ranking', `recommend 20 of ${found}`, { ours, floor: bareOf(ranker, rows, found) }, { calls: bench.quick ? 10 : 50, rounds, scale: found / 100, signal: bench.signal })));
  },
};

/** Bare TF.js on the inputs that `rank` makes of these rows. */
function bareOf(ranker: RankerModel, rows: CandidateRows, count: number): () => Promise<unknown> {
  const network = ranker.network!;
  let inputs = new Float32Array(0);
  const spy = Object.create(network, { apply: { value: (x: tf.Tensor) => ((inputs = (x.dataSync() as Float32Array).slice()), network.apply(x)) } }) as typeof network;
  rank({ ...ranker, network: spy }, rows, count);
  const width = inputs.length / count;
  return async () => {
    const x = tf.tensor2d(inputs, [count, width]);
    const y = network.predictOnBatch(x) as tf.Tensor;
    const outputs = y.dataSync();
    tf.dispose([x, y]);
    return Promise.resolve(outputs);
  };
}

function randomRows(count: number, features: number, seed: number): CandidateRows {
  const random = createRandom(seed);
  return {
    features: Float32Array.from({ length: count * features }, () => random.normal()),
    mask: new Uint8Array(count * features).fill(1),
    retrieval: Float32Array.from({ length: count * SOURCES }, () => random.normal()),
  };
}

/** Trained where the first feature tells the chosen item, so that the network has a say and is run. */
async function trainedRanker(features: number, signal: AbortSignal): Promise<RankerModel> {
  const [lists, length] = [200, 20];
  const rows = randomRows(lists * length, features, 1);
  const positives = new Uint8Array(lists * length);
  for (let list = 0; list < lists; list++) {
    let best = list * length;
    for (let i = best; i < (list + 1) * length; i++) if (rows.features[i * features]! > rows.features[best * features]!) best = i;
    positives[best] = 1;
  }
  const offsets = Int32Array.from({ length: lists + 1 }, (_, i) => i * length);
  const { model } = await trainRanker({ ...rows, offsets, positives }, { featureCount: features, sourceCount: SOURCES, seed: 1, maxEpochs: 5, signal });
  if (model.network === null || model.weight === 0) throw new Error('the ranker learned nothing: its network would not be run');
  return model;
}

async function recommenderModel(ranker: RankerModel, featureNames: readonly string[], signal: AbortSignal): Promise<RecommenderModel> {
  const interactions = randomInteractions();
  const retrieval = [
    trainTrending(interactions, { halfLifeMs: 7 * 86_400_000, asOf: NOW }),
    await trainItemToItem(interactions, { signal }),
    await trainEase(interactions, { signal }),
  ];
  return {
    kind: 'recommender',
    asOf: NOW,
    users: interactions.users,
    items: interactions.items,
    history: interactions.byUser,
    retrieval,
    generators: retrieval.map(createGenerator),
    ranker,
    featureNames,
  };
}

/** Popular items more often: the square of a uniform number picks them. */
function randomInteractions(): Interactions {
  const random = createRandom(4);
  const events = Array.from({ length: EVENTS }, (_, i) => ({ user: BigInt(i % USERS), item: BigInt(Math.floor(random.uniform() ** 2 * ITEMS)), time: NOW - (EVENTS - i) * 1_000 }));
  return createInteractions({ users: events.map((e) => e.user), items: events.map((e) => e.item), times: events.map((e) => e.time) });
}

/** 10 features of the user and 10 of the item. */
function shop(): Snapshot {
  const user = entity('user', { userId: t.int64 });
  const item = entity('item', { itemId: t.int64 });
  const clicks = source('clicks', { fields: { userId: t.int64, itemId: t.int64, price: t.float64, at: t.timestamp }, eventTime: 'at' });
  const activity = featureView('activity', {
    entity: user,
    source: clicks,
    features: (c) => ({ clicks: count().over('1d', '7d', '30d'), spent: sum(c.price).over('1d', '7d', '30d'), mean: avg(c.price).over('1d', '7d', '30d'), lastPrice: latest(c.price) }),
  });
  const popularity = featureView('popularity', {
    entity: item,
    source: clicks,
    features: (c) => ({ views: count().over('1d', '7d', '30d'), revenue: sum(c.price).over('1d', '7d', '30d'), meanPrice: avg(c.price).over('1d', '7d', '30d'), price: latest(c.price) }),
  });
  const homePage = featureService('home_page', [activity, popularity]);
  return snapshotOf(
    recommender('shop_home', { user, item, interactions: clicks, generators: [trending(), itemToItem(), ease()], ranker: homePage, rules: [notSeen()] }),
  );
}

/** Of each user and item what 10 clicks of the last 30 days make. */
function onlineRows(snapshot: Snapshot): PackedRow[] {
  const random = createRandom(5);
  return snapshot.views.flatMap((view) => {
    const owner = named(snapshot.entities, view.entity);
    const base = basesOf(view, named(snapshot.sources, view.source));
    const keyOf = rowKeys(PROJECT, owner, view.name, view.version);
    return Array.from({ length: owner.name === 'user' ? USERS : ITEMS }, (_, id) => {
      const clicks = Array.from({ length: 10 }, () => ({ at: NOW - 1 - random.integer(30 * DAY), price: random.normal() }));
      return { key: keyOf([BigInt(id)]), value: base(clicks, NOW) };
    });
  });
}
