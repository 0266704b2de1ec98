import { randomGeometric, randomNormal, randomPoisson } from 'd3-random';
import { drawIndex, pick, randomStream } from '../simulation/random.js';
import type { Random } from '../simulation/random.js';
import { CATEGORIES, DAY, drawWorld, logPopularity } from './world.js';
import type { MarketplaceOptions, Shopper, Style, World } from './world.js';

export type { MarketplaceOptions } from './world.js';

export interface User {
  readonly userId: number;
  readonly country: string;
  /** Epoch milliseconds; some people sign up while the interactions already run. */
  readonly signedUpAt: number;
}

export interface Item {
  readonly itemId: number;
  readonly title: string;
  readonly category: string;
  readonly brand: string;
  readonly price: number;
  /** Epoch milliseconds; nobody sees an item before. */
  readonly releasedAt: number;
}

export interface Interaction {
  /** `e1`, `e2` … in order of time. */
  readonly eventId: string;
  readonly userId: number;
  readonly itemId: number;
  readonly kind: 'view' | 'cart' | 'purchase';
  /** Of the item. */
  readonly price: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

type Draft = Omit<Interaction, 'eventId'>;

interface Memory {
  /** Positions of the products seen last, oldest first. */
  readonly seen: number[];
  readonly owned: Set<number>;
}

const SECOND = 1000;
const MEMORY_LENGTH = 20;

/** The people of a marketplace, by id. */
export function* users(options: MarketplaceOptions): Generator<User, void, undefined> {
  for (const { userId, country, signedUpAt } of drawWorld(options).shoppers) yield { userId, country, signedUpAt };
}

/** The catalogue of a marketplace, by id. */
export function* items(options: MarketplaceOptions): Generator<Item, void, undefined> {
  for (const { itemId, title, category, brand, price, releasedAt } of drawWorld(options).products) {
    yield { itemId, title, category: CATEGORIES[category]!.name, brand, price, releasedAt };
  }
}

/**
 * Views, carts and purchases in order of time over `[end − days, end)`: about 150,000 with the default options. People
 * come in sessions; within one they stay near a category and a style. Whom they choose depends on taste, price, and a
 * popularity that moves with releases and bursts; what they like better they put into the cart and buy more often.
 * Holds the people, the items and one day in memory. Throws RangeError for impossible options.
 */
export function* interactions(options: MarketplaceOptions): Generator<Interaction, void, undefined> {
  const world = drawWorld(options);
  const random = randomStream(options.seed, 2);
  const drawVisit = visits(world, random);
  const memories = world.shoppers.map((): Memory => ({ seen: [], owned: new Set() }));
  const starts = visitTimes(random);
  let pending: Draft[] = [];
  let eventNumber = 0;

  for (let day = Math.floor(world.start / DAY) * DAY; day < world.end; day += DAY) {
    const popularity = Float64Array.from(world.products, (product) => logPopularity(product, day + DAY / 2));
    world.shoppers.forEach((shopper, i) => {
      for (const at of starts(shopper, day)) {
        if (at < Math.max(shopper.signedUpAt, world.start)) continue;
        pending.push(...drawVisit(shopper, memories[i]!, at, popularity));
      }
    });
    // A visit may run past midnight: what belongs to the next day waits for it.
    const until = Math.min(day + DAY, world.end);
    pending.sort((a, b) => a.at - b.at);
    let next = pending.findIndex((draft) => draft.at >= until);
    if (next < 0) next = pending.length;
    for (const draft of pending.slice(0, next)) {
      eventNumber += 1;
      yield { eventId: `e${eventNumber}`, ...draft };
    }
    pending = pending.slice(next);
  }
}

/** When a shopper's visits of a day begin: at noon or in the evening (UTC), more of them at the weekend. */
function visitTimes(random: Random): (shopper: Shopper, day: number) => readonly number[] {
  const poisson = randomPoisson.source(random);
  const normal = randomNormal.source(random)();
  return ({ sessionsPerDay }, day) => {
    const weekday = new Date(day).getUTCDay();
    const count = poisson(sessionsPerDay * (weekday === 0 || weekday === 6 ? 1.3 : 0.9))();
    const times = Array.from({ length: count }, () => {
      const hour = random() < 0.6 ? 20 + 2 * normal() : 13 + 2.5 * normal();
      return day + Math.floor((((hour + 24) % 24) * 3_600_000) / SECOND) * SECOND;
    });
    return times.sort((a, b) => a - b);
  };
}

type DrawVisit = (shopper: Shopper, memory: Memory, at: number, popularity: Float64Array) => readonly Draft[];

function visits(world: World, random: Random): DrawVisit {
  const viewCount = randomGeometric.source(random)(1 / 6);
  const weights = new Float64Array(world.products.length);

  /** Position of a product of the category, or −1 when its shelf is empty. */
  function choose(shopper: Shopper, memory: Memory, shelf: number, at: number, anchor: Style | undefined, popularity: Float64Array): number {
    const positions = world.shelves[shelf]!;
    positions.forEach((position, slot) => {
      const product = world.products[position]!;
      if (product.releasedAt > at) {
        weights[slot] = 0;
        return;
      }
      let weight = Math.exp(popularity[position]! + fit(shopper, product));
      if (anchor) weight *= 1 + 8 * Math.exp(-2 * distanceSquared(anchor, product.style));
      if (memory.owned.has(position) && !CATEGORIES[shelf]!.consumable) weight *= 0.05;
      weights[slot] = weight;
    });
    const slot = drawIndex(random, weights, positions.length);
    return slot < 0 ? -1 : positions[slot]!;
  }

  return (shopper, memory, start, popularity) => {
    const drafts: Draft[] = [];
    const basket: number[] = [];
    let at = start;
    let shelf = drawIndex(random, shopper.taste);
    let anchor: Style | undefined;
    const emit = (position: number, kind: Draft['kind']): void => {
      const { itemId, price } = world.products[position]!;
      drafts.push({ userId: shopper.userId, itemId, kind, price, at });
    };

    for (let left = viewCount(); left > 0; left -= 1) {
      const goesOn = random();
      if (goesOn < 0.1) shelf = CATEGORIES[shelf]!.goesWith;
      else if (goesOn < 0.25) shelf = drawIndex(random, shopper.taste);
      const again = memory.seen.length > 0 && random() < 0.1 ? pick(random, memory.seen) : -1;
      // Two visits can overlap: the other one may have seen what, at this instant, is not released yet.
      const back = again >= 0 && world.products[again]!.releasedAt <= at;
      const position = back ? again : choose(shopper, memory, shelf, at, anchor, popularity);
      if (position < 0) continue;
      emit(position, 'view');
      const product = world.products[position]!;
      anchor = product.style;
      shelf = product.category;
      memory.seen.push(position);
      if (memory.seen.length > MEMORY_LENGTH) memory.seen.shift();
      at += (10 + Math.floor(random() * 80)) * SECOND;
      if (!basket.includes(position) && random() < chanceOfCart(fit(shopper, product), back)) {
        emit(position, 'cart');
        basket.push(position);
        at += (5 + Math.floor(random() * 30)) * SECOND;
      }
    }
    for (const position of basket) {
      if (random() > chanceOfPurchase(shopper, world.products[position]!.priceLevel)) continue;
      at += (20 + Math.floor(random() * 60)) * SECOND;
      emit(position, 'purchase');
      memory.owned.add(position);
    }
    return drafts;
  };
}

/** How well a product suits a shopper, as a log weight: the match of styles less the distance of the price. */
function fit(shopper: Shopper, product: { readonly style: Style; readonly priceLevel: number }): number {
  const match = shopper.style[0] * product.style[0] + shopper.style[1] * product.style[1];
  return 0.7 * match - shopper.priceSensitivity * (product.priceLevel - shopper.budget) ** 2;
}

function chanceOfCart(fitness: number, seenBefore: boolean): number {
  return (seenBefore ? 2 : 1) * (0.03 + 0.15 / (1 + Math.exp(0.5 - fitness)));
}

function chanceOfPurchase(shopper: Shopper, priceLevel: number): number {
  return 0.25 + 0.4 / (1 + Math.exp(shopper.priceSensitivity * (priceLevel - shopper.budget)));
}

function distanceSquared(a: Style, b: Style): number {
  return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2;
}
