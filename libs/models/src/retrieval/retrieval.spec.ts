import { describe, expect, it } from '@jest/globals';
import { createInteractions, rowOf, type Interactions } from '../interactions.js';
import { createRandom } from '../random.js';
import type { CandidateGenerator } from './candidate-generator.js';
import { easeGenerator, trainEase } from './ease.js';
import { itemToItemGenerator, trainItemToItem } from './item-to-item.js';
import { topK } from './top-k.js';
import { trainTrending, trendingGenerator } from './trending.js';

const seed = Number(process.env['SEED']);

function randomInteractions(seed: number, userCount: number, itemCount: number, events: number): Interactions {
  const random = createRandom(seed);
  const skewed = (n: number): number => Math.floor(n * random.uniform() ** 2);
  return createInteractions({
    users: Array.from({ length: events }, () => skewed(userCount)),
    items: Array.from({ length: events }, () => skewed(itemCount)),
    weights: Array.from({ length: events }, () => random.integer(4)),
    times: Array.from({ length: events }, () => random.integer(10_000)),
  });
}

/** Dense binary user × item matrix. */
function dense(x: Interactions): number[][] {
  return x.users.keys.map((_, u) => x.items.keys.map((_, i) => (rowOf(x.byUser, u).includes(i) ? 1 : 0)));
}

function solve(a: number[][], b: number[][]): number[][] {
  const n = a.length;
  const rows = a.map((row, i) => [...row, ...b[i]!]);
  for (let c = 0; c < n; c++) {
    const pivot = rows.findIndex((row, i) => i >= c && Math.abs(row[c]!) === Math.max(...rows.slice(c).map((r) => Math.abs(r[c]!))));
    [rows[c], rows[pivot]] = [rows[pivot]!, rows[c]!];
    rows[c] = rows[c]!.map((v) => v / rows[c]![c]!);
    for (let r = 0; r < n; r++) if (r !== c) rows[r] = rows[r]!.map((v, k) => v - rows[r]![c]! * rows[c]![k]!);
  }
  return rows.map((row) => row.slice(n));
}

/** Steck's formula, as it is written. */
function naiveEase(x: Interactions, lambda: number): number[][] {
  const X = dense(x);
  const n = x.items.keys.length;
  const gram = Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (_, j) => X.reduce((sum, row) => sum + row[i]! * row[j]!, 0) + (i === j ? lambda : 0)),
  );
  const p = solve(gram, gram.map((_, i) => gram.map((_, j) => (i === j ? 1 : 0))));
  return p.map((row, i) => row.map((value, j) => (i === j ? 0 : -value / p[j]![j]!)));
}

describe('topK', () => {
  it(`equals sorting, ties by lower index (seed ${seed})`, () => {
    const random = createRandom(seed);
    for (let round = 0; round < 300; round++) {
      const scores = Array.from({ length: random.integer(40) }, () => random.integer(8) - 3);
      const k = random.integer(20);
      const sorted = scores.map((_, i) => i).filter((i) => i % 3 !== 0).sort((a, b) => scores[b]! - scores[a]! || a - b);
      expect(topK(scores, scores.length, k, (i) => i, (i) => i % 3 !== 0)).toEqual(sorted.slice(0, k));
    }
  });
});

describe('trending', () => {
  it('adds up decayed weights, repeats included, and never counts what comes after the instant', () => {
    const x = createInteractions({ users: [1, 1, 2, 3, 3], items: ['a', 'a', 'b', 'c', 'b'], weights: [1, 1, 1, 9, 4], times: [100, 200, 200, 301, 0] });
    const model = trainTrending(x, { halfLifeMs: 100, asOf: 300 });
    expect([...model.scores]).toEqual([0.25 + 0.5, 0.5 + 4 / 8, 0]);
    const generator = trendingGenerator(model);
    expect(generator.candidates([], 10, [])).toEqual([{ item: 1, score: 1 }, { item: 0, score: 0.75 }]);
    expect(generator.candidates([], 10, [1])).toEqual([{ item: 0, score: 0.75 }]);
    expect(() => trainTrending(x, { halfLifeMs: 0, asOf: 0 })).toThrow(expect.objectContaining({ code: 'INVALID_VALUE' }));
  });
});

