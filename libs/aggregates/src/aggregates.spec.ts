import { describe, expect, it } from '@jest/globals';
import { aggregateFunctions, boundsKinds, type Aggregate, type AggregateFunction, type Expression, type Feature, type FieldType, type Value, type ValueMap } from '@granary/contracts';
import * as fc from 'fast-check';
import { ageRange, compareValues, emptyParts, evaluate, finish, foldRequest, matches, oldestAt, partsOf } from './index.js';
import { bucketOf, bucketValue } from './value-bucket.js';

const FLOAT = { kind: 'float64' } as const;
const OVER_3: Expression = { kind: 'call', fn: 'gt', args: [{ kind: 'field', name: 'x' }, { kind: 'literal', type: { kind: 'int32' }, value: 3 }] };
const WITHOUT_COLUMN: readonly AggregateFunction[] = ['count', 'rate', 'ratio', 'timeSinceLast', 'decayedCount'];
const SECOND = 1000;
const source = { fields: [{ name: 'x', type: { kind: 'int32' as const }, nullable: true }] };

function feature(fn: AggregateFunction, type: Feature['type'], extra: Partial<Aggregate> = {}): Feature {
  const window = fn === 'latest' ? null : { sizeMs: SECOND, delayMs: 0, bounds: '[)' as const, includeRequest: true };
  return { name: 'f', type, aggregate: { fn, column: WITHOUT_COLUMN.includes(fn) ? null : 'x', where: null, window, default: null, ...extra } };
}

/** What the feature comes to when these are its only events, the last of them just now: one every second. */
function fold(declared: Feature, values: readonly (Value | null)[]): Value | null {
  const parts = values.reduce((folded, x, i) => foldRequest(declared, folded, { x }, i * SECOND, source), emptyParts(declared));
  expect(parts).toHaveLength(partsOf(declared).length);
  return finish(declared, parts, (values.length - 1) * SECOND);
}

describe('ageRange', () => {
  it('holds exactly the ages that the bounds say, for every small window', () => {
    for (const bounds of boundsKinds) {
      for (const sizeMs of [1, 2, 3, 7]) {
        for (const delayMs of [0, 1, 5]) {
          const range = ageRange({ sizeMs, delayMs, bounds, includeRequest: false });
          for (let age = -2; age <= 15; age++) {
            const start = age < delayMs + sizeMs || (age === delayMs + sizeMs && bounds[0] === '[');
            const end = age > delayMs || (age === delayMs && bounds[1] === ']');
            expect([bounds, sizeMs, delayMs, age, range !== null && age >= range.youngest && age <= range.oldest]).toEqual([bounds, sizeMs, delayMs, age, start && end]);
          }
        }
      }
    }
  });
});

describe('a window with a hop', () => {
  it('begins on a multiple of the hop, wherever t is', () => {
    fc.assert(
      fc.property(fc.integer({ min: -40, max: 40 }), fc.integer({ min: 1, max: 9 }), fc.nat({ max: 9 }), fc.nat({ max: 5 }), (at, hopMs, more, delayMs) => {
        const window = { sizeMs: hopMs + more, delayMs, bounds: '[)' as const, includeRequest: false, hopMs };
        const start = Math.floor((at - delayMs - window.sizeMs) / hopMs) * hopMs;
        const range = ageRange(window)!;
        expect([oldestAt(range, at), range.oldest >= at - start]).toEqual([at - start, true]);
        const pace = feature('rate', FLOAT, { window, unitMs: 1 });
        expect(finish(pace, [12], at)).toBeCloseTo(12 / (at - delayMs - start), 12);
      }),
      { seed: Number(process.env['SEED']) },
    );
  });
});

