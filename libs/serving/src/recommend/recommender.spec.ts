import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Snapshot } from '@granary/contracts';
import { indexOf, rank, retrieve, rowOf, type RecommenderModel } from '@granary/models';
import { PROJECT, type TestStore } from '../features/shop.testing.js';
import { FeatureReader } from '../features/feature-reader.js';
import { ITEMS, NOW, USERS, fillStore, marketInteractions, marketSnapshot, numberOf, offlineFeatures, openTestStore, personId, thing, trainMarket } from './market.testing.js';
import { Recommender, type Recommendations } from './recommender.js';

const interactions = marketInteractions();
const snapshot = marketSnapshot();
let shop: TestStore;
let model: RecommenderModel;
let forYou: Recommender;

beforeAll(async () => {
  shop = await openTestStore();
  await fillStore(shop, snapshot);
  model = await trainMarket(snapshot);
  forYou = open(snapshot, model);
});
afterAll(() => shop.close());

function open(of: Snapshot, its: RecommenderModel, store = shop.store): Recommender {
  return new Recommender('for_you', { reader: new FeatureReader(of, store, { project: PROJECT, now: () => NOW }), model: its });
}
const ask = (person: number, first = 100): Promise<Recommendations> => forYou.recommend({ personId: personId(person) }, first);
const thingsOf = ({ items }: Recommendations): number[] => items.map(({ item }) => 10 * Number(item['shop']) + Number(item['sku']));
const seenBy = (person: number): number[] => [...rowOf(model.history, indexOf(model.users, personId(person)))].map((item) => numberOf(model.items.keys[item]!));

function expectSound(answer: Recommendations): void {
  const found = thingsOf(answer);
  expect(new Set(found).size).toBe(found.length);
  answer.items.forEach(({ score, reason }, i) => {
    expect(Number.isFinite(score)).toBe(true);
    if (i > 0) expect(score).toBeLessThanOrEqual(answer.items[i - 1]!.score);
    expect(reason.text).toMatch(/^(trending now|chosen by those who chose shop \d+, sku \d+)$/);
  });
}

