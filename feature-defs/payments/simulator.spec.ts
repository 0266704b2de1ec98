import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { payments, usableRadius } from './simulator.js';
import type { Payment, PaymentsOptions } from './simulator.js';

const DAY = 86_400_000;
const seed = Number(process.env['SEED']);
console.info(`payments simulator: seed ${seed}`);

function digest(options: PaymentsOptions): string {
  const hash = createHash('sha256');
  for (const payment of payments(options)) hash.update(JSON.stringify(payment));
  return hash.digest('hex');
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function groupBy<T, K>(rows: readonly T[], key: (row: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const row of rows) {
    const group = groups.get(key(row));
    if (group) group.push(row);
    else groups.set(key(row), [row]);
  }
  return groups;
}

describe('payments at full scale', () => {
  const start = Date.UTC(2018, 3, 1);
  const scenarios = [0, 0, 0, 0];
  const perDay = new Float64Array(183);
  const perCustomer = new Float64Array(5000);
  const spent = new Float64Array(5000);
  const terminalsSeen = new Set<number>();
  const customersSeen = new Set<number>();
  let [count, ordered, cents, wholeSeconds, inside, secondSum, secondSquares] = [0, true, true, true, true, 0, 0];
  let [consistent, largeAmountsAreFraud] = [true, true];
  let last = start;

  for (const payment of payments({ seed })) {
    const second = ((payment.at - start) % DAY) / 1000;
    ordered &&= payment.transactionId === count && payment.at >= last;
    wholeSeconds &&= Math.floor(second) === second;
    inside &&= second > 0 && second < 86_400;
    cents &&= Math.abs(payment.amount * 100 - Math.round(payment.amount * 100)) < 1e-6 && payment.amount >= 0;
    consistent &&= payment.fraud === payment.scenario > 0;
    largeAmountsAreFraud &&= payment.amount <= 220 || payment.fraud;
    scenarios[payment.scenario]! += 1;
    perDay[Math.floor((payment.at - start) / DAY)]! += 1;
    if (payment.scenario !== 3) {
      perCustomer[payment.customerId]! += 1;
      spent[payment.customerId]! += payment.amount;
    }
    terminalsSeen.add(payment.terminalId);
    customersSeen.add(payment.customerId);
    secondSum += second;
    secondSquares += second ** 2;
    last = payment.at;
    count += 1;
  }

  it('has about 1.75 million payments of nearly all customers and terminals, evenly over 183 days', () => {
    expect(count).toBeGreaterThan(1_650_000);
    expect(count).toBeLessThan(1_850_000);
    expect(customersSeen.size).toBeGreaterThan(4_950);
    expect(terminalsSeen.size).toBeGreaterThan(9_900);
    expect(Math.min(...perDay) / mean([...perDay])).toBeGreaterThan(0.9);
    expect(Math.max(...perDay) / mean([...perDay])).toBeLessThan(1.1);
  });

  it('numbers payments in order of time, on whole seconds strictly inside the day, in cents', () => {
    expect({ ordered, wholeSeconds, inside, cents, consistent }).toEqual({
      ordered: true,
      wholeSeconds: true,
      inside: true,
      cents: true,
      consistent: true,
    });
  });

  it('has seconds of day ~ N(43200, 20000) cut at midnight, whose deviation is 18,193', () => {
    const average = secondSum / count;
    expect(Math.abs(average - 43_200)).toBeLessThan(200);
    expect(Math.abs(Math.sqrt(secondSquares / count - average ** 2) - 18_193)).toBeLessThan(200);
  });

  it('has customers with rates over U(0, 4) and mean amounts over U(5, 100)', () => {
    const daily = [...perCustomer].map((payments) => payments / 183).sort((a, b) => a - b);
    // 3.1 % of the drawn seconds fall outside the day and are dropped.
    expect(Math.abs(daily[2_500]! - 2 * 0.969)).toBeLessThan(0.15);
    expect(Math.abs(daily[4_750]! - 3.8 * 0.969)).toBeLessThan(0.15);
    const amounts = [...spent].flatMap((sum, id) => (perCustomer[id]! >= 50 ? [sum / perCustomer[id]!] : []));
    amounts.sort((a, b) => a - b);
    // Negative draws (2.3 %) become U(0, 2·mean): the mean of a customer's amounts rises by 3 %.
    expect(Math.abs(amounts[Math.floor(amounts.length / 2)]! / 52.5 - 1.03)).toBeLessThan(0.05);
    expect(amounts[0]!).toBeGreaterThan(3.5);
    expect(amounts.at(-1)!).toBeLessThan(125);
  });

  it('has about 0.84 % fraud, in the published proportions of its scenarios', () => {
    const [, large, terminal, customer] = scenarios as [number, number, number, number];
    const fraud = large + terminal + customer;
    expect(fraud / count).toBeGreaterThan(0.0078);
    expect(fraud / count).toBeLessThan(0.0092);
    expect(large / fraud).toBeGreaterThan(0.04);
    expect(large / fraud).toBeLessThan(0.1);
    expect(terminal / fraud).toBeGreaterThan(0.54);
    expect(terminal / fraud).toBeLessThan(0.7);
    expect(customer / fraud).toBeGreaterThan(0.26);
    expect(customer / fraud).toBeLessThan(0.4);
    expect(largeAmountsAreFraud).toBe(true);
  });
});

describe('payments of a few customers', () => {
  const small = { seed, customers: 400, days: 183 };
  const rows = [...payments(small)];

  it('keeps the share of fraud of the full scale, roughly', () => {
    const share = rows.filter((row) => row.fraud).length / rows.length;
    expect(share).toBeGreaterThan(0.004);
    expect(share).toBeLessThan(0.0135);
    expect(new Set(rows.map((row) => row.scenario))).toEqual(new Set([0, 1, 2, 3]));
  });

  it('lets a customer choose among about as many terminals as at full scale', () => {
    const usable = (all: readonly Payment[]): number => {
      const byCustomer = groupBy(all, (row) => row.customerId);
      return mean([...byCustomer.values()].map((own) => new Set(own.map((row) => row.terminalId)).size));
    };
    const reference = usable([...payments({ seed, days: 60, customers: 400, terminals: 10_000 })]);
    const scaled = usable([...payments({ seed, days: 60, customers: 400 })]);
    expect(scaled / reference).toBeGreaterThan(0.85);
    expect(scaled / reference).toBeLessThan(1.15);
    expect(usableRadius(10_000)).toBe(5);
    expect(usableRadius(10_001)).toBeCloseTo(5, 2);
    expect(usableRadius(20)).toBe(Infinity);
  });

  it('marks every payment at a compromised terminal, for 28 days', () => {
    const byTerminal = groupBy(rows, (row) => row.terminalId);
    let spells = 0;
    for (const visits of byTerminal.values()) {
      const hit = visits.filter((visit) => visit.scenario === 2);
      if (hit.length === 0) continue;
      const days = (hit.at(-1)!.at - hit[0]!.at) / DAY;
      // Two spells of one terminal may meet; they can't be told apart from outside.
      if (days > 28) continue;
      spells += 1;
      const between = visits.filter((visit) => visit.at >= hit[0]!.at && visit.at <= hit.at(-1)!.at);
      expect(between.every((visit) => visit.fraud)).toBe(true);
    }
    expect(spells).toBeGreaterThan(3);
  });

  it('multiplies the amounts of a third of a compromised customer’s payments by five', () => {
    const usual = new Map<number, number>();
    for (const [id, own] of groupBy(rows.filter((row) => row.scenario < 3), (row) => row.customerId)) {
      usual.set(id, mean(own.map((row) => row.amount)));
    }
    const ratios = rows
      .filter((row) => row.scenario === 3)
      .flatMap((row) => (usual.has(row.customerId) ? [row.amount / usual.get(row.customerId)!] : []));
    expect(ratios.length).toBeGreaterThan(50);
    expect(Math.abs(mean(ratios) - 5)).toBeLessThan(1);
  });

  it('is the same for the same options, another for another seed, and a prefix of a longer run', () => {
    const options = { seed, customers: 50, days: 40 };
    expect(digest(options)).toBe(digest(options));
    expect(digest({ ...options, seed: (seed + 1) % 2 ** 31 })).not.toBe(digest(options));
    const longer = [...payments({ ...options, days: 60 })];
    const shorter = [...payments(options)];
    expect(longer.slice(0, shorter.length)).toEqual(shorter);
  });

  it('refuses impossible options', () => {
    const run = (options: Partial<PaymentsOptions>) => () => payments({ seed, ...options }).next();
    expect(run({ customers: 0 })).toThrow('customers must be a whole number of at least 1, got 0');
    expect(run({ days: 1.5 })).toThrow('days must be');
    expect(run({ start: '2018-02-30' })).toThrow("start must be a date written YYYY-MM-DD, got '2018-02-30'");
    expect(run({ seed: 0.5 })).toThrow('seed must be a 32-bit integer');
  });
});
