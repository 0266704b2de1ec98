import { describe, expect, it } from '@jest/globals';
import { createInteractions } from '../interactions.js';
import { createRandom } from '../random.js';
import { trainTrending, trendingGenerator } from '../retrieval/trending.js';
import { interactionsOf, randomEvents } from './events.testing.js';
import { movingTrending } from './moving-trending.js';

const seed = Number(process.env['SEED']);
const START = Date.UTC(2020, 0, 1);

/** The formula as it is written, of the events before an instant. */
function naive(events: ReturnType<typeof randomEvents>, item: number, instant: number, halfLifeMs: number): number {
  return events.filter((each) => each.item === item && each.time < instant).reduce((sum, { weight, time }) => sum + weight * 2 ** (-(instant - time) / halfLifeMs), 0);
}

describe('moving trending', () => {
  it.each([
    ['a half-life of the span', 10_000, 10_000],
    ['3 half-lives', 9_000, 3_000],
    ['a thousand half-lives, so sums are scaled back often', 1_000_000, 1_000],
    ['half-lives shorter than the gaps between events', 1_000_000, 7],
  ])(`equals the formula at any instant, with %s (seed ${seed})`, (_, span, halfLifeMs) => {
    const random = createRandom(seed);
    const events = randomEvents(seed, { users: 8, items: 20, events: 300, span }).map((each) => ({ ...each, time: START + each.time }));
    const interactions = interactionsOf(events);
    const moving = movingTrending(interactions, halfLifeMs);
    const all = interactions.items.keys.map((_key, i) => i);
    // Some instants are those of events: these must not count yet.
    const instants = [START - 10 ** 9, START + span + 1, START + span + 50 * halfLifeMs, START + span + 10 ** 12];
    for (let i = 0; i < 40; i++) instants.push(START + random.integer(span), events[random.integer(events.length)]!.time);
    for (const instant of instants.sort((a, b) => a - b)) {
      moving.moveTo(instant);
      const scores = moving.generator.score([], all);
      for (const i of all) {
        const expected = naive(events, interactions.items.keys[i] as number, instant, halfLifeMs);
        // Sums are doubles, scores float32: below its least normal number precision fades.
        expect(Math.abs(scores[i]! - expected)).toBeLessThanOrEqual(1e-6 * expected + 1e-44);
      }
    }
  });

  it(`gives the candidates of a model trained as of the instant, in its order (seed ${seed})`, () => {
    const events = randomEvents(seed, { users: 8, items: 40, events: 400 }).map((each) => ({ ...each, weight: each.weight + Math.fround(each.time / 1e5) }));
    const moving = movingTrending(interactionsOf(events), 900);
    for (const instant of [1, 2_500, 6_000, 10_001]) {
      moving.moveTo(instant);
      const before = events.filter(({ time }) => time < instant);
      // The same vocabulary in the same order: later events stay, without weight.
      const muted = interactionsOf(events.map((each) => (each.time < instant ? each : { ...each, weight: 0 })));
      const trained = trendingGenerator(trainTrending(muted, { halfLifeMs: 900, asOf: instant }));
      const exclude = [3, 5, 999, -1];
      const [found, expected] = [moving.generator.candidates([], 15, exclude), trained.candidates([], 15, exclude)];
      expect(found.map(({ item }) => item)).toEqual(expected.map(({ item }) => item));
      expect(found.length).toBeGreaterThan(before.length === 0 ? -1 : 0);
      found.forEach(({ score }, i) => expect(score / expected[i]!.score).toBeCloseTo(1, 5));
      expect([...moving.generator.score([], found.map(({ item }) => item))]).toEqual(found.map(({ score }) => score));
    }
  });

  it('does not count events at the instant, and counts them a millisecond later', () => {
    const moving = movingTrending(interactionsOf([{ user: 1, item: 1, weight: 2, time: 100 }]), 50);
    moving.moveTo(100);
    expect(moving.generator.candidates([], 5, [])).toEqual([]);
    expect([...moving.generator.score([], [0])]).toEqual([0]);
    moving.moveTo(101);
    expect(moving.generator.candidates([], 5, [])).toEqual([{ item: 0, score: Math.fround(2 * 2 ** (-1 / 50)) }]);
  });

  it('refuses to go back, and has nothing of nothing', () => {
    const moving = movingTrending(createInteractions({ users: [], items: [], times: [] }), 50);
    moving.moveTo(10);
    moving.moveTo(10);
    expect(moving.generator.candidates([], 5, [])).toEqual([]);
    expect(() => moving.moveTo(9)).toThrow(/go back/);
  });
});
