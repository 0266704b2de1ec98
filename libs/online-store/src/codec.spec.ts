import { describe, expect, it } from '@jest/globals';
import { valueMap, type FieldType, type Value } from '@granary/contracts';
import fc from 'fast-check';
import { checksum } from './checksum.js';
import { createRowCodec, type Row } from './codec.js';
import type { RowSchema } from './layout.js';
import { outranks } from './value.js';
import { testSeed } from './test-support/environment.js';
import { codeOf, fieldType, valueOf } from './test-support/values.js';
import { viewOf } from './variable.js';

const seed = testSeed('codec.spec');
const runs = { seed, numRuns: 500 };

const ORDER = { eventTime: 1_700_000_000_123, knownAt: 1_700_000_000_456, sequence: 7 };
const ID = '3fa9c1d2e4b5';

const order = fc.record({ eventTime: fc.maxSafeInteger(), knownAt: fc.maxSafeInteger(), sequence: fc.maxSafeNat() }, { noNullPrototype: true });
const id = fc.stringMatching(/^[0-9a-f]{12}$/);
const schemaAndRow: fc.Arbitrary<{ schema: RowSchema; row: Row }> = fc
  .record({ id, types: fc.array(fieldType, { maxLength: 20 }) })
  .map(({ id, types }) => ({ id, columns: types.map((type, i) => ({ name: `c${i}`, type })) }))
  .chain((schema) =>
    fc.record({
      schema: fc.constant(schema),
      row: fc.record({ order, values: fc.tuple(...schema.columns.map(({ type }) => fc.option(valueOf(type), { freq: 4 }))) }, { noNullPrototype: true }),
    }),
  );

function codecOf(...types: FieldType[]) {
  return createRowCodec({ id: ID, columns: types.map((type, i) => ({ name: `c${i}`, type })) });
}

function roundTrip(type: FieldType, value: Value | null): Value | null {
  const codec = codecOf(type);
  return codec.decode(codec.encode({ order: ORDER, values: [value] })).values[0]!;
}