describe('recommend', () => {
  it('ranks as the model does on the features of the training set: the store gives the same', async () => {
    const features = offlineFeatures(interactions);
    expect(model.ranker!.weight).toBeGreaterThan(0);
    for (const person of [1, 4, 17]) {
      const answer = await ask(person);
      expectSound(answer);
      expect(answer).toMatchObject({ degraded: [], modelAsOf: NOW });
      const user = indexOf(model.users, personId(person));
      const seen = rowOf(model.history, user);
      const { items, scores } = retrieve(model.generators, seen, seen, 100);
      const rows = await features({ users: Int32Array.from(items, () => user), items, times: Float64Array.from(items, () => NOW) });
      const ranked = rank(model.ranker!, { features: rows.values, mask: rows.mask, retrieval: scores }, items.length);
      const expected = new Map(Array.from(items, (item, i) => [numberOf(model.items.keys[item]!), ranked[i]!]));
      expect(answer.items.map(({ score }, i) => [thingsOf(answer)[i], score])).toEqual(thingsOf(answer).map((each) => [each, expected.get(each)]));
      expect(answer.items).toHaveLength(items.length);
    }
  });

  it('reads all features with one read of the store', async () => {
    const before = shop.reads.length;
    await ask(3, 5);
    expect(shop.reads).toHaveLength(before + 1);
  });

  it('leaves out what was seen, and only by the rule', async () => {
    const free = open(marketSnapshot({ rules: [] }), model);
    for (const person of [1, 2, 9]) {
      const seen = seenBy(person);
      expect(thingsOf(await ask(person)).filter((each) => seen.includes(each))).toEqual([]);
      expect(thingsOf(await free.recommend({ personId: personId(person) }, 100)).filter((each) => seen.includes(each)).length).toBeGreaterThan(0);
    }
  });

  it('gives all that is left, down to nothing, and fills up with what is trending', async () => {
    // Person 0 chose 45 of the things: what is left are the others that anyone chose.
    const left = model.items.keys.map(numberOf).filter((each) => !seenBy(0).includes(each));
    expect(left.length).toBeLessThan(ITEMS - 44);
    expect(thingsOf(await ask(0)).sort((a, b) => a - b)).toEqual(left.sort((a, b) => a - b));

    // Everything but what was seen is trending at least, even where no neighbour leads there.
    const answer = await ask(1);
    expect(answer.items).toHaveLength(model.items.keys.length - seenBy(1).length);
    expect(answer.items.some(({ reason }) => reason.source === 'trending')).toBe(true);

    const sated = await trainMarket(marketSnapshot({ ranker: null }), marketInteractionsOf(0));
    expect(await open(marketSnapshot({ ranker: null }), sated).recommend({ personId: personId(0) }, 10)).toMatchObject({ items: [], degraded: [] });
  });

  it('takes an int64 key as bigint, text or exact number, and names items by all their keys', async () => {
    const [a, b] = [await forYou.recommend({ personId: '9007199254740994' }, 3), await ask(1, 3)];
    expect(a.items).toEqual(b.items);
    expect(a.recommendationId).not.toBe(b.recommendationId);
    for (const { item } of a.items) expect(Object.entries(item).map(([name, value]) => [name, typeof value])).toEqual([['shop', 'string'], ['sku', 'number']]);
    // One above: nobody. As a double it would be the same.
    expect((await forYou.recommend({ personId: '9007199254740992' }, 3)).degraded).toHaveLength(1);
  });

  it('gives everyone else what is trending, and says so', async () => {
    const answer = await forYou.recommend({ personId: 7 }, 10);
    expect(answer.degraded).toEqual(['this person has no history: trending instead']);
    expect(answer.items).toEqual(forYou.trending(10).items);
    expect(answer.items).toHaveLength(10);
    expect(answer.items.every(({ reason }) => reason.source === 'trending' && reason.because === null)).toBe(true);
  });

  it('names an item of the history that speaks for it most', async () => {
    let reasons = 0;
    for (let person = 1; person < USERS; person++) {
      for (const { item, reason } of (await ask(person)).items) {
        if (reason.because === null) continue;
        reasons++;
        const { shop: at, sku } = reason.because;
        expect(seenBy(person)).toContain(10 * Number(at) + Number(sku));
        const generator = model.generators.find(({ kind }) => kind === reason.source)!;
        const [target, because] = [[item['shop']!, item['sku']!], [at!, sku!]].map((id) => indexOf(model.items, id as never)) as [number, number];
        const shares = [...rowOf(model.history, indexOf(model.users, personId(person)))].map((from) => generator.score([from], [target])[0]!);
        const own = generator.score([because], [target])[0]!;
        expect(own).toBeGreaterThan(0);
        expect(own).toBe(Math.max(...shares));
        expect(reason.text).toBe(`chosen by those who chose shop ${String(at)}, sku ${String(sku)}`);
      }
    }
    expect(reasons).toBeGreaterThan(100);
  });

  it('answers by fused ranks without a ranker', async () => {
    const plain = marketSnapshot({ ranker: null });
    const unranked = { ...model, ranker: null, featureNames: [] };
    const recommender = open(plain, unranked);
    const answer = await recommender.recommend({ personId: personId(2) }, 100);
    expectSound(answer);
    const seen = rowOf(model.history, indexOf(model.users, personId(2)));
    const { found } = retrieve(model.generators, seen, seen, 100);
    expect(thingsOf(answer)).toEqual(found.map(({ item }) => numberOf(model.items.keys[item]!)));
    expect(answer.degraded).toEqual([]);
    expect(new Set(answer.items.slice(0, 10).map(({ reason }) => reason.source)).size).toBeGreaterThan(1);
  });

  it('still answers when the online store is gone, by its best generator, and says so', async () => {
    const other = await openTestStore();
    await fillStore(other, snapshot);
    const recommender = open(snapshot, model, other.store);
    const request = { personId: personId(5) };
    expect((await recommender.recommend(request, 10)).items).toEqual((await ask(5, 10)).items);
    await other.close();
    const answer = await recommender.recommend(request, 10);
    expectSound(answer);
    expect(answer.items).toHaveLength(10);
    expect(answer.degraded).toEqual(['features are unavailable: in the order of the best generator']);
    const seen = rowOf(model.history, indexOf(model.users, personId(5)));
    const best = model.generators[model.ranker!.bestSource]!.candidates(seen, 3, seen);
    expect(thingsOf(answer).slice(0, 3)).toEqual(best.map(({ item }) => numberOf(model.items.keys[item]!)));
    expect(recommender.trending(3).items).toHaveLength(3);
    for (let person = 1; person < USERS; person++) {
      const all = await recommender.recommend({ personId: personId(person) }, 100);
      expectSound(all);
      expect(all.items[0]!.score).toBeGreaterThan(all.items.at(-1)!.score);
    }
  });

  it('gives the same twice, also many at once', async () => {
    const alone = await Promise.all(Array.from({ length: USERS }, async (_, person) => (await ask(person, 20)).items));
    const together = await Promise.all(Array.from({ length: 60 }, (_, i) => ask(i % USERS, 20)));
    together.forEach(({ items }, i) => expect(items).toEqual(alone[i % USERS]));
    expect(new Set(together.map(({ recommendationId }) => recommendationId)).size).toBe(60);
  });
});

