import { describe, expect, it } from '@jest/globals';
import { interactions, items, users } from './simulator.js';
import type { Interaction, MarketplaceOptions } from './simulator.js';

const DAY = 86_400_000;
const seed = Number(process.env['SEED']);
console.info(`marketplace simulator: seed ${seed}`);

const end = Date.UTC(2026, 4, 17, 9, 30);
const options: MarketplaceOptions = { seed, end };
const events = [...interactions(options)];
const catalogue = new Map([...items(options)].map((item) => [item.itemId, item]));
const people = new Map([...users(options)].map((user) => [user.userId, user]));
const categoryOf = (event: Interaction): string => catalogue.get(event.itemId)!.category;

/** Share of each user's purchases that falls into their two most bought categories, over all users. */
function concentration(purchases: readonly (readonly [user: number, category: string])[]): number {
  const counts = new Map<number, Map<string, number>>();
  for (const [user, category] of purchases) {
    const own = counts.get(user) ?? new Map<string, number>();
    counts.set(user, own.set(category, (own.get(category) ?? 0) + 1));
  }
  let inTop = 0;
  for (const own of counts.values()) {
    const [first = 0, second = 0] = [...own.values()].sort((a, b) => b - a);
    inTop += first + second;
  }
  return inTop / purchases.length;
}

/** The most viewed items of a span of days counted from the start, best first. */
function topViewed(fromDay: number, toDay: number, count: number): number[] {
  const start = end - 60 * DAY;
  const views = new Map<number, number>();
  for (const { kind, itemId, at } of events) {
    const day = (at - start) / DAY;
    if (kind === 'view' && day >= fromDay && day < toDay) views.set(itemId, (views.get(itemId) ?? 0) + 1);
  }
  return [...views].sort((a, b) => b[1] - a[1]).slice(0, count).map(([itemId]) => itemId);
}

describe('a marketplace of the default size', () => {
  it('has 1,500 users, 800 items and about 150,000 interactions that touch nearly all of them', () => {
    expect([people.size, catalogue.size]).toEqual([1_500, 800]);
    expect(events.length).toBeGreaterThan(125_000);
    expect(events.length).toBeLessThan(180_000);
    expect(new Set(events.map((event) => event.userId)).size).toBeGreaterThan(1_300);
    expect(new Set(events.map((event) => event.itemId)).size).toBeGreaterThan(770);
  });

  it('numbers interactions in order of time over the 60 days before the end', () => {
    let previous = end - 60 * DAY;
    events.forEach((event, i) => {
      if (event.eventId !== `e${i + 1}` || event.at < previous) throw new Error(`out of order: ${JSON.stringify(event)}`);
      previous = event.at;
    });
    expect(previous).toBeLessThan(end);
    expect(previous).toBeGreaterThan(end - DAY);
    expect(events[0]!.at).toBeLessThan(end - 59 * DAY);
  });

  it('shows items from their release on, to people who have signed up, at the price of the item', () => {
    const wrong = events.filter((event) => {
      const item = catalogue.get(event.itemId)!;
      return event.at < item.releasedAt || event.at < people.get(event.userId)!.signedUpAt || event.price !== item.price;
    });
    expect(wrong).toEqual([]);
    const start = end - 60 * DAY;
    expect([...catalogue.values()].filter((item) => item.releasedAt > start).length).toBeGreaterThan(150);
    expect([...people.values()].filter((user) => user.signedUpAt > start).length).toBeGreaterThan(250);
  });

  it('narrows from views to carts to purchases, each after the step before it', () => {
    const count = (kind: Interaction['kind']): number => events.filter((event) => event.kind === kind).length;
    const [cartRate, purchaseRate] = [count('cart') / count('view'), count('purchase') / count('cart')];
    expect(cartRate).toBeGreaterThan(0.07);
    expect(cartRate).toBeLessThan(0.15);
    expect(purchaseRate).toBeGreaterThan(0.35);
    expect(purchaseRate).toBeLessThan(0.55);

    const reached = new Map<string, { view: number; cart: number; purchase: number }>();
    for (const { userId, itemId, kind } of events) {
      const key = `${userId} ${itemId}`;
      const steps = reached.get(key) ?? { view: 0, cart: 0, purchase: 0 };
      steps[kind] += 1;
      if (steps.purchase > steps.cart || steps.cart > steps.view) throw new Error(`${kind} without the step before: ${key}`);
      reached.set(key, steps);
    }
  });

  it('shows taste: purchases concentrate in few categories, unlike purchases dealt out at random', () => {
    const purchases = events.filter((event) => event.kind === 'purchase');
    const real = purchases.map((event) => [event.userId, categoryOf(event)] as const);
    // Half-way round the list is another person at another time: categories keep their totals, people lose their own.
    const half = Math.floor(real.length / 2);
    const dealt = real.map(([user], i) => [user, real[(i + half) % real.length]![1]] as const);
    expect(concentration(real)).toBeGreaterThan(concentration(dealt) + 0.15);
  });

  it('shows visits: the item after an item, within minutes, is of the same category most of the time', () => {
    const lastView = new Map<number, Interaction>();
    let [pairs, same] = [0, 0];
    for (const event of events) {
      if (event.kind !== 'view') continue;
      const before = lastView.get(event.userId);
      lastView.set(event.userId, event);
      if (!before || event.at - before.at > 5 * 60_000 || before.itemId === event.itemId) continue;
      pairs += 1;
      if (categoryOf(before) === categoryOf(event)) same += 1;
    }
    expect(pairs).toBeGreaterThan(50_000);
    expect(same / pairs).toBeGreaterThan(0.6);
  });

  it('shows trends: what is viewed most stays from day to day and changes over weeks', () => {
    const shared = (a: readonly number[], b: readonly number[]): number => a.filter((item) => b.includes(item)).length;
    const [first, next] = [topViewed(20, 22, 40), topViewed(22, 24, 40)];
    const later = topViewed(50, 52, 40);
    expect(shared(first, next)).toBeGreaterThan(shared(first, later) + 5);
    expect(shared(first, later)).toBeLessThan(25);
  });
});

describe('a marketplace of any size', () => {
  const small: MarketplaceOptions = { seed, end, users: 40, items: 30, days: 10 };

  it('is the same for the same options and another for another seed', () => {
    const bytes = (of: MarketplaceOptions): string => JSON.stringify([[...users(of)], [...items(of)], [...interactions(of)]]);
    expect(bytes(small)).toBe(bytes(small));
    expect(bytes({ ...small, seed: (seed + 1) % 2 ** 31 })).not.toBe(bytes(small));
  });

  it('grows with its people and its days', () => {
    const count = (of: Partial<MarketplaceOptions>): number => [...interactions({ ...options, days: 10, users: 500, ...of })].length;
    const base = count({});
    expect(count({ users: 1_000 }) / base).toBeGreaterThan(1.4);
    expect(count({ days: 20 }) / base).toBeGreaterThan(1.4);
  });

  it('stands being empty, and refuses impossible options', () => {
    expect([...interactions({ ...small, users: 0 })]).toEqual([]);
    expect([...interactions({ ...small, items: 0 })]).toEqual([]);
    expect([...interactions({ ...small, days: 0 })]).toEqual([]);
    expect(() => interactions({ ...small, days: -1 }).next()).toThrow('days must be a whole number of at least 0, got -1');
    expect(() => users({ ...small, end: NaN }).next()).toThrow('end must be');
  });
});
