import { describe, expect, it } from '@jest/globals';
import { callType, expressionType, formatExpression, formatType, type Expression, type ExpressionFunction, type FieldType, type Literal } from './index.js';

const scalar = (kind: 'bool' | 'int32' | 'int64' | 'float32' | 'float64' | 'string' | 'timestamp'): FieldType => ({ kind });
const [bool, int32, int64, float32, float64, string, timestamp] = (['bool', 'int32', 'int64', 'float32', 'float64', 'string', 'timestamp'] as const).map(scalar) as [FieldType, FieldType, FieldType, FieldType, FieldType, FieldType, FieldType];
const colour: FieldType = { kind: 'enum', values: ['red', 'blue'] };
const size: FieldType = { kind: 'enum', values: ['S', 'L'] };
const list: FieldType = { kind: 'array', of: { kind: 'string' } };

const TYPES: readonly (readonly [ExpressionFunction, readonly FieldType[], FieldType | RegExp])[] = [
  ['eq', [int32, float64], bool],
  ['eq', [colour, string], bool],
  ['eq', [int32, string], /compares int32 with string/],
  ['eq', [list, list], /takes single values/],
  ['lt', [timestamp, timestamp], bool],
  ['lt', [colour, colour], /takes numbers, strings or timestamps/],
  ['lt', [bool, bool], /not bool/],
  ['in', [string, colour, string], bool],
  ['in', [string], /2 arguments or more/],
  ['isNull', [timestamp], bool],
  ['isNull', [list], /single value/],
  ['and', [bool, bool, bool], bool],
  ['not', [int32], /takes a condition, not int32/],
  ['add', [int32, int32], int64],
  ['add', [int32, float32], float64],
  ['add', [float32, float32], float64],
  ['add', [int32], /takes 2 arguments/],
  ['div', [int64, int64], float64],
  ['mod', [int64, int32], int64],
  ['clamp', [int32, int64, int32], int64],
  ['clamp', [int32, float64, int32], float64],
  ['floor', [int32], float64],
  ['if', [bool, int32, int32], int32],
  ['if', [bool, int32, int64], int64],
  ['if', [bool, float32, float32], float32],
  ['if', [bool, int64, float32], float64],
  ['if', [bool, colour, colour], colour],
  ['if', [bool, colour, size], string],
  ['if', [bool, int32, string], /either int32 or string/],
  ['if', [bool, list, list], /array<string>/],
  ['if', [int32, int32, int32], /a condition first/],
  ['coalesce', [int32, float64, int64], float64],
  ['nullIf', [int32, float64], int32],
  ['toFloat', [timestamp], float64],
  ['toFloat', [string], /a number, bool or timestamp/],
  ['toText', [float64], /an integer, bool or text/],
  ['length', [colour], int32],
  ['concat', [string, colour], string],
  ['hour', [timestamp, string], int32],
  ['hour', [timestamp], /a timestamp and a time zone/],
  ['msBetween', [timestamp, timestamp], float64],
  ['bucketise', [int64, float64, float64], int32],
  ['hashBucket', [colour, int32], int32],
  ['hashBucket', [float64, int32], /an integer, bool or text/],
  ['haversineKm', [float32, int32, float64, float64], float64],
];

describe('callType', () => {
  it.each(TYPES.map(([fn, args, result]) => [`${fn}(${args.map(formatType).join(', ')})`, fn, args, result] as const))('%s', (_, fn, args, result) => {
    if (result instanceof RegExp) expect(() => callType(fn, args)).toThrow(result);
    else expect(callType(fn, args)).toEqual(result);
  });
});

const field = (name: string, of?: string): Expression => ({ kind: 'field', name, ...(of === undefined ? {} : { of }) });
const literal = (type: FieldType, value: Literal['value']): Literal => ({ kind: 'literal', type, value });
const call = (fn: ExpressionFunction, ...args: readonly Expression[]): Expression => ({ kind: 'call', fn, args });
const whole = (value: number): Literal => literal(int32, value);
const zone = (name: string): Expression => call('hour', field('at'), literal(string, name));
const typeOf = (expression: Expression): FieldType => expressionType(expression, ({ name }) => (name === 'at' ? timestamp : name === 'text' ? string : float64));

describe('expressionType', () => {
  it('goes through the tree', () => {
    expect(typeOf(call('if', call('gt', field('x'), whole(3)), call('length', field('text')), literal(int64, '7')))).toEqual(int64);
  });

  const wrong: readonly (readonly [string, Expression, RegExp])[] = [
    ['a zone that no clock has', zone('Mars/Olympus'), /such as Europe\/Berlin, not 'Mars\/Olympus'/],
    ['a zone that only the runtime would take', zone('europe/berlin'), /such as Europe\/Berlin, not 'europe\/berlin'/],
    ['an offset', zone('+05:30'), /not '\+05:30'/],
    ['a zone that differs from row to row', call('hour', field('at'), field('text')), /plain values/],
    ['boundaries that fall', call('bucketise', field('x'), whole(3), whole(3)), /boundaries that rise/],
    ['no buckets', call('hashBucket', field('text'), whole(0)), /from 1 to 2147483647/],
    ['a number of buckets that differs from row to row', call('hashBucket', field('text'), call('add', whole(1), whole(1))), /plain values/],
  ];
  it.each(wrong)('refuses %s', (_, expression, message) => {
    expect(() => typeOf(expression)).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID', message: expect.stringMatching(message) }));
  });

  it.each(['UTC', 'Etc/GMT+5', 'America/Port_of_Spain', 'Asia/Kolkata', 'Asia/Calcutta'])('takes the zone %s', (name) => {
    expect(typeOf(zone(name))).toEqual(int32);
  });
});

describe('formatExpression', () => {
  const a = field('a');
  const written: readonly (readonly [Expression, string])[] = [
    [call('and', call('eq', field('kind'), literal(string, 'buy')), call('gte', field('price'), whole(10))), "kind = 'buy' and price ≥ 10"],
    [call('mul', call('add', a, whole(1)), whole(2)), '(a + 1) × 2'],
    [call('clamp', call('div', field('price'), field('spend', 'user')), whole(0), whole(10)), 'clamp(price ÷ user.spend, 0, 10)'],
    [call('eq', call('lt', a, whole(1)), call('isNull', a)), '(a < 1) = (a is null)'],
    [call('not', call('eq', a, whole(1))), 'not (a = 1)'],
    [call('and', call('not', field('b')), call('isNull', a)), 'not b and a is null'],
    [call('or', call('and', field('b'), field('c')), field('d')), '(b and c) or d'],
    [call('isNull', call('add', a, whole(1))), '(a + 1) is null'],
    [call('in', a, literal(int64, '1'), literal(timestamp, 0)), 'a in (1, 1970-01-01T00:00:00.000Z)'],
  ];
  it.each(written)('%#: as people read it', (expression, text) => {
    expect(formatExpression(expression)).toBe(text);
  });
});
