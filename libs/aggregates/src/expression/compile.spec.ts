import { describe, expect, it } from '@jest/globals';
import { formatExpression, type Expression, type ExpressionFunction, type FieldType, type Value } from '@granary/contracts';
import * as fc from 'fast-check';
import { compileExpression } from './compile.js';
import { murmurHash3 } from './murmur-hash.js';
import { zoneOffset } from './time-zone.js';

const FIELDS: Readonly<Record<string, FieldType>> = {
  b: { kind: 'bool' },
  i: { kind: 'int32' },
  l: { kind: 'int64' },
  f: { kind: 'float32' },
  d: { kind: 'float64' },
  s: { kind: 'string' },
  t: { kind: 'timestamp' },
};
const literal = (value: Value | Date): Expression => {
  if (value instanceof Date) return { kind: 'literal', type: FIELDS['t']!, value: value.getTime() };
  if (typeof value === 'bigint') return { kind: 'literal', type: FIELDS['l']!, value: String(value) };
  if (typeof value === 'boolean') return { kind: 'literal', type: FIELDS['b']!, value };
  return { kind: 'literal', type: FIELDS[typeof value === 'string' ? 's' : 'd']!, value: value as number | string };
};
/** A field of that name that is null. */
const nothing = (name: string): Expression => ({ kind: 'field', name });
const int = (value: number): Expression => ({ kind: 'literal', type: FIELDS['i']!, value });
const call = (fn: ExpressionFunction, ...args: readonly (Expression | Value | Date)[]): Expression => ({
  kind: 'call',
  fn,
  args: args.map((arg) => (typeof arg === 'object' && 'kind' in arg ? (arg as Expression) : literal(arg as Value | Date))),
});
const evaluate = (expression: Expression): Value | null => compileExpression<null>(expression, ({ name }) => ({ type: FIELDS[name]!, read: () => null }))(null);

const MOST = 2n ** 63n - 1n;
const LEAST = -(2n ** 63n);

const EXAMPLES: readonly (readonly [Expression, Value | null])[] = [
  // integers are exact, and null beyond int64
  [call('add', 2n ** 53n, 1n), 2n ** 53n + 1n],
  [call('add', int(2147483647), int(1)), 2147483648n],
  [call('add', MOST, 1n), null],
  [call('sub', LEAST, 1n), null],
  [call('mul', 2n ** 62n, 2n), null],
  [call('neg', LEAST), null],
  [call('abs', LEAST), null],
  [call('abs', -7n), 7n],
  [call('mod', -7n, 3n), -1n],
  [call('mod', LEAST, -1n), 0n],
  [call('mod', 7n, 0n), null],
  [call('least', 2n, int(1)), 1n],
  [call('greatest', 2n, 2.5), 2.5],
  [call('greatest', 2n, nothing('l')), null],
  [call('clamp', 12n, int(0), int(10)), 10n],
  [call('clamp', 5, 8, 2), 2],
  // floats: NaN and infinity are null
  [call('add', 2n, 0.5), 2.5],
  [call('mul', 1e308, 10), null],
  [call('div', 7n, 2n), 3.5],
  [call('div', 0, 0), null],
  [call('div', 1, -0), null],
  [call('mod', -7.5, 2), -1.5],
  [call('mod', 7.5, 0), null],
  [call('sqrt', -1), null],
  [call('log', 0), null],
  [call('log', -1), null],
  [call('log1p', -1), null],
  [call('exp', 710), null],
  [call('pow', 2, 10), 1024],
  [call('pow', -8, 1 / 3), null],
  [call('pow', 0, -1), null],
  [call('pow', 10, -310), 0],
  [call('pow', 5e-324, 0.1), 0],
  [call('round', 2.5), 3],
  [call('round', -2.5), -2],
  [call('floor', -0.5), -1],
  [call('ceil', 0.2), 1],
  [call('add', { kind: 'literal', type: FIELDS['f']!, value: 0.1 }, 0), Math.fround(0.1)],
  // comparison: by exact value, and by UTF-8
  [call('eq', 2n ** 53n + 1n, 2 ** 53), false],
  [call('gt', 2n ** 53n + 1n, 2 ** 53), true],
  [call('eq', 1n, int(1)), true],
  [call('eq', 0, -0), true],
  [call('lt', '\uFFFD', '\u{1F33E}'), true],
  [call('ne', 'a', nothing('s')), null],
  [call('in', 1n, int(2), 1), true],
  [call('in', 1n, 2n, nothing('l')), null],
  [call('in', 1n, 1n, nothing('l')), true],
  // what takes nulls
  [call('isNull', nothing('d')), true],
  [call('and', nothing('b'), false), false],
  [call('or', nothing('b'), false), null],
  [call('if', nothing('b'), 1n, 2n), 2n],
  [call('if', true, int(1), 2.5), 1],
  [call('if', true, int(1), 2n), 1n],
  [call('coalesce', nothing('d'), int(3)), 3],
  [call('nullIf', 3n, 3), null],
  [call('nullIf', 3n, nothing('l')), 3n],
  // texts
  [call('lower', 'AÉz'), 'aÉz'],
  [call('upper', 'aéZ'), 'AéZ'],
  [call('trim', ' \t a  '), '\t a'],
  [call('length', 'a\u{1F33E}é'), 3],
  [call('concat', 'a', nothing('s')), null],
  [call('concat', 'a', 'b', ''), 'ab'],
  [call('contains', '', ''), true],
  [call('startsWith', 'ab', 'b'), false],
  [call('endsWith', 'ab', 'b'), true],
  [call('toText', MOST), '9223372036854775807'],
  [call('toText', true), 'true'],
  [call('toFloat', true), 1],
  [call('toFloat', new Date(5)), 5],
  [call('toFloat', 2n ** 53n + 1n), 2 ** 53],
  // buckets
  [call('bucketise', 5, 1, 5, 10), 2],
  [call('bucketise', 2n ** 53n + 1n, 2 ** 53), 1],
  [call('hashBucket', 'abc', int(1000)), 3017643002 % 1000],
  [call('hashBucket', 42n, int(1000)), murmurHash3('42') % 1000],
  // time: summer time begins at 07:00 UTC in New York
  [call('hour', new Date('2024-03-10T06:59:59.999Z'), 'America/New_York'), 1],
  [call('hour', new Date('2024-03-10T07:00:00Z'), 'America/New_York'), 3],
  [call('minute', new Date('2024-01-01T00:00:00Z'), 'Asia/Kathmandu'), 45],
  [call('dayOfWeek', new Date(-1), 'UTC'), 3],
  [call('dayOfWeek', new Date('2024-01-07T12:00:00Z'), 'UTC'), 7],
  [call('dayOfMonth', new Date('2024-02-29T23:30:00Z'), 'Europe/Berlin'), 1],
  [call('month', new Date('2024-02-29T23:30:00Z'), 'Europe/Berlin'), 3],
  [call('year', new Date('2199-12-31T23:59:00Z'), 'Asia/Tokyo'), 2200],
  [call('msBetween', new Date(10), new Date(25)), -15],
];

