import { randomNormal, randomPoisson } from 'd3-random';
import { drawWhole, pick, randomStream, requireWhole } from '../simulation/random.js';
import type { Random } from '../simulation/random.js';

/**
 * Why a payment is fraud: 0 it is not; 1 its amount is above 220; 2 its terminal is compromised;
 * 3 its customer is compromised. A later scenario overwrites an earlier one.
 */
export type FraudScenario = 0 | 1 | 2 | 3;

export interface Payment {
  /** 0, 1, 2 … in order of time. */
  readonly transactionId: number;
  readonly customerId: number;
  readonly terminalId: number;
  /** Rounded to cents. */
  readonly amount: number;
  /** Epoch milliseconds, on whole seconds. */
  readonly at: number;
  readonly fraud: boolean;
  readonly scenario: FraudScenario;
}

export interface PaymentsOptions {
  /** 32-bit integer: the same options give the same payments. */
  readonly seed: number;
  /** 5,000 by default. */
  readonly customers?: number;
  /** Twice the customers by default. */
  readonly terminals?: number;
  /** 183 by default. A shorter run is a prefix of a longer one. */
  readonly days?: number;
  /** First day (UTC), `YYYY-MM-DD`; 2018-04-01 by default. */
  readonly start?: string;
}

interface Customer {
  readonly mean: number;
  readonly terminals: readonly number[];
  readonly drawCount: () => number;
}

interface Draft {
  readonly customerId: number;
  readonly terminalId: number;
  readonly amount: number;
  readonly at: number;
  readonly scenario: FraudScenario;
}

interface Outbreak {
  startDay(day: number): void;
  covers(id: number, day: number): boolean;
}

const DAY_SECONDS = 86_400;
const SIDE = 100;
const REFERENCE = { customers: 5_000, terminals: 10_000, radius: 5 };
const LARGE_AMOUNT = 220;

/**
 * Card payments in order of time, after the Fraud Detection Handbook's simulator: about 1.75 million rows, 0.84 %
 * of them fraud, with the default options. Holds one day in memory. With fewer customers or terminals the number of
 * compromised ones per day falls in proportion, and the radius grows so that a customer still chooses among about 75
 * terminals. Throws RangeError for impossible options.
 */
export function* payments(options: PaymentsOptions): Generator<Payment, void, undefined> {
  const { customers: customerCount = REFERENCE.customers, days = 183, start = '2018-04-01', seed } = options;
  const terminalCount = options.terminals ?? 2 * customerCount;
  requireWhole('customers', customerCount, 1);
  requireWhole('terminals', terminalCount, 1);
  requireWhole('days', days, 0);
  const firstDay = startOfDay(start);

  const customers = placeCustomers(seed, customerCount, terminalCount);
  const random = randomStream(seed, 1);
  const normal = randomNormal.source(random)();
  const draw = randomStream(seed, 2);
  const badTerminals = outbreak(draw, terminalCount, (2 * terminalCount) / REFERENCE.terminals, 28);
  const badCustomers = outbreak(draw, customerCount, (3 * customerCount) / REFERENCE.customers, 14);

  let transactionId = 0;
  for (let day = 0; day < days; day += 1) {
    badTerminals.startDay(day);
    badCustomers.startDay(day);
    const midnight = firstDay + day * DAY_SECONDS * 1000;
    const drafts: Draft[] = [];
    customers.forEach((customer, customerId) => {
      if (customer.terminals.length === 0) return;
      for (let left = customer.drawCount(); left > 0; left -= 1) {
        const second = Math.trunc(DAY_SECONDS / 2 + 20_000 * normal());
        if (second <= 0 || second >= DAY_SECONDS) continue;
        let amount = customer.mean + (customer.mean / 2) * normal();
        if (amount < 0) amount = random() * 2 * customer.mean;
        amount = toCents(amount);
        const terminalId = pick(random, customer.terminals);
        let scenario: FraudScenario = amount > LARGE_AMOUNT ? 1 : 0;
        if (badTerminals.covers(terminalId, day)) scenario = 2;
        if (badCustomers.covers(customerId, day) && random() < 1 / 3) {
          amount = toCents(amount * 5);
          scenario = 3;
        }
        drafts.push({ customerId, terminalId, amount, at: midnight + second * 1000, scenario });
      }
    });
    // The sort is stable, so payments of the same second keep one order and ids are reproducible.
    drafts.sort((a, b) => a.at - b.at);
    for (const { customerId, terminalId, amount, at, scenario } of drafts) {
      yield { transactionId, customerId, terminalId, amount, at, fraud: scenario !== 0, scenario };
      transactionId += 1;
    }
  }
}

/**
 * Radius within which a customer of the square has on average as many of `terminals` terminals as one of the reference
 * has of 10,000 within 5. Circles that cross the border are counted with the part inside (mean area of a disc of
 * radius r ≤ 1, uniform centre, inside the unit square: πr² − 8r³/3 + r⁴/2).
 */
export function usableRadius(terminals: number): number {
  const insideShare = (radius: number): number => {
    const r = radius / SIDE;
    return Math.PI * r ** 2 - (8 / 3) * r ** 3 + r ** 4 / 2;
  };
  if (terminals === REFERENCE.terminals) return REFERENCE.radius;
  const wanted = (REFERENCE.terminals * insideShare(REFERENCE.radius)) / terminals;
  if (wanted >= insideShare(SIDE)) return Infinity;
  let [low, high] = [0, SIDE];
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (insideShare(middle) < wanted) low = middle;
    else high = middle;
  }
  return high;
}

function placeCustomers(seed: number, customers: number, terminals: number): readonly Customer[] {
  const random = randomStream(seed, 0);
  const poisson = randomPoisson.source(randomStream(seed, 3));
  const radius = usableRadius(terminals);
  const xs = Float64Array.from({ length: terminals }, () => random() * SIDE);
  const ys = Float64Array.from({ length: terminals }, () => random() * SIDE);
  return Array.from({ length: customers }, () => {
    const [x, y, mean, rate] = [random() * SIDE, random() * SIDE, 5 + random() * 95, random() * 4];
    const usable: number[] = [];
    for (let i = 0; i < terminals; i += 1) {
      if ((xs[i]! - x) ** 2 + (ys[i]! - y) ** 2 < radius ** 2) usable.push(i);
    }
    return { mean, terminals: usable, drawCount: poisson(rate) };
  });
}

/** Draws, day by day, which of `size` ids are compromised; `until` holds for each the first day it is clean again. */
function outbreak(random: Random, size: number, perDay: number, days: number): Outbreak {
  const until = new Int32Array(size);
  return {
    startDay(day) {
      for (let left = drawWhole(random, perDay); left > 0; left -= 1) {
        let id = Math.floor(random() * size);
        while (until[id] === day + days) id = (id + 1) % size;
        until[id] = day + days;
      }
    },
    covers: (id, day) => until[id]! > day,
  };
}

function startOfDay(text: string): number {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  // Date.parse rolls 2018-02-30 over to March.
  if (Number.isNaN(at) || !new Date(at).toISOString().startsWith(text)) {
    throw new RangeError(`start must be a date written YYYY-MM-DD, got '${text}'`);
  }
  return at;
}

function toCents(amount: number): number {
  return Math.round(amount * 100) / 100;
}
