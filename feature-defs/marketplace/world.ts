import { randomGamma, randomNormal, randomPoisson } from 'd3-random';
import { drawIndex, pick, randomStream, requireWhole } from '../simulation/random.js';
import type { Random } from '../simulation/random.js';

export interface MarketplaceOptions {
  /** 32-bit integer: the same options give the same marketplace. */
  readonly seed: number;
  /** Epoch milliseconds at which the interactions end, itself excluded. */
  readonly end: number;
  /** Length of the interactions; 60 by default. */
  readonly days?: number;
  /** 1,500 by default. */
  readonly users?: number;
  /** 800 by default. */
  readonly items?: number;
}

/** A person, with what the marketplace can't see and only their behaviour betrays. */
export interface Shopper {
  readonly userId: number;
  readonly country: string;
  readonly signedUpAt: number;
  /** Share of interest per category; adds up to 1. */
  readonly taste: Float64Array;
  readonly style: Style;
  /** Preferred price, as a log ratio to the median of a category. */
  readonly budget: number;
  readonly priceSensitivity: number;
  readonly sessionsPerDay: number;
}

export interface Product {
  readonly itemId: number;
  readonly title: string;
  readonly category: number;
  readonly brand: string;
  readonly price: number;
  readonly releasedAt: number;
  readonly style: Style;
  /** Log ratio of the price to the median of its category. */
  readonly priceLevel: number;
  /** Log of the lasting popularity. */
  readonly appeal: number;
  readonly bursts: readonly Burst[];
}

export type Style = readonly [number, number];

interface Burst {
  readonly from: number;
  /** Added to the log popularity at first; halves every `halfLife` milliseconds. */
  readonly lift: number;
  readonly halfLife: number;
}

export interface World {
  readonly start: number;
  readonly end: number;
  readonly shoppers: readonly Shopper[];
  readonly products: readonly Product[];
  /** Positions in `products`, per category. */
  readonly shelves: readonly (readonly number[])[];
}

export interface Category {
  readonly name: string;
  readonly medianPrice: number;
  readonly nouns: readonly string[];
  /** Bought again and again, such as coffee; other things are hardly wanted twice. */
  readonly consumable: boolean;
  /** Where people look next in the same visit. */
  readonly goesWith: number;
}

export const DAY = 86_400_000;

const category = (
  name: string,
  medianPrice: number,
  nouns: string,
  goesWith: number,
  consumable = false,
): Category => ({ name, medianPrice, nouns: nouns.split(' '), goesWith, consumable });

export const CATEGORIES: readonly Category[] = [
  category('audio', 90, 'headphones speaker earbuds turntable soundbar', 1),
  category('computing', 240, 'keyboard monitor laptop mouse dock', 0),
  category('kitchen', 55, 'pan kettle knife grinder scale', 3),
  category('groceries', 9, 'coffee tea chocolate honey olives', 2, true),
  category('books', 16, 'novel atlas cookbook biography anthology', 11),
  category('running', 85, 'shoes vest socks watch jacket', 6),
  category('outdoor', 110, 'tent backpack stove lantern hammock', 5),
  category('beauty', 24, 'serum soap balm shampoo perfume', 8, true),
  category('fashion', 60, 'shirt coat scarf jeans dress', 7),
  category('home', 70, 'lamp rug vase blanket mirror', 10),
  category('garden', 35, 'planter secateurs hose trellis bulbs', 9),
  category('toys', 28, 'puzzle blocks kite robot marbles', 4),
];

const COUNTRIES = ['DE', 'FR', 'GB', 'IT', 'NL', 'PL', 'SE', 'US'];
const COUNTRY_SHARES = [20, 16, 16, 10, 8, 8, 6, 16];
const BRANDS =
  'Alder Birch Cobalt Dune Ember Fjord Garnet Harbor Indigo Juniper Kestrel Larch Meadow Nimbus Onyx Pebble Quill Rowan Slate Thistle Umber Violet Willow Zephyr'.split(
    ' ',
  );

