import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInteractions, rowOf, type Interactions } from '../interactions.js';
import { createGenerator, type RetrievalModel } from '../artifacts/model-files.js';
import { trainEase } from '../retrieval/ease.js';
import { trainItemToItem } from '../retrieval/item-to-item.js';
import { trainTrending } from '../retrieval/trending.js';
import { testDataFolder } from './environment.js';
import { evaluateScorer, leaveLatestOut, scorerOf } from './leave-latest-out.js';

describe('leave the latest out', () => {
  const x = createInteractions({
    users: ['a', 'a', 'a', 'a', 'b', 'c', 'c', 'd', 'd'],
    items: [1, 2, 3, 1, 1, 2, 3, 4, 4],
    times: [1, 2, 3, 4, 1, 7, 7, 1, 2],
  });
  const split = leaveLatestOut(x);

  it("holds out the last item of each user with all its events, ties by arrival, and spares users with one item", () => {
    // a's latest event repeats item 1; c's two are at one time; b and d have a single item.
    expect([...split.heldOut]).toEqual([0, -1, 2, -1]);
    expect(x.users.keys.map((_, u) => [...rowOf(split.train.byUser, u)])).toEqual([[1, 2], [0], [1], [3]]);
    expect([...split.train.events.offsets]).toEqual([0, 2, 3, 4, 6]);
    expect(split.train.items).toBe(x.items);
  });

  it('ranks the held-out item among unseen items only', async () => {
    // Item scores 0 1 2 3 for everybody: a has seen 1 and 2, so item 0 comes after 3: rank 2; c's item 2 after 3: rank 2.
    const quality = await evaluateScorer(split, () => [0, 1, 2, 3], { k: 2 });
    expect(quality).toEqual({ count: 2, ndcg: 1 / Math.log2(3), hitRate: 1 });
    expect(await evaluateScorer(split, () => [5, 5, 5, 5], { k: 1 })).toEqual({ count: 2, ndcg: 0, hitRate: 0 });
  });
});

const folder = join(testDataFolder, 'movielens-latest-small');
const ratings = join(folder, 'ratings.csv');
const isPresent = existsSync(ratings);

(isPresent ? describe : describe.skip)(`MovieLens latest-small${isPresent ? '' : ` (skipped: no ${ratings}; set GRANARY_TEST_DATA)`}`, () => {
  it('orders the generators as the literature does: EASE, item to item, trending', async () => {
    const split = leaveLatestOut(readRatings(ratings));
    const asOf = split.train.events.times.reduce((a, b) => Math.max(a, b));
    const models: RetrievalModel[] = [
      trainTrending(split.train, { halfLifeMs: 100 * 365 * 86_400_000, asOf }),
      await trainItemToItem(split.train),
      await trainEase(split.train, { maxItems: 2000 }),
    ];
    const qualities = [];
    for (const model of models) qualities.push(await evaluateScorer(split, scorerOf(createGenerator(model))));
    const [trending, itemToItem, ease] = qualities;
    expect(trending!.count).toBe(610);
    expect(trending!.ndcg).toBeGreaterThan(0.01);
    expect(itemToItem!.ndcg).toBeGreaterThan(trending!.ndcg);
    expect(ease!.ndcg).toBeGreaterThan(itemToItem!.ndcg);
    expect(ease!.ndcg).toBeGreaterThan(0.035);
  });
});

function readRatings(path: string): Interactions {
  const rows = readFileSync(path, 'utf8').trim().split('\n').slice(1).map((line) => line.split(',').map(Number));
  return createInteractions({ users: rows.map((r) => r[0]!), items: rows.map((r) => r[1]!), times: rows.map((r) => r[3]! * 1000) });
}
