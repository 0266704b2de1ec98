import { describe, expect, it } from '@jest/globals';
import { rowOf } from '../interactions.js';
import { createGenerator } from '../artifacts/model-files.js';
import { leaveLatestOut } from '../evaluation/leave-latest-out.js';
import { createRandom } from '../random.js';
import { interactionsOf, randomEvents, type RawEvent } from './events.testing.js';
import { questionsOf } from './questions.js';
import { retrieve } from './retrieve.js';
import { trainGenerators } from './train-generators.js';

const seed = Number(process.env['SEED']);
const DECLARED = [
  { kind: 'trending', halfLifeMs: 3_000 },
  { kind: 'itemToItem', neighbours: 10, shrinkage: 2 },
  { kind: 'ease', lambda: 20 },
] as const;

describe('retrieve', () => {
  it(`unites the generators without the excluded, fuses their ranks, and asks all for all scores (seed ${seed})`, async () => {
    const interactions = interactionsOf(randomEvents(seed, { users: 40, items: 60, events: 900 }));
    const generators = (await trainGenerators(interactions, DECLARED, 10_000)).map(createGenerator);
    const random = createRandom(seed);
    for (let user = 0; user < interactions.users.keys.length; user++) {
      const history = rowOf(interactions.byUser, user);
      const exclude: readonly number[] = user % 3 === 0 ? [] : [...history];
      const perGenerator = 1 + random.integer(25);
      const { items, found, scores } = retrieve(generators, history, exclude, perGenerator);

      const lists = generators.map((generator) => generator.candidates(history, perGenerator, exclude));
      expect(new Set(items)).toEqual(new Set(lists.flat().map(({ item }) => item)));
      expect(new Set(items).size).toBe(items.length);
      expect([...items].filter((item) => exclude.includes(item))).toEqual([]);
      expect(found.map(({ item }) => item)).toEqual([...items]);
      found.forEach(({ item, generator, score, because, fused }, i) => {
        const ranks = lists.map((list) => list.findIndex((each) => each.item === item) + 1);
        const best = Math.min(...ranks.filter((rank) => rank > 0));
        expect(generator).toBe(ranks.indexOf(best));
        expect(lists[generator]![best - 1]).toEqual({ item, score, ...(because === undefined ? {} : { because }) });
        expect(fused).toBeCloseTo(ranks.reduce((sum, rank) => sum + (rank === 0 ? 0 : 1 / (60 + rank)), 0), 12);
        if (i > 0) expect(fused).toBeLessThanOrEqual(found[i - 1]!.fused);
        generators.forEach((each, g) => expect(scores[i * generators.length + g]).toBe(each.score(history, [item])[0]));
      });
    }
  });

  it('lets no generator push the others out, whatever the order of declaration', async () => {
    const interactions = interactionsOf(randomEvents(3, { users: 40, items: 60, events: 900 }));
    const generators = (await trainGenerators(interactions, DECLARED, 10_000)).map(createGenerator);
    const history = rowOf(interactions.byUser, 0);
    const first = retrieve(generators, history, [], 100);
    const turned = retrieve([...generators].reverse(), history, [], 100);
    expect(new Set(first.found.slice(0, 10).map(({ generator }) => generator)).size).toBeGreaterThan(1);
    expect(turned.found.map(({ fused }) => fused.toFixed(12))).toEqual(first.found.map(({ fused }) => fused.toFixed(12)));
  });

  it('finds nothing without generators, and nothing where all is excluded', async () => {
    const interactions = interactionsOf(randomEvents(3, { users: 4, items: 6, events: 50 }));
    const generators = (await trainGenerators(interactions, DECLARED, 10_000)).map(createGenerator);
    expect(retrieve([], [0], [], 10)).toEqual({ items: new Int32Array(0), found: [], scores: new Float32Array(0) });
    expect(retrieve(generators, [0], interactions.items.keys.map((_, i) => i), 10).items).toHaveLength(0);
  });
});

describe('questions of held-out choices', () => {
  const event = (user: number, item: number, time: number): RawEvent => ({ user, item, weight: 1, time });

  it('are asked when the user first met the item, with what was met before', () => {
    const all = interactionsOf([
      event(1, 10, 5), event(1, 11, 7), event(1, 12, 20), event(1, 10, 25), event(1, 13, 30), event(1, 12, 40),
      event(2, 10, 1), event(2, 10, 2),
      event(3, 11, 9), event(3, 14, 9),
    ]);
    const index = (item: number): number => all.items.keys.indexOf(item);
    const asked = questionsOf(all, leaveLatestOut(all));
    expect(asked).toEqual([
      // 12 was the last met, and met first at 20: neither 13 nor the later events are known then.
      { user: 0, time: 20, history: Int32Array.from([index(10), index(11)]).sort(), chosen: index(12) },
      // At the same instant: what arrived first is the history.
      { user: 2, time: 9, history: Int32Array.of(index(11)), chosen: index(14) },
    ]);
  });

  it(`never know the choice, nor anything after it (seed ${seed})`, () => {
    const events = randomEvents(seed, { users: 30, items: 25, events: 400 });
    const all = interactionsOf(events);
    const split = leaveLatestOut(all);
    const asked = questionsOf(all, split);
    expect(asked.map(({ user }) => user)).toEqual([...split.heldOut.keys()].filter((user) => split.heldOut[user]! >= 0));
    for (const { user, time, history, chosen } of asked) {
      const own = events.filter((each) => each.user === all.users.keys[user]);
      const itemsAt = (when: (time: number) => boolean): number[] => own.filter((each) => when(each.time)).map(({ item }) => all.items.keys.indexOf(item));
      expect(Math.min(...own.filter(({ item }) => all.items.keys.indexOf(item) === chosen).map((each) => each.time))).toBe(time);
      expect([...history]).not.toContain(chosen);
      expect(itemsAt((at) => at < time).every((item) => history.includes(item))).toBe(true);
      expect([...history].every((item) => itemsAt((at) => at <= time).includes(item))).toBe(true);
      expect(rowOf(split.train.byUser, user)).not.toContain(chosen);
    }
  });
});