describe('an expression', () => {
  it.each(EXAMPLES.map(([expression, value]) => [formatExpression(expression), expression, value] as const))('%s', (_, expression, value) => {
    const actual = evaluate(expression);
    // −0 is 0.
    expect(typeof actual === 'number' ? actual + 0 : actual).toBe(value);
  });

  it('is null where an argument is, but for those that take nulls', () => {
    const strict: readonly Expression[] = [
      call('add', nothing('i'), 1n), call('div', 1, nothing('d')), call('clamp', 1, nothing('d'), 2), call('bucketise', nothing('d'), 1), call('hashBucket', nothing('s'), int(3)),
      call('haversineKm', 1, 2, 3, nothing('d')), call('hour', nothing('t'), 'UTC'), call('lower', nothing('s')), call('toText', nothing('b')), call('not', nothing('b')), call('lt', nothing('s'), 'a'),
    ];
    expect(strict.map(evaluate)).toEqual(strict.map(() => null));
  });

  it('refuses types that do not fit when it is compiled, not row by row', () => {
    expect(() => evaluate(call('add', 'a', 1))).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID' }));
  });
});

describe('haversineKm', () => {
  it('is exact for points that are near, far and opposite', () => {
    const distance = (...degrees: readonly number[]): number => evaluate(call('haversineKm', ...degrees)) as number;
    const circumference = 2 * Math.PI * 6371.0088;
    expect(distance(0, 0, 0, 1)).toBeCloseTo(circumference / 360, 9);
    expect(distance(12, 34, -12, -146)).toBeCloseTo(circumference / 2, 9);
    expect(distance(50, 8, 50, 8)).toBe(0);
    // a millimetre along a meridian
    expect(distance(50, 8, 50 + 1e-6 / (circumference / 360), 8)).toBeCloseTo(1e-6, 11);
    // Berlin to Paris by the law of cosines, which is good at such distances
    const [a, b, c, d] = [52.5163, 13.3777, 48.8584, 2.2945].map((each) => (each * Math.PI) / 180) as [number, number, number, number];
    expect(distance(52.5163, 13.3777, 48.8584, 2.2945)).toBeCloseTo(6371.0088 * Math.acos(Math.sin(a) * Math.sin(c) + Math.cos(a) * Math.cos(c) * Math.cos(d - b)), 8);
  });
});

describe('murmurHash3', () => {
  it('gives the reference values, over UTF-8', () => {
    // https://en.wikipedia.org/wiki/MurmurHash, seed 0
    expect(['', 'test', 'Hello, world!', 'The quick brown fox jumps over the lazy dog'].map(murmurHash3)).toEqual([0, 0xba6bd213, 0xc0363e43, 0x2e4ff723]);
    expect(murmurHash3('é\u{1F33E}')).toBe(2139820669);
  });
});

describe('a wall clock', () => {
  it('reads as Intl has it, whatever was asked before', () => {
    const zones = ['America/New_York', 'Australia/Lord_Howe', 'Pacific/Apia', 'Africa/Casablanca'];
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.integer({ min: Date.UTC(1970, 0, 1), max: Date.UTC(2299, 0, 1) }), (zone, instant) => {
        const wall = new Date(instant + zoneOffset(zone)(instant));
        const [date, time] = new Date(instant).toLocaleString('sv-SE', { timeZone: zone }).split(' ');
        expect(wall.toISOString().slice(0, 19)).toBe(`${date}T${time}`);
      }),
      { numRuns: 300, seed: Number(process.env['SEED']) },
    );
  });
});