describe('folding a request', () => {
  it('equals having had one event more, for numbers in any order', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer({ min: -1000, max: 1000 }))), (values) => {
        const present = values.filter((value) => value !== null);
        const expected: Record<string, Value | null> = {
          count: values.length,
          sum: present.reduce((a, b) => a + b, 0),
          avg: present.length === 0 ? null : present.reduce((a, b) => a + b, 0) / present.length,
          min: present.length === 0 ? null : Math.min(...present),
          max: present.length === 0 ? null : Math.max(...present),
          last: present.at(-1) ?? null,
        };
        for (const [fn, answer] of Object.entries(expected)) {
          expect([fn, fold(feature(fn as AggregateFunction, { kind: fn === 'count' ? 'int32' : 'float64' }), values)]).toEqual([fn, answer]);
        }
      }),
      { seed: Number(process.env['SEED']) },
    );
  });

  it('adds integers exactly', () => {
    expect(fold(feature('sum', { kind: 'int64' }), [2n ** 62n, 1n])).toBe(2n ** 62n + 1n);
  });

  it('counts only a row that satisfies where; unknown is no', () => {
    expect(fold(feature('count', { kind: 'int32' }, { where: OVER_3 }), [4, 3, null, 9])).toBe(2);
  });

  it('takes the share of the rows for which the predicate is known', () => {
    expect(fold(feature('ratio', FLOAT, { predicate: OVER_3 }), [4, 3, null, 9])).toBe(2 / 3);
    expect(fold(feature('ratio', FLOAT, { predicate: OVER_3 }), [null])).toBeNull();
  });

  it('loses no digits of a variance that is small beside the mean', () => {
    const values = [1e9, 1e9 + 1, 1e9 + 2];
    const variances = (['varianceSample', 'variancePopulation', 'stddevSample', 'stddevPopulation'] as const).map((fn) => fold(feature(fn, FLOAT), values));
    expect(variances).toEqual([1, 2 / 3, 1, Math.sqrt(2 / 3)]);
    expect(fold(feature('varianceSample', FLOAT), [5])).toBeNull();
    expect(fold(feature('stddevPopulation', FLOAT), [5])).toBe(0);
  });

  it('ranks by frequency, then by value, and tells equal numbers whatever their sign of zero', () => {
    const top = (n: number, values: readonly Value[]): Value | null => fold(feature('topK', { kind: 'array', of: { kind: 'string' } }, { n }), values);
    expect(top(2, ['b', 'c', 'a', 'b', 'c'])).toEqual(['b', 'c']);
    expect(top(9, ['b', 'c', 'a', 'c'])).toEqual(['c', 'a', 'b']);
    expect(fold(feature('countDistinct', { kind: 'int32' }), [0, -0, 0.1, 1e300, 0.1])).toBe(3);
    expect(fold(feature('countDistinct', { kind: 'int32' }), [1n, 2n ** 62n, 1n])).toBe(2);
  });

  it('counts categories of any name', () => {
    const counts = fold(feature('countBy', { kind: 'map', of: { kind: 'int32' } }), ['__proto__', 'a', '__proto__', 'constructor']);
    expect(Object.entries(counts as ValueMap)).toEqual([['__proto__', 2], ['a', 1], ['constructor', 1]]);
  });

  it('keeps the newest values, newest first, and the time of the newest', () => {
    expect(fold(feature('lastN', { kind: 'array', of: FLOAT }, { n: 2 }), [1, 2, null, 3])).toEqual([3, 2]);
    expect(fold(feature('first', FLOAT), [null, 2, 3])).toBe(2);
    const since = feature('timeSinceLast', FLOAT);
    expect(finish(since, foldRequest(since, emptyParts(since), {}, 5, source), 12)).toBe(7);
  });

  it('finds a percentile between the two nearest ranks', () => {
    const at = (fraction: number): Value | null => fold(feature('percentile', FLOAT, { fraction }), [40, 10, 20, 30]);
    expect([0, 0.25, 0.5, 0.9, 1].map(at)).toEqual([10, 17.5, 25, 37, 40]);
  });

  it('finds about where a percentile lies: of what is rounded to 8 binary digits', () => {
    const at = (fraction: number): Value | null => fold(feature('approxPercentile', FLOAT, { fraction }), [40, 10, 1001, -0, -7.3]);
    expect([0, 0.25, 0.5, 0.875, 1].map(at)).toEqual([-7.3125, 0, 10, 520, 1000]);
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.double({ noNaN: true, noDefaultInfinity: true }), (a, b) => {
        const [x, y] = [bucketOf(a), bucketOf(b)];
        expect(Math.abs(bucketValue(x) - a)).toBeLessThanOrEqual(Math.max(Math.abs(a) * 2 ** -8, 2 ** -1030));
        expect(Math.sign(x - y) * Math.sign(a - b)).not.toBe(-1);
        expect([bucketOf(bucketValue(x)), bucketOf(-a) + x]).toEqual([x, 0]);
      }),
      { seed: Number(process.env['SEED']) },
    );
    for (let whole = -256; whole <= 256; whole++) expect(bucketValue(bucketOf(whole))).toBe(whole);
    expect(bucketValue(bucketOf(-Number.MAX_VALUE))).toBe(-(2 ** 1023) * (255 / 128));
  });

  it('weighs events by their age at the instant asked about', () => {
    const halved = { halfLifeMs: SECOND };
    expect(fold(feature('decayedCount', FLOAT, halved), [0, 0, 0])).toBe(1.75);
    const total = feature('decayedSum', FLOAT, halved);
    expect(finish(total, foldRequest(total, emptyParts(total), { x: 8 }, 0, source), 3 * SECOND)).toBe(1);
    expect(fold(feature('rate', FLOAT, { unitMs: 60 * SECOND }), [0, 0, 0])).toBe(180);
  });
});