describe('row codec', () => {
  it('gives back exactly what went in, for any schema and row', () => {
    fc.assert(
      fc.property(schemaAndRow, ({ schema, row }) => {
        const codec = createRowCodec(schema);
        expect(codec.decode(codec.encode(row))).toStrictEqual(row);
      }),
      runs,
    );
  });

  it('reads rows that lie anywhere inside a larger buffer', () => {
    fc.assert(
      fc.property(schemaAndRow, fc.integer({ min: 1, max: 9 }), ({ schema, row }, shift) => {
        const codec = createRowCodec(schema);
        const bytes = codec.encode(row);
        const pooled = Buffer.alloc(bytes.length + 2 * shift, 0xa5);
        pooled.set(bytes, shift);
        expect(codec.decode(pooled.subarray(shift, shift + bytes.length))).toStrictEqual(row);
      }),
      { ...runs, numRuns: 100 },
    );
  });

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
    expect(codeOf(() => codecOf(type).encode({ order: ORDER, values: [value as Value] }))).toBe('INVALID_VALUE');
  });

  it('makes orders compare as bytes exactly as they compare as numbers', () => {
    const codec = codecOf();
    const small = fc.record({ eventTime: fc.oneof(fc.integer({ min: -2, max: 2 }), fc.maxSafeInteger()), knownAt: fc.integer({ min: -300, max: 300 }), sequence: fc.integer({ min: 0, max: 70_000 }) });
    fc.assert(
      fc.property(small, small, (a, b) => {
        const greater = (a.eventTime - b.eventTime || a.knownAt - b.knownAt || a.sequence - b.sequence) > 0;
        expect(outranks(codec.encode({ order: a, values: [] }), codec.encode({ order: b, values: [] }))).toBe(greater);
      }),
      { ...runs, numRuns: 2000 },
    );
  });

  it('refuses another schema and another format', () => {
    const bytes = codecOf({ kind: 'int32' }).encode({ order: ORDER, values: [1] });
    const other = createRowCodec({ id: '3fa9c1d2e4b6', columns: [{ name: 'c0', type: { kind: 'int32' } }] });
    expect(codeOf(() => other.decode(bytes))).toBe('SCHEMA_MISMATCH');
    expect(codeOf(() => other.decodeNumbers(bytes, new Float32Array(1), new Uint8Array(1), 0, [0]))).toBe('SCHEMA_MISMATCH');
    bytes[0] = 2;
    expect(codeOf(() => codecOf({ kind: 'int32' }).decode(bytes))).toBe('SCHEMA_MISMATCH');
  });

  it('refuses every truncation, every extension and every damaged byte', () => {
    const damaged = fc.tuple(schemaAndRow, fc.nat(), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(damaged, ([{ schema, row }, at, change]) => {
        const codec = createRowCodec(schema);
        const bytes = codec.encode(row);
        const flipped = Uint8Array.from(bytes);
        flipped[at % bytes.length]! ^= change;
        const variants = [flipped, bytes.subarray(0, at % bytes.length), Buffer.concat([bytes, Buffer.alloc(1 + (at % 40))])];
        for (const variant of variants) {
          for (const read of [() => codec.decode(variant), () => codec.decodeNumbers(variant, new Float32Array(0), new Uint8Array(0), 0, [])]) {
            expect(['ARTIFACT_CORRUPT', 'SCHEMA_MISMATCH']).toContain(codeOf(read));
          }
        }
      }),
      runs,
    );
  });

  it('notices two flipped signs, which a multiplicative checksum alone would miss', () => {
    const codec = codecOf({ kind: 'float32' }, { kind: 'float32' }, { kind: 'float32' }, { kind: 'float32' });
    const bytes = codec.encode({ order: ORDER, values: [1, 2, 3, 4] });
    for (let a = 32; a < 48; a++) {
      for (let b = a + 1; b < 48; b++) {
        const flipped = Uint8Array.from(bytes);
        flipped[a]! ^= 0x80;
        flipped[b]! ^= 0x80;
        expect(codeOf(() => codec.decode(flipped))).toBe('ARTIFACT_CORRUPT');
      }
    }
  });

  it.each([Float32Array, Float64Array])('decodes numbers as decode does into %p, with a mask', (Numbers) => {
    fc.assert(
      fc.property(schemaAndRow, fc.integer({ min: 0, max: 5 }), ({ schema, row }, offset) => {
        const codec = createRowCodec(schema);
        const kinds = ['bool', 'int32', 'int64', 'float32', 'float64', 'timestamp'];
        const columns = schema.columns.flatMap(({ type }, i) => (kinds.includes(type.kind) ? [i] : [])).reverse();
        const out = new Numbers(offset + columns.length + 1).fill(-99);
        const mask = new Uint8Array(offset + columns.length + 1).fill(9);
        const bytes = codec.encode(row);
        codec.decodeNumbers(bytes, out, mask, offset, columns);
        const decoded = codec.decode(bytes).values;
        columns.forEach((column, i) => {
          const value = decoded[column]!;
          expect(out[offset + i]).toBe(value === null ? 0 : Numbers.of(Number(value))[0]);
          expect(mask[offset + i]).toBe(value === null ? 0 : 1);
        });
        expect([...out.subarray(0, offset), out.at(-1)]).toEqual(new Array(offset + 1).fill(-99));
        expect([...mask.subarray(0, offset), mask.at(-1)]).toEqual(new Array(offset + 1).fill(9));
      }),
      runs,
    );
  });

  it('treats wrong use as a bug', () => {
    const codec = codecOf({ kind: 'string' }, { kind: 'int32' });
    const bytes = codec.encode({ order: ORDER, values: ['a', 1] });
    expect(() => codec.decodeNumbers(bytes, new Float32Array(1), new Uint8Array(1), 0, [0])).toThrow('is no number');
    expect(() => codec.decodeNumbers(bytes, new Float32Array(1), new Uint8Array(1), 1, [1])).toThrow("don't fit");
    expect(() => codec.encode({ order: ORDER, values: ['a'] })).toThrow('has 2 values, not 1');
    expect(() => codec.encode({ order: { ...ORDER, sequence: 0.5 }, values: ['a', 1] })).toThrow('safe integers');
    expect(() => createRowCodec({ id: 'v1', columns: [] })).toThrow('12 hex digits');
  });

  // A change of these bytes makes every stored row unreadable: raise the format number and say so in the changelog.
  it('writes exactly these bytes', () => {
    const codec = codecOf(
      { kind: 'bool' }, { kind: 'int32' }, { kind: 'int64' }, { kind: 'float32' }, { kind: 'float64' }, { kind: 'timestamp' },
      { kind: 'enum', values: ['red', 'green'] }, { kind: 'string' }, { kind: 'string' },
      { kind: 'array', of: { kind: 'int32' } }, { kind: 'array', of: { kind: 'string' } },
    );
    const values = [true, -2, 3n, 1.5, -0.1, 1_700_000_000_000, 'green', 'é', null, [1, 2], ['a', '', 'bc']];
    const GOLDEN = [
      '01', // format
      '3fa9c1d2e4b5', // schema id
      '7fffffffffffffff', // event time −1
      '8000000000000001', // known at 1
      '8000010000000000', // sequence 2^40
      '0001', // nulls: column 8
      '01', // true
      'feffffff', // −2
      '0300000000000000', // 3n
      '0000c03f', // 1.5
      '9a9999999999b9bf', // −0.1
      '00008056febc7842', // timestamp
      '0100', // green
      '02000000020000000a0000001d000000', // ends of the heap's four values
      'c3a9', // é
      '0100000002000000', // [1, 2]
      '03000000010000000100000003000000616263', // ['a', '', 'bc']
      '806d4fbd', // checksum
    ];
    const row = { order: { eventTime: -1, knownAt: 1, sequence: 2 ** 40 }, values };
    expect(Buffer.from(codec.encode(row)).toString('hex')).toBe(GOLDEN.join(''));
    expect(codec.decode(Buffer.from(GOLDEN.join(''), 'hex'))).toStrictEqual(row);
  });

  it('writes the same bytes for the same map, whatever the order of its entries', () => {
    const type: FieldType = { kind: 'map', of: { kind: 'int64' } };
    const HEAP = ['15000000', '03000000', '020000000300000005000000', '3130', '39', 'c3a9', '0100000000000000', '0200000000000000', '0300000000000000'];
    const ordered = ['10', '9', 'é'].map((key, i) => [key, BigInt(i + 1)] as const);
    const bytes = codecOf(type).encode({ order: ORDER, values: [valueMap(ordered)] });
    expect(Buffer.from(codecOf(type).encode({ order: ORDER, values: [valueMap([...ordered].reverse())] }))).toEqual(Buffer.from(bytes));
    expect(Buffer.from(bytes.subarray(36, -4)).toString('hex')).toBe(HEAP.join(''));
  });

  it.each([
    ['keys in another order', '0e000000', '0200000001000000020000006261', '0100000002000000'],
    ['the same key twice', '0e000000', '0200000001000000020000006161', '0100000002000000'],
    ['more keys than values', '0e000000', '0200000001000000020000006162', '01000000'],
    ['keys longer than it', 'ff000000', '0200000001000000020000006162', '0100000002000000'],
  ])('refuses a map with %s', (_, ...heap) => {
    const codec = codecOf({ kind: 'map', of: { kind: 'int32' } });
    const bytes = Buffer.from(codec.encode({ order: ORDER, values: [valueMap([])] }));
    const content = Buffer.from(heap.join(''), 'hex');
    const forged = Buffer.concat([bytes.subarray(0, 36), content, Buffer.alloc(4)]);
    forged.writeUInt32LE(content.length, 32);
    const view = viewOf(forged);
    view.setUint32(forged.length - 4, checksum(view, forged.length - 4), true);
    expect(codeOf(() => codec.decode(forged))).toBe('ARTIFACT_CORRUPT');
  });
});
