import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { GranaryError, durationText, encodeKey, errorKind, formatDuration, formatInstant, frameSite, identifier, parseDuration, parseInstant, parseKey, parseValue, toJson, type Entity, type FieldType } from './index.js';

const int64: FieldType = { kind: 'int64' };

function codeOf(read: () => unknown): string {
  try {
    return `no error, but ${String(read())}`;
  } catch (error) {
    if (!(error instanceof GranaryError)) throw error;
    expect(error.todo).toBeTruthy();
    return error.code;
  }
}

describe('instants', () => {
  it.each([
    ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31T12:00:00', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31 12:00', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31', '2026-01-31T00:00:00.000Z'],
    ['2026-01-31T12:00:00.123456789+02:30', '2026-01-31T09:30:00.123Z'],
    ['2026-01-31T00:00:00.5-0100', '2026-01-31T01:00:00.500Z'],
    ['2026-01-31T12:00:00+14:00', '2026-01-30T22:00:00.000Z'],
    ['2026-01-31T12:00:00-12:59', '2026-02-01T00:59:00.000Z'],
    ['1769860800000', '2026-01-31T12:00:00.000Z'],
    [1769860800000, '2026-01-31T12:00:00.000Z'],
    [1769860800000n, '2026-01-31T12:00:00.000Z'],
    [-1, '1969-12-31T23:59:59.999Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
  ])('%s is %s', (text, expected) => expect(formatInstant(parseInstant(text))).toBe(expected));

  it.each(['', 'yesterday', '2026-02-30', '2023-02-29', '2026-13-01', '2026-01-31T24:00:00Z', '2026-01-31T12:00:00 CET', '2026-01-31T12:00:00+99:99', '2026-01-31T12:00:00-15:00', '2026-01-31T12:00:00+1460', '2026-01-31T12:00:00+02:60', '31.01.2026', '964982703.5', '20260131', 1.5, NaN, Infinity, null, undefined, true, {}, new Date(NaN), '1899-12-31', 8.64e15])(
    '%s is refused',
    (value) => expect(codeOf(() => parseInstant(value))).toBe('INVALID_TIMESTAMP'),
  );

  it('come back from their text', () => {
    fc.assert(fc.property(fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2299, 11, 31, 23, 59, 59, 999) }), (ms) => parseInstant(formatInstant(ms)) === ms), { seed: Number(process.env['SEED']) });
    expect(parseInstant('2299-12-31T23:59:59.999Z')).toBe(Date.UTC(2300, 0, 1) - 1);
    expect(() => parseInstant('2300-01-01')).toThrow('"2300-01-01" is beyond timestamp (1900 to 2299)');
  });
});

describe('durations', () => {
  it('read as they are written', () => {
    expect(['500ms', '90s', '15m', '6h', '7d', '2w'].map(parseDuration)).toEqual([500, 90_000, 900_000, 21_600_000, 604_800_000, 1_209_600_000]);
    expect([500, 90_000, 3_600_000, 604_800_000, 0].map(formatDuration)).toEqual(['500ms', '90s', '1h', '7d', '0ms']);
    expect([3_604_000, 3_599_999, 36 * 3_600_000, 400 * 86_400_000, 86_400_001].map(formatDuration)).toEqual(['1h 4s', '59m 59s 999ms', '36h', '400d', '1d 1ms']);
    expect([3_604_000, 0, 86_400_001].map(durationText)).toEqual(['3604s', '0ms', '86400001ms']);
  });

  it.each(['', '7', 'd', '1.5d', '-1d', '7 d', '7days', '1d12h'])('%s is refused', (text) => expect(codeOf(() => parseDuration(text))).toBe('INVALID_DURATION'));
});

describe('values', () => {
  it.each<[FieldType['kind'], unknown, string]>([
    ['int32', 2 ** 31, '2147483648 is beyond int32 (-2147483648 to 2147483647)'],
    ['int32', '-2147483649', '"-2147483649" is beyond int32'],
    ['int32', 1.5, '1.5 is not int32'],
    ['int64', 2n ** 63n, '9223372036854775808 is beyond int64 (-9223372036854775808 to 9223372036854775807)'],
    ['int64', 2 ** 60, '1152921504606847000 is not int64'],
    ['float32', '1e39', '"1e39" is beyond float32 (-3.4028234663852886e+38 to 3.4028234663852886e+38)'],
    ['float64', '-1e309', '"-1e309" is beyond float64 (-1.7976931348623157e+308 to'],
    ['float64', 'NaN', '"NaN" is not float64'],
    ['timestamp', 1e15, '1000000000000000 is beyond timestamp (1900 to 2299)'],
  ])('a %s that %s is not: the bounds are named where they are why', (kind, value, message) => {
    expect(() => parseValue({ kind } as FieldType, value)).toThrow(message);
  });

  it.each<[FieldType['kind'], unknown, unknown]>([
    ['int64', '9223372036854775807', 9223372036854775807n],
    ['int64', 42, 42n],
    ['int64', '-0', 0n],
    ['int32', '-2147483648', -2147483648],
    ['float64', '1e-320', 1e-320],
    ['float64', '.5', 0.5],
    ['float32', 0.1, Math.fround(0.1)],
    ['bool', 'true', true],
    ['bool', 0, false],
    ['string', '', ''],
    ['timestamp', '1970-01-01', 0],
  ])('%s reads %p', (kind, given, expected) => expect(parseValue({ kind } as FieldType, given)).toBe(expected));

  it.each<[FieldType['kind'], unknown]>([
    ['int64', 1.5],
    ['int64', 2 ** 53],
    ['int64', '9223372036854775808'],
    ['int64', ''],
    ['int64', '1n'],
    ['int64', true],
    ['int32', 2147483648],
    ['int32', '1.0'],
    ['float64', 'NaN'],
    ['float64', Infinity],
    ['float64', '0x10'],
    ['float64', ''],
    ['float32', 1e39],
    ['bool', 'yes'],
    ['bool', 2],
    ['string', 5],
    ['string', null],
  ])('%s refuses %p', (kind, given) => expect(codeOf(() => parseValue({ kind } as FieldType, given))).toBe('INVALID_VALUE'));

  it('of enums and arrays keep to what is declared', () => {
    const kind: FieldType = { kind: 'enum', values: ['view', 'cart'] };
    expect(parseValue(kind, 'cart')).toBe('cart');
    expect(codeOf(() => parseValue(kind, 'Cart'))).toBe('INVALID_VALUE');
    expect(parseValue({ kind: 'array', of: { kind: 'int64' } }, ['1', 2])).toEqual([1n, 2n]);
    expect(codeOf(() => parseValue({ kind: 'array', of: { kind: 'int64' } }, ['1', 'x']))).toBe('INVALID_VALUE');
    expect(codeOf(() => parseValue({ kind: 'array', of: { kind: 'int64' } }, '1'))).toBe('INVALID_VALUE');
  });

  it('of int64 come back from JSON to the last digit', () => {
    fc.assert(fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => parseValue(int64, JSON.parse(JSON.stringify(toJson(int64, value)))) === value), { seed: Number(process.env['SEED']) });
  });
});

