import { describe, expect, it } from '@jest/globals';
import { valueMap, type FieldType, type Value } from '@granary/contracts';
import { codeOf } from '../test-support/values.js';
import { viewOf } from '../variable.js';
import { createBlock } from './block.js';

function bytesOf(type: FieldType, value: Value | null): Buffer {
  return createBlock([{ name: 'c', type }]).encode([value]);
}

function decoded(type: FieldType, bytes: Buffer): Value | null {
  return createBlock([{ name: 'c', type }]).decode(bytes, viewOf(bytes), 0, bytes.length)[0]!;
}

function roundTrip(type: FieldType, value: Value | null): Value | null {
  return decoded(type, bytesOf(type, value));
}

describe('the values of a row', () => {
  it('keeps floats bit by bit and integers exactly', () => {
    for (const value of [NaN, Infinity, -Infinity, -0, 0, 5e-324, 1.7976931348623157e308, 0.1]) {
      expect(roundTrip({ kind: 'float64' }, value)).toBe(value);
      expect(roundTrip({ kind: 'float32' }, Math.fround(value))).toBe(Math.fround(value));
    }
    for (const value of [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n]) expect(roundTrip({ kind: 'int64' }, value)).toBe(value);
    for (const value of [-2147483648, 2147483647, 0]) expect(roundTrip({ kind: 'int32' }, value)).toBe(value);
  });

  it('keeps any valid text, and tells the empty one and the empty array from null', () => {
    const string = { kind: 'string' } as const;
    for (const value of ['', 'a\0b', '👩‍👩‍👧‍👦 ÿ', '\ufeffBOM', '\ufffd', 'x'.repeat(100_000)]) expect(roundTrip(string, value)).toBe(value);
    expect(roundTrip(string, null)).toBeNull();
    for (const value of [[], [''], ['', 'a', '']]) expect(roundTrip({ kind: 'array', of: string }, value)).toStrictEqual(value);
    expect(roundTrip({ kind: 'array', of: string }, null)).toBeNull();
  });

  it.each<[FieldType, unknown]>([
    [{ kind: 'string' }, 'half \ud83d of a pair'],
    [{ kind: 'string' }, 7],
    [{ kind: 'int32' }, 1.5],
    [{ kind: 'int32' }, 2147483648],
    [{ kind: 'int32' }, 1n],
    [{ kind: 'int64' }, 1],
    [{ kind: 'int64' }, 2n ** 63n],
    [{ kind: 'bool' }, 1],
    [{ kind: 'float64' }, '1'],
    [{ kind: 'timestamp' }, 0.5],
    [{ kind: 'enum', values: ['a', 'b'] }, 'c'],
    [{ kind: 'array', of: { kind: 'int32' } }, [1, null]],
    [{ kind: 'array', of: { kind: 'string' } }, 'abc'],
    [{ kind: 'map', of: { kind: 'int32' } }, [1]],
    [{ kind: 'map', of: { kind: 'int32' } }, { a: null }],
    [{ kind: 'map', of: { kind: 'int64' } }, { a: 1 }],
    [{ kind: 'map', of: { kind: 'string' } }, { 'half \ud83d of a pair': 'a' }],
  ])('refuses to store in %j the value %p', (type, value) => {
    expect(codeOf(() => createBlock([{ name: 'c', type }]).encode([value as Value]))).toBe('INVALID_VALUE');
  });

  it('writes the same bytes for the same map, whatever the order of its entries', () => {
    const type: FieldType = { kind: 'map', of: { kind: 'int64' } };
    const HEAP = ['15000000', '03000000', '020000000300000005000000', '3130', '39', 'c3a9', '0100000000000000', '0200000000000000', '0300000000000000'];
    const ordered = ['10', '9', 'é'].map((key, i) => [key, BigInt(i + 1)] as const);
    const bytes = bytesOf(type, valueMap(ordered));
    expect(bytesOf(type, valueMap([...ordered].reverse()))).toEqual(bytes);
    expect(bytes.toString('hex', 5)).toBe(HEAP.join(''));
  });

  it.each([
    ['keys in another order', '0e000000', '0200000001000000020000006261', '0100000002000000'],
    ['the same key twice', '0e000000', '0200000001000000020000006161', '0100000002000000'],
    ['more keys than values', '0e000000', '0200000001000000020000006162', '01000000'],
    ['keys longer than it', 'ff000000', '0200000001000000020000006162', '0100000002000000'],
  ])('refuses a map with %s', (_, ...heap) => {
    const content = Buffer.from(heap.join(''), 'hex');
    const head = Buffer.alloc(5);
    head.writeUInt32LE(content.length, 1);
    expect(codeOf(() => decoded({ kind: 'map', of: { kind: 'int32' } }, Buffer.concat([head, content])))).toBe('ARTIFACT_CORRUPT');
  });

  it('is refused with too few values, and with two columns of one name', () => {
    expect(() => createBlock([{ name: 'c', type: { kind: 'int32' } }]).encode([])).toThrow('has 1 values, not 0');
    expect(() => createBlock([{ name: 'c', type: { kind: 'int32' } }, { name: 'c', type: { kind: 'bool' } }])).toThrow('the same name');
  });
});