describe('what is beyond float64', () => {
  it('is null, or the declared default, and never 0', () => {
    const sums: readonly AggregateFunction[] = ['sum', 'avg', 'varianceSample', 'variancePopulation', 'stddevSample', 'stddevPopulation', 'decayedSum'];
    const vast = [Number.MAX_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE, Number.MAX_VALUE, Number.MAX_VALUE];
    for (const fn of sums) {
      // So long a half-life that nothing fades.
      const extra = { halfLifeMs: Number.MAX_SAFE_INTEGER };
      const values = [extra, { ...extra, default: { kind: 'literal' as const, type: FLOAT, value: 7 } }].map((each) => fold(feature(fn, FLOAT, each), vast));
      expect([fn, ...values]).toEqual([fn, null, 7]);
    }
  });
});

describe('an empty window', () => {
  it('is 0 for counts and sums, null for the rest, unless a default is declared', () => {
    const zero: readonly AggregateFunction[] = ['count', 'countDistinct', 'approxCountDistinct', 'sum'];
    for (const fn of aggregateFunctions) {
      const type: FieldType = fn === 'lastN' || fn === 'topK' ? { kind: 'array', of: FLOAT } : fn === 'countBy' ? { kind: 'map', of: { kind: 'int32' } } : FLOAT;
      const defaults = { default: { kind: 'literal' as const, type: FLOAT, value: 7 } };
      const values = [true, false].flatMap((includeRequest) => {
        const window = { sizeMs: SECOND, delayMs: 0, bounds: '[)' as const, includeRequest };
        return [{}, defaults].map((extra) => {
          const declared = feature(fn, type, { window, ...extra });
          return finish(declared, emptyParts(declared), 0);
        });
      });
      const own = zero.includes(fn) ? 0 : null;
      expect([fn, ...values]).toEqual([fn, own, 7, own, 7]);
    }
  });
});

describe('evaluate', () => {
  const unknown: Expression = { kind: 'call', fn: 'eq', args: [{ kind: 'field', name: 'x' }, { kind: 'literal', type: { kind: 'int32' }, value: 1 }] };
  const known = (value: boolean): Expression => ({ kind: 'call', fn: 'eq', args: [{ kind: 'literal', type: { kind: 'bool' }, value: true }, { kind: 'literal', type: { kind: 'bool' }, value }] });
  const call = (fn: 'and' | 'or' | 'not', ...args: Expression[]): Expression => ({ kind: 'call', fn, args });

  it('follows three-valued logic', () => {
    expect(evaluate(call('and', unknown, known(false)), {}, source)).toBe(false);
    expect(evaluate(call('and', unknown, known(true)), {}, source)).toBeNull();
    expect(evaluate(call('or', unknown, known(true)), {}, source)).toBe(true);
    expect(evaluate(call('or', unknown, known(false)), {}, source)).toBeNull();
    expect(evaluate(call('not', unknown), {}, source)).toBeNull();
    expect(matches(unknown, {}, source)).toBe(false);
    expect(matches(null, {}, source)).toBe(true);
  });
});

describe('compareValues', () => {
  it('orders strings as their UTF-8 bytes do', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
        expect(Math.sign(compareValues(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      { seed: Number(process.env['SEED']) },
    );
    expect(compareValues('\uFFFD', '\u{1F33E}')).toBeLessThan(0);
  });
});