/** Draws the people and things of a marketplace. Throws RangeError for impossible options. */
export function drawWorld(options: MarketplaceOptions): World {
  const { seed, end, days = 60, users = 1_500, items = 800 } = options;
  requireWhole('end', end, 0);
  requireWhole('days', days, 0);
  requireWhole('users', users, 0);
  requireWhole('items', items, 0);
  const start = end - days * DAY;
  const products = drawProducts(randomStream(seed, 1), items, start, end);
  const shelves = CATEGORIES.map((_, index) => products.flatMap((product, i) => (product.category === index ? [i] : [])));
  return { start, end, shoppers: drawShoppers(randomStream(seed, 0), users, start, end), products, shelves };
}

function drawShoppers(random: Random, count: number, start: number, end: number): readonly Shopper[] {
  const normal = randomNormal.source(random)();
  // Few categories hold most of a person's interest: gamma draws of a shape below 1, normalised, are a sparse Dirichlet.
  const interest = randomGamma.source(random)(0.3);
  const activity = randomGamma.source(random)(1.3, 0.27 / 1.3);
  const localTastes = COUNTRIES.map(() => CATEGORIES.map(() => Math.exp(0.5 * normal())));
  return Array.from({ length: count }, (_, i) => {
    const country = drawIndex(random, COUNTRY_SHARES);
    const taste = Float64Array.from(localTastes[country]!, (local) => local * interest() + 0.004);
    const total = taste.reduce((sum, share) => sum + share, 0);
    const signedUpAt = random() < 0.75 ? start - random() * 400 * DAY : start + random() * (end - start);
    return {
      userId: i + 1,
      country: COUNTRIES[country]!,
      signedUpAt: wholeSecond(signedUpAt),
      taste: taste.map((share) => share / total),
      style: [normal(), normal()],
      budget: 0.5 * normal(),
      priceSensitivity: 0.3 + 2.2 * random(),
      sessionsPerDay: activity(),
    };
  });
}

function drawProducts(random: Random, count: number, start: number, end: number): readonly Product[] {
  const normal = randomNormal.source(random)();
  const burstCount = randomPoisson.source(random)((end - start) / DAY / 100);
  const brands = BRANDS.map((name) => ({ name, level: 0.35 * normal(), style: [normal(), normal()] as const }));
  return Array.from({ length: count }, (_, i) => {
    const index = Math.floor(random() * CATEGORIES.length);
    const { medianPrice, nouns } = CATEGORIES[index]!;
    // Each brand sells in three of the categories.
    const sellers = brands.filter((_brand, b) => [b, 5 * b + 4, 7 * b + 9].some((n) => n % CATEGORIES.length === index));
    const brand = pick(random, sellers);
    const price = Math.max(1, Math.round(medianPrice * Math.exp(brand.level + 0.4 * normal()))) - 0.01;
    const releasedAt = random() < 0.7 ? start - random() * 365 * DAY : start + random() * (end - start);
    return {
      itemId: i + 1,
      title: `${brand.name} ${pick(random, nouns)} ${i + 1}`,
      category: index,
      brand: brand.name,
      price,
      releasedAt: wholeSecond(releasedAt),
      style: [0.7 * brand.style[0] + 0.7 * normal(), 0.7 * brand.style[1] + 0.7 * normal()],
      priceLevel: Math.log(price / medianPrice),
      appeal: 0.8 * normal(),
      bursts: Array.from({ length: burstCount() }, () => ({
        from: start - 3 * DAY + random() * (end - start + 3 * DAY),
        lift: 1.8 + 1.7 * random(),
        halfLife: (1.5 + 3 * random()) * DAY,
      })),
    };
  });
}

/** Log popularity of a product at an instant: its appeal, a fading bonus for being new, and its bursts. */
export function logPopularity(product: Product, at: number): number {
  const age = Math.max(0, at - product.releasedAt);
  let value = product.appeal + 1.2 * Math.exp(-age / (7 * DAY));
  for (const { from, lift, halfLife } of product.bursts) {
    if (at >= from) value += lift * 2 ** ((from - at) / halfLife);
  }
  return value;
}

function wholeSecond(at: number): number {
  return Math.floor(at / 1000) * 1000;
}
