import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Snapshot, Value } from '@granary/contracts';
import { createInteractions, createRandom, initTensorflow, trainClassifier, trainRecommender, type Interactions, type RecommenderModel, type ScorerModel } from '@granary/models';
import { openOnlineStore } from '@granary/online-store';
import { noteOnline } from '@granary/online-store/testing';
import { resolveSnapshot } from '@granary/registry';
import { avg, count, ease, entity, featureService, featureView, itemToItem, notSeen, recommender, request, scorer, source, t, trending, type Declaration } from '@granary/sdk';
import { FeatureReader, Recommender, Scorer } from '@granary/serving';
import { createServingApp, recommenders, scorers, type ServedRecommender, type ServedScorer, type ServingApp } from '../index.js';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 0, 31, 12);

const user = entity('user', { userId: t.int64 });
const item = entity('item', { shop: t.string, sku: t.int32 });
const visits = source('visits', { fields: { userId: t.int64, shop: t.string, sku: t.int32, amount: t.float64, fraud: t.bool, at: t.timestamp }, eventTime: 'at' });
const activity = featureView('activity', { entity: user, source: visits, ttl: '90d', features: (e) => ({ seen: count().over('7d'), mean: avg(e.amount).over('7d', { includeRequest: true }) }) });
const demand = featureView('demand', { entity: item, source: visits, features: () => ({ visits: count().over('7d') }) });
const ranking = featureService('ranking', [activity.pick('seen7d'), demand]);
const risk = featureService('risk', [request({ amount: t.float64 }), activity]);
const generators = [trending({ halfLife: '3d' }), itemToItem(), ease({ lambda: 20 })] as const;
const forYou = recommender('for_you', { user, item, interactions: visits, generators, ranker: ranking, rules: [notSeen()] });
const untrained = recommender('for_later', { user, item, interactions: visits, generators });
const scoreTransaction = scorer('score_transaction', { service: risk, events: visits, label: 'fraud' });
const scoreLater = scorer('score_later', { service: risk, events: visits, label: 'fraud' });
const snapshot = snapshotOf(forYou, untrained, scoreTransaction, scoreLater);

function snapshotOf(...declarations: readonly Declaration[]): Snapshot {
  const all = new Set<Declaration>();
  const add = (each: Declaration): void => {
    all.add(each);
    each.uses.forEach(add);
  };
  declarations.forEach(add);
  return resolveSnapshot([...all].map((each) => each.definition));
}

const BIG = 9_007_199_254_740_993n;
function someInteractions(): Interactions {
  const [users, items, times]: [Value[], Value[], number[]] = [[], [], []];
  for (let person = 0; person < 20; person++) {
    for (let i = 0; i < 6; i++) {
      users.push(BIG + BigInt(person));
      items.push([person % 2 === 0 ? 'a' : 'b', (person * 3 + i * i) % 12]);
      times.push(NOW - (10 - i) * DAY + person);
    }
  }
  return createInteractions({ users, items, times });
}

async function trainForYou(): Promise<RecommenderModel> {
  const interactions = someInteractions();
  const { createGenerator } = await import('@granary/models');
  const features = ({ times }: { readonly times: Float64Array }): Promise<{ names: string[]; values: Float32Array; mask: Uint8Array }> =>
    Promise.resolve({ names: ['seen7d', 'visits7d'], values: new Float32Array(times.length * 2).map((_, i) => i % 7), mask: new Uint8Array(times.length * 2).fill(1) });
  const trained = await trainRecommender(interactions, { generators: forYou.definition.generators, asOf: NOW, features, seed: 1 });
  return { kind: 'recommender', asOf: NOW, users: interactions.users, items: interactions.items, history: interactions.byUser, retrieval: trained.generators, generators: trained.generators.map(createGenerator), ranker: trained.ranker, featureNames: trained.featureNames };
}

async function trainScorer(): Promise<ScorerModel> {
  const random = createRandom(2);
  const size = 400;
  const features = Float32Array.from({ length: size * 3 }, () => 100 * random.uniform());
  const labels = Uint8Array.from({ length: size }, (_, row) => (features[row * 3]! > 80 ? 1 : 0));
  const { model } = await trainClassifier({ features, mask: new Uint8Array(size * 3).fill(1), labels, times: Float64Array.from({ length: size }, (_, i) => i) }, { seed: 1, maxEpochs: 5 });
  return { kind: 'scorer', inputs: ['amount', 'seen7d', 'mean7d'], classifier: model };
}