describe('keys', () => {
  const entity = (...types: FieldType['kind'][]): Entity => ({ kind: 'entity', name: 'thing', keys: types.map((kind, i) => ({ name: `k${i}`, type: { kind } as FieldType })) });

  it('never meet: not (1, 12) and (11, 2), not the number 1 and the text 1', () => {
    const pair = entity('int64', 'int64');
    expect(encodeKey(pair, [1n, 12n])).toBe('l1:1l2:12');
    expect(encodeKey(pair, [11n, 2n])).not.toBe(encodeKey(pair, [1n, 12n]));
    expect(encodeKey(entity('int64'), [1n])).not.toBe(encodeKey(entity('string'), ['1']));
    const texts = entity('string', 'string');
    const tuple = fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }));
    fc.assert(fc.property(tuple, tuple, (a, b) => (encodeKey(texts, a) === encodeKey(texts, b)) === (a[0] === b[0] && a[1] === b[1])), { seed: Number(process.env['SEED']) });
  });

  it('are read by name, and what is wrong with them is said', () => {
    expect(parseKey(entity('int64', 'string'), { k0: '7', k1: 'x', other: 1 })).toEqual([7n, 'x']);
    expect(codeOf(() => parseKey(entity('int64'), {}))).toBe('MISSING_KEY');
    expect(codeOf(() => parseKey(entity('int64'), { k0: null }))).toBe('MISSING_KEY');
    expect(codeOf(() => parseKey(entity('int64'), { k0: '' }))).toBe('MISSING_KEY');
    expect(parseKey(entity('string'), { k0: '' })).toEqual(['']);
    expect(codeOf(() => parseKey(entity('int64'), { k0: 'seven' }))).toBe('INVALID_KEY');
  });
});

describe('identifier', () => {
  it('quotes whatever could end it', () => {
    expect(identifier('a`b\\c')).toBe('`a\\`b\\\\c`');
    expect(() => identifier('')).toThrow('not an identifier');
  });
});

describe('the kind of an error', () => {
  it('keeps what a caller of a server can mend apart from what only its operator can', () => {
    expect(new GranaryError('MISSING_KEY', 'x').kind).toBe('input');
    expect(new GranaryError('FILE_NOT_FOUND', 'x').kind).toBe('setup');
    expect(new GranaryError('MODEL_NOT_TRAINED', 'x').kind).toBe('notReady');
    expect([new GranaryError('ARTIFACT_CORRUPT', 'x').kind, new GranaryError('SCHEMA_MISMATCH', 'x').kind]).toEqual(['unreadable', 'unreadable']);
    expect(errorKind('STORE_LOCKED')).toBe('unavailable');
    expect([errorKind('GRAPHQL_VALIDATION_FAILED'), errorKind('constructor'), errorKind(7)]).toEqual([undefined, undefined, undefined]);
  });
});

describe('a frame of a stack', () => {
  it.each<[string, string, number]>([
    ['    at /defs/a.ts:3:7', '/defs/a.ts', 3],
    ['    at async /defs/a.ts:3:7', '/defs/a.ts', 3],
    ['    at Object.<anonymous> (/defs/a.ts:12:1)', '/defs/a.ts', 12],
    ['    at Object.at [as call] (/old (1)/50% off/%20/a.ts:3:7)', '/old (1)/50% off/%20/a.ts', 3],
    ['    at /old (1)/50%/a.ts:3:7', '/old (1)/50%/a.ts', 3],
    ['    at file:///old%20(1)/50%25/a.mjs?v=1:3:7', '/old (1)/50%/a.mjs', 3],
    ['    at async run (file:///a%2520/b.mjs:3:7)', '/a%20/b.mjs', 3],
    ['    at C:\\defs (1)\\a.ts:3:7', 'C:\\defs (1)\\a.ts', 3],
  ])('%s', (frame, file, line) => expect(frameSite(frame)).toEqual({ file, line }));

  it.each(['', 'Error: at /a.ts:1:2', '    at <anonymous>', '    at new Promise (<anonymous>)', '    at node:internal/process/task_queues:95:5', '    at eval (eval at run (/a.ts:1:1), <anonymous>:1:1)'])('%p has no place', (frame) => expect(frameSite(frame)).toBeUndefined());
});