describe('similar and trending', () => {
  it('gives the neighbours of an item, never itself, with itself as the reason', () => {
    const answer = forYou.similar({ shop: '0', sku: '2' }, 10);
    expectSound(answer);
    expect(answer.degraded).toEqual([]);
    expect(thingsOf(answer)).not.toContain(2);
    expect(thingsOf(answer).length).toBeGreaterThan(0);
    const expected = model.generators[1]!.candidates([indexOf(model.items, thing(2))], 10, [indexOf(model.items, thing(2))]);
    expect(answer.items.map(({ score }) => score)).toEqual(expected.map(({ score }) => score));
    for (const { reason } of answer.items) expect(reason).toMatchObject({ source: 'itemToItem', because: { shop: '0', sku: 2 } });
  });

  it('keeps composite keys apart, and gives what is trending for unknown items', () => {
    // 12 is shop 1, sku 2; there is no shop 11.
    expect(forYou.similar({ shop: '1', sku: 2 }, 5).degraded).toEqual([]);
    const unknown = forYou.similar({ shop: '11', sku: 2 }, 5);
    expect(unknown.degraded).toEqual(['the model does not know this thing: trending instead']);
    expect(unknown.items).toEqual(forYou.trending(5).items);
  });

  it('gives what else is trending for an item that nobody chose with another', async () => {
    const lonely = await trainMarket(marketSnapshot({ ranker: null }), marketInteractionsOf(null));
    const recommender = open(marketSnapshot({ ranker: null }), lonely);
    const answer = recommender.similar({ shop: '0', sku: 1 }, 10);
    expect(answer.degraded).toEqual(['nobody chose this thing with another: trending instead']);
    expect(thingsOf(answer)).toEqual(thingsOf(recommender.trending(10)).filter((each) => each !== 1));
  });

  it('says when nothing of the kind is declared', async () => {
    const only = marketSnapshot({ ranker: null, generators: [{ kind: 'ease', lambda: 20 }] });
    const recommender = open(only, await trainMarket(only));
    expect(recommender.trending(5)).toMatchObject({ items: [], degraded: ['no trending generator is declared'] });
    expect((await recommender.recommend({ personId: 1 }, 5)).degraded).toEqual(['this person has no history: trending instead', 'no trending generator is declared']);
    expect(recommender.similar({ shop: '0', sku: 2 }, 5).items[0]!.reason.source).toBe('ease');
    const trends = marketSnapshot({ ranker: null, generators: [{ kind: 'trending', halfLifeMs: 1e9 }] });
    expect(open(trends, await trainMarket(trends)).similar({ shop: '0', sku: 2 }, 5).degraded).toEqual(['no generator of similar items is declared: trending instead']);
  });
});

describe('bad input', () => {
  it.each([0, -1, 101, 1.5, NaN, Infinity, '5', null])('refuses first = %p', async (first) => {
    const refusal = expect.objectContaining({ code: 'INVALID_VALUE', todo: 'Ask for 1 to 100 items.' }) as unknown as Error;
    await expect(ask(1, first as number)).rejects.toEqual(refusal);
    expect(() => forYou.trending(first as number)).toThrow(refusal);
    expect(() => forYou.similar({ shop: '0', sku: 2 }, first as number)).toThrow(refusal);
  });

  it.each([[{}, 'MISSING_KEY'], [{ personId: '' }, 'MISSING_KEY'], [{ personId: 'x' }, 'INVALID_KEY'], [{ personId: 2 ** 53 }, 'INVALID_KEY'], [{ personId: 1.5 }, 'INVALID_KEY']])('refuses the user %j as %s', async (request, code) => {
    await expect(forYou.recommend(request, 5)).rejects.toMatchObject({ code });
  });

  it.each([[{ sku: 1 }, 'MISSING_KEY'], [{ shop: '0' }, 'MISSING_KEY'], [{ shop: 0, sku: 1 }, 'INVALID_KEY'], [{ shop: '0', sku: 'x' }, 'INVALID_KEY']])('refuses the item %j as %s', (request, code) => {
    expect(() => forYou.similar(request, 5)).toThrow(expect.objectContaining({ code }));
  });

  it('refuses to open what is not declared, and a model of other features', () => {
    const reader = new FeatureReader(snapshot, shop.store, { project: PROJECT });
    expect(() => new Recommender('for_me', { reader, model })).toThrow(expect.objectContaining({ code: 'UNKNOWN_RECOMMENDER', todo: 'Name one of for_you.' }));
    expect(() => open(snapshot, { ...model, featureNames: [...model.featureNames].reverse() })).toThrow(expect.objectContaining({ code: 'SCHEMA_MISMATCH' }));
  });
});

/** The choices of one person alone; null: of everyone their first only. */
function marketInteractionsOf(person: number | null): ReturnType<typeof marketInteractions> {
  return marketInteractions((each, isFirst) => (person === null ? isFirst && each > 0 : each === person));
}