let app: ServingApp;
let reader: FeatureReader;
let trainedRecommender: Recommender;
const closing: (() => Promise<void> | void)[] = [];

const served = (of: Snapshot, trained: Recommender | null = null): ServedRecommender[] =>
  of.recommenders.map((declaration) => ({
    declaration,
    user: of.entities.find(({ name }) => name === declaration.user)!,
    item: of.entities.find(({ name }) => name === declaration.item)!,
    trained: declaration.name === 'for_you' ? trained : null,
  }));

beforeAll(async () => {
  await initTensorflow();
  const path = mkdtempSync(join(tmpdir(), 'granary-models-api-'));
  const store = await openOnlineStore({ kind: 'lmdb', path });
  closing.push(() => store.close(), () => rmSync(path, { recursive: true, force: true }));
  await noteOnline(store, 'shop', snapshot.views, NOW);
  reader = new FeatureReader(snapshot, store, { project: 'shop', now: () => NOW });
  trainedRecommender = new Recommender('for_you', { reader, model: await trainForYou() });
  const trainedScorer = new Scorer('score_transaction', { reader, model: await trainScorer() });
  const servedScorers: ServedScorer[] = snapshot.scorers.map((declaration) => ({ declaration, reader, trained: declaration.name === 'score_transaction' ? trainedScorer : null }));
  const sampleKeys = { user: [BIG], item: ['a', 1] };
  app = await createServingApp({ reader, port: 0, schemaParts: [recommenders(served(snapshot, trainedRecommender), sampleKeys), scorers(servedScorers, sampleKeys)], sampleKeys });
  closing.unshift(() => app.close());
});
afterAll(async () => {
  for (const close of closing) await close();
});

interface Answer {
  readonly status: number;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- any: JSON as it came
  readonly data: any;
  readonly errors: readonly { readonly message: string; readonly extensions: Readonly<Record<string, unknown>> }[];
}