describe('item to item', () => {
  it(`equals the naive shrunk cosine (seed ${seed})`, async () => {
    const x = randomInteractions(seed, 40, 30, 400);
    const X = dense(x);
    const model = await trainItemToItem(x, { neighbours: 1000, shrinkage: 3 });
    const items = x.items.keys.map((_, i) => i);
    const generator = itemToItemGenerator(model);
    for (const i of items) {
      const similar = generator.score([i], items);
      for (const j of items) {
        const c = X.reduce((sum, row) => sum + row[i]! * row[j]!, 0);
        const [ni, nj] = [i, j].map((k) => X.reduce((sum, row) => sum + row[k]!, 0));
        expect(similar[j]!).toBeCloseTo(i === j ? 0 : ((c / Math.sqrt(ni! * nj!)) * c) / (c + 3), 6);
      }
    }
  });

  it('keeps the nearest neighbours only, and only the latest items of a long history', async () => {
    const x = createInteractions({ users: [1, 1, 1, 2, 2, 2, 3, 3], items: ['a', 'b', 'c', 'a', 'b', 'c', 'a', 'b'], times: [1, 2, 3, 1, 2, 3, 1, 2] });
    const nearest = itemToItemGenerator(await trainItemToItem(x, { neighbours: 1, shrinkage: 0 }));
    expect(nearest.candidates([0], 5, []).map(({ item }) => item)).toEqual([1]);
    const latest = itemToItemGenerator(await trainItemToItem(x, { shrinkage: 0, maxItemsPerUser: 2 }));
    expect(latest.score([0], [1, 2])[1]).toBe(0);
    expect(latest.score([1], [2])[0]).toBeCloseTo(2 / Math.sqrt(3 * 2));
  });
});

describe('EASE', () => {
  it.each([[25, 18], [12, 30], [20, 20]])(`equals Steck's formula in both forms, %i users × %i items (seed ${seed})`, async (users, items) => {
    const x = randomInteractions(seed + users, users, items, 250);
    const expected = naiveEase(x, 2.5);
    const all = x.items.keys.map((_, i) => i);
    for (const form of ['primal', 'dual'] as const) {
      const generator = easeGenerator(await trainEase(x, { lambda: 2.5, neighbours: 1000, form }));
      for (const i of all) {
        const weights = generator.score([i], all);
        for (const j of all) expect(weights[j]!).toBeCloseTo(expected[i]![j]!, 6);
      }
    }
  });

  it('takes the most popular items only, and the weights of greatest magnitude', async () => {
    const x = randomInteractions(7, 60, 40, 800);
    const model = await trainEase(x, { lambda: 5, maxItems: 10, neighbours: 4 });
    const rows = Array.from({ length: x.items.keys.length }, (_, i) => model.neighbours.offsets[i + 1]! - model.neighbours.offsets[i]!);
    expect(rows.filter((length) => length > 0)).toEqual(Array(10).fill(4));
    const least = Math.min(...rows.flatMap((length, i) => (length > 0 ? [rowOf(x.byItem, i).length] : [])));
    rows.forEach((length, i) => expect(length > 0 || rowOf(x.byItem, i).length <= least).toBe(true));
  });

  it('reports progress and stops when cancelled', async () => {
    const x = randomInteractions(seed, 40, 30, 400);
    const stages = new Set<string>();
    await trainEase(x, { onProgress: ({ stage, done, total }) => done === total && stages.add(stage) });
    expect([...stages]).toEqual(expect.arrayContaining(['ease gram', 'ease inverse', 'ease weights']));
    await expect(trainEase(x, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(trainItemToItem(x, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(trainEase(x, { lambda: 0 })).rejects.toMatchObject({ code: 'INVALID_VALUE' });
  });

  it('trains on nothing to know nothing', async () => {
    const x = createInteractions({ users: [], items: [], times: [] });
    expect(easeGenerator(await trainEase(x)).candidates([], 10, [])).toEqual([]);
  });
});

describe('every generator', () => {
  it(`answers with the best unexcluded items above 0, with the scores and reasons of single questions (seed ${seed})`, async () => {
    const x = randomInteractions(seed, 50, 60, 900);
    const random = createRandom(seed);
    const all = x.items.keys.map((_, i) => i);
    const generators: CandidateGenerator[] = [
      trendingGenerator(trainTrending(x, { halfLifeMs: 2000, asOf: 9000 })),
      itemToItemGenerator(await trainItemToItem(x, { neighbours: 15 })),
      easeGenerator(await trainEase(x, { lambda: 10, neighbours: 30 })),
    ];
    for (const generator of generators) {
      for (let round = 0; round < 40; round++) {
        const history = Array.from({ length: random.integer(12) }, () => random.integer(70) - 5);
        const exclude = [...history, random.integer(60)];
        const scores = generator.score(history, all);
        const expected = all.filter((i) => scores[i]! > 0 && !exclude.includes(i)).sort((a, b) => scores[b]! - scores[a]! || a - b).slice(0, 10);
        const found = generator.candidates(history, 10, exclude);
        expect(found.map(({ score }) => score)).toEqual(expected.map((i) => scores[i]));
        for (const { item, score, because } of found) {
          expect(score).toBe(scores[item]);
          if (generator.kind === 'trending') {
            expect(because).toBeUndefined();
          } else {
            const parts = history.map((from) => generator.score([from], [item])[0]!);
            expect(generator.score([because!], [item])[0]).toBe(Math.max(...parts));
            expect(history).toContain(because);
          }
        }
      }
    }
  });
});