async function query(text: string, variables?: object): Promise<Answer> {
  const response = await fetch(`${app.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: text, variables }) });
  const json = (await response.json()) as Partial<Answer>;
  return { status: response.status, data: json.data, errors: json.errors ?? [] };
}

const LIST = '{ recommendationId items { shop sku score reason { source text } } degraded modelAsOf }';

describe('recommendations over GraphQL', () => {
  it('are those of the recommender, as JSON', async () => {
    const { status, data, errors } = await query(`{ forYou(userId: "${BIG}", first: 5) ${LIST} }`);
    expect([status, errors]).toEqual([200, []]);
    const { items } = await trainedRecommender.recommend({ userId: BIG }, 5);
    expect(data.forYou).toEqual({
      recommendationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      items: items.map(({ item: { shop, sku }, score, reason: { source: from, text } }) => ({ shop, sku, score, reason: { source: from, text } })),
      degraded: [],
      modelAsOf: '2026-01-31T12:00:00.000Z',
    });
    expect(data.forYou.items).toHaveLength(5);
  });

  it('know similar items and what is trending, and say what was done instead', async () => {
    const { data, errors } = await query(`query ($none: Int) {
      similar: forYouSimilar(shop: "a", sku: 1, first: 3) ${LIST}
      trending: forYouTrending(first: 4) ${LIST}
      unknown: forYou(userId: 5) ${LIST}
      default: forYouTrending(first: $none) ${LIST}
      null: forYouTrending(first: null) ${LIST}
    }`, { none: null });
    expect(errors).toEqual([]);
    expect(data.similar.items.map((each: { shop: string }) => each.shop)).toEqual(['a', 'a', 'a']);
    expect(data.similar.items[0].reason).toEqual({ source: 'itemToItem', text: 'chosen by those who chose shop a, sku 1' });
    expect(data.trending.items).toHaveLength(4);
    expect(data.unknown.degraded).toEqual(['this user has no history: trending instead']);
    expect(data.unknown.items.slice(0, 4)).toEqual(data.trending.items);
    expect(data.unknown.items).toEqual(trainedRecommender.trending(20).items.map(({ item: { shop, sku }, score }) => expect.objectContaining({ shop, sku, score })));
    expect([data.default.items, data.null.items]).toEqual([data.unknown.items, data.unknown.items]);
  });

  it('are the same for 50 at once as for one', async () => {
    const ask = (i: number): Promise<Answer> => query('query ($id: Int64!) { forYou(userId: $id, first: 7) { items { shop sku score } degraded } scoreTransaction(userId: $id, amount: 5) { probability } }', { id: String(BIG + BigInt(i % 20)) });
    const alone: Answer[] = [];
    for (let i = 0; i < 20; i++) alone.push(await ask(i));
    (await Promise.all(Array.from({ length: 50 }, (_, i) => ask(i)))).forEach((answer, i) => expect(answer).toEqual(alone[i % 20]));
    expect(alone[0]!.errors).toEqual([]);
  });
});

describe('scores over GraphQL', () => {
  it('hold the probability and the features used, with their states', async () => {
    const ask = (amount: number, at = ''): Promise<Answer> => query(`{ scoreTransaction(userId: "${BIG}", amount: ${amount}${at}) { scoreId probability features { seen7d { value state eventTime } mean7d { value state eventTime } } } }`);
    const { status, data, errors } = await ask(95);
    expect([status, errors]).toEqual([200, []]);
    expect(data.scoreTransaction).toEqual({
      scoreId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      probability: expect.any(Number),
      features: { seen7d: { value: null, state: 'MISSING', eventTime: null }, mean7d: { value: 95, state: 'PRESENT', eventTime: '2026-01-31T12:00:00.000Z' } },
    });
    expect((await ask(10)).data.scoreTransaction.probability).toBeLessThan(data.scoreTransaction.probability);
    for (const at of ['"2026-02-03T01:02:03.004Z"', String(Date.UTC(2026, 1, 3, 1, 2, 3, 4)), '"2026-02-03 01:02:03.004"']) {
      expect((await ask(95, `, at: ${at}`)).data.scoreTransaction.features.mean7d.eventTime).toBe('2026-02-03T01:02:03.004Z');
    }
    expect((await ask(95, ', at: null')).data.scoreTransaction.features.mean7d.eventTime).toBe('2026-01-31T12:00:00.000Z');
  });
});

describe('bad input', () => {
  const ITEMS = '{ items { sku } }';
  const P = '{ probability }';
  it.each([
    ['a recommender without a model', `{ forLater(userId: 1) ${ITEMS} }`, 503, 'MODEL_NOT_TRAINED'],
    ['similar items without a model', `{ forLaterSimilar(shop: "a", sku: 1) ${ITEMS} }`, 503, 'MODEL_NOT_TRAINED'],
    ['trending without a model', `{ forLaterTrending ${ITEMS} }`, 503, 'MODEL_NOT_TRAINED'],
    ['a scorer without a model', `{ scoreLater(userId: 1, amount: 1) ${P} }`, 503, 'MODEL_NOT_TRAINED'],
    ['text for an int64 key', `{ forYou(userId: "x") ${ITEMS} }`, 400, 'INVALID_KEY'],
    ['an empty key', `{ forYou(userId: "") ${ITEMS} }`, 400, 'MISSING_KEY'],
    ['no key', `{ forYou ${ITEMS} }`, 400, 'GRAPHQL_VALIDATION_FAILED'],
    ['half a key', `{ forYouSimilar(sku: 1) ${ITEMS} }`, 400, 'GRAPHQL_VALIDATION_FAILED'],
    ['first: 0', `{ forYou(userId: 1, first: 0) ${ITEMS} }`, 400, 'INVALID_VALUE'],
    ['first: 101', `{ forYouTrending(first: 101) ${ITEMS} }`, 400, 'INVALID_VALUE'],
    ['first: -1', `{ forYouSimilar(shop: "a", sku: 1, first: -1) ${ITEMS} }`, 400, 'INVALID_VALUE'],
    ['first: 1.5', `{ forYou(userId: 1, first: 1.5) ${ITEMS} }`, 400, 'GRAPHQL_VALIDATION_FAILED'],
    ['an instant that is none', `{ scoreTransaction(userId: 1, amount: 1, at: "yesterday") ${P} }`, 400, 'INVALID_TIMESTAMP'],
    ['a day that does not exist', `{ scoreTransaction(userId: 1, amount: 1, at: "2026-02-30") ${P} }`, 400, 'INVALID_TIMESTAMP'],
    ['seconds for milliseconds', `{ scoreTransaction(userId: 1, amount: 1, at: 1.5) ${P} }`, 400, 'INVALID_TIMESTAMP'],
    ['a key of the wrong type', `{ scoreTransaction(userId: 1.5, amount: 1) ${P} }`, 400, 'INVALID_KEY'],
    ['a missing request field', `{ scoreTransaction(userId: 1) ${P} }`, 400, 'GRAPHQL_VALIDATION_FAILED'],
    ['a request field of the wrong type', `{ scoreTransaction(userId: 1, amount: "much") ${P} }`, 400, 'GRAPHQL_VALIDATION_FAILED'],
    ['an unknown recommender', `{ forMe(userId: 1) ${ITEMS} }`, 400, 'GRAPHQL_VALIDATION_FAILED'],
  ])('%s has its code, interpreted and compiled alike', async (_, text, status, code) => {
    for (let i = 0; i < 3; i++) {
      const answer = await query(text);
      expect([answer.status, answer.errors[0]?.extensions['code']]).toEqual([status, code]);
      expect(JSON.stringify(answer)).not.toMatch(/node_modules|stacktrace/);
    }
  });

  it('leaves the rest of an answer', async () => {
    const { status, data, errors } = await query(`{ good: forYouTrending(first: 1) ${ITEMS} bad: forLaterTrending ${ITEMS} }`);
    expect([status, data.good.items.length, data.bad, errors[0]!.extensions['todo']]).toEqual([200, 1, null, 'Run granary train for_later, then start serving again.']);
  });
});

describe('names', () => {
  // The registry refuses these too; a snapshot that was applied by another version may have them.
  const keyed = (entityName: string, key: string): Partial<Snapshot> => ({
    entities: snapshot.entities.map((each) => (each.name === entityName ? { ...each, keys: [{ ...each.keys[0]!, name: key }, ...each.keys.slice(1)] } : each)),
  });
  const [later] = snapshot.recommenders.filter(({ name }) => name === 'for_later');
  it.each<readonly [string, Partial<Snapshot>, RegExp]>([
    ['two recommenders', { recommenders: [...snapshot.recommenders, { ...later!, name: 'for_you_similar' }] }, /forYouSimilar/],
    ['a recommender and a feature service', { recommenders: [{ ...later!, name: 'risk' }] }, /field risk$/],
    ['a scorer and the trends of a recommender', { scorers: [{ ...snapshot.scorers[0]!, name: 'for_later_trending' }] }, /forLaterTrending/],
    ['a key and an argument', keyed('user', 'first'), /key "first"/],
    ['a key and the score', keyed('item', 'score'), /key "score"/],
    ['a key and the reason', keyed('item', 'reason'), /key "reason"/],
    ['a key and the time of a scorer', keyed('user', 'at'), /argument "at"/],
  ])('that meet are refused: %s', async (_, changes, message) => {
    const of: Snapshot = { ...snapshot, ...changes };
    const own = new FeatureReader(of, {} as never, { project: 'shop' });
    const parts = [recommenders(served(of)), scorers(of.scorers.map((declaration) => ({ declaration, reader: own, trained: null })))];
    const failure = await createServingApp({ reader: own, port: 0, schemaParts: parts }).then((started) => started.close(), (error: unknown) => error);
    expect(failure).toMatchObject({ code: 'DEFINITION_INVALID', message: expect.stringMatching(message) });
  });
});

describe('examples', () => {
  it('are valid and answered, each by what it is of', async () => {
    const titles = app.examples.map(({ title }) => title);
    expect(titles).toEqual(expect.arrayContaining(['Recommendations for one user: for_you', 'Similar to one item: for_you', 'Trending: for_you', 'Score of one request: score_transaction']));
    for (const { title, query: text } of app.examples) {
      const { errors } = await query(text);
      const expected = /_later/.test(title) ? ['MODEL_NOT_TRAINED'] : [];
      expect([title, errors.map(({ extensions }) => extensions['code'])]).toEqual([title, expected]);
    }
  });
});
