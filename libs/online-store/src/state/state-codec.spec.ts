import { describe, expect, it } from '@jest/globals';
import { columnValues, type ColumnValues, type EntityState, type EventColumns, type EventSchema, type TailEvent } from '@granary/aggregates';
import type { FieldType, Value } from '@granary/contracts';
import fc from 'fast-check';
import { testSeed } from '../test-support/environment.js';
import { codeOf, fieldType, valueOf } from '../test-support/values.js';
import { outranks } from '../value.js';
import { createStateCodec, NO_BASE, type StateCodec } from './state-codec.js';

const seed = testSeed('state-codec.spec');
const runs = { seed, numRuns: 150 };
const FLOAT32_MAX = new Float32Array(Uint32Array.of(0x7f7fffff).buffer)[0]!;
const VERSION = '3fa9c1d2e4b5';

type Kept = Parameters<typeof createStateCodec>[0];

const instant = fc.maxSafeInteger();
const expression = { kind: 'literal', value: true } as never;

const kept: fc.Arbitrary<Kept> = fc
  .record({ row: fc.array(fieldType, { maxLength: 12 }), columns: fc.array(fc.tuple(fieldType, fc.boolean()), { maxLength: 5 }), conditions: fc.nat(3), knownAt: fc.boolean() })
  .map(({ row, columns, conditions, knownAt }) => keptOf(row, columns, conditions, knownAt));

function keptOf(row: readonly FieldType[], columns: readonly (readonly [FieldType, boolean])[], conditions: number, knownAt: boolean): Kept {
  return {
    row: row.map((type, i) => ({ name: `r${i}`, type, nullable: true, holds: { kind: 'eventTime' } })),
    events: {
      conditions: Array.from({ length: conditions }, () => ({ kind: 'where', expression })),
      columns: columns.map(([type, nullable], i) => ({ name: `c${i}`, type, nullable })),
      knownAt,
    },
  };
}

function tailOf({ columns, conditions, knownAt }: EventSchema): fc.Arbitrary<TailEvent> {
  return fc
    .record(
      {
        sequence: instant,
        time: instant,
        known: instant,
        conditions: fc.array(fc.nat(2), { minLength: conditions.length, maxLength: conditions.length }),
        values: fc.tuple(...columns.map(({ type, nullable }) => (nullable ? fc.option(valueOf(type)) : valueOf(type)))),
      },
      { noNullPrototype: true },
    )
    .map((event) => (knownAt ? event : { ...event, known: event.time }));
}

/** A log of the same events as a tail: what both hold is of one kind. */
function logOf({ columns, conditions, knownAt }: EventSchema, events: readonly TailEvent[]): EventColumns {
  return {
    count: events.length,
    times: Float64Array.from(events, ({ time }) => time),
    known: knownAt ? Float64Array.from(events, ({ known }) => known) : null,
    until: knownAt ? Float64Array.from(events, ({ known, sequence }) => (sequence > 0 ? Infinity : known + 1)) : null,
    conditions: conditions.map((_condition, i) => Uint8Array.from(events, (event) => event.conditions[i]!)),
    columns: columns.map(({ type, nullable }, i) => ({
      nulls: nullable ? Uint8Array.from(events, ({ values }) => (values[i] === null ? 1 : 0)) : null,
      values: columnOf(type, events.map(({ values }) => values[i]!)),
    })),
  };
}

function columnOf(type: FieldType, values: readonly (Value | null)[]): ColumnValues {
  const column = columnValues(type, values.length);
  values.forEach((value, i) => {
    if (value !== null) (column as Value[])[i] = type.kind === 'enum' ? type.values.indexOf(value as string) : type.kind === 'bool' ? Number(value) : value;
  });
  return column;
}

const keptAndState: fc.Arbitrary<{ kept: Kept; state: EntityState }> = kept.chain((of) =>
  fc.record({
    kept: fc.constant(of),
    state: fc
      .record({
        sequence: instant.filter((each) => each !== NO_BASE),
        asOf: instant,
        row: fc.tuple(...of.row.map(({ type }) => fc.option(valueOf(type), { freq: 4 }))),
        log: fc.array(tailOf(of.events), { maxLength: 8 }),
        tail: fc.array(tailOf(of.events), { maxLength: 4 }),
      })
      .map(({ log, ...state }) => ({ ...state, log: logOf(of.events, log) })),
  }),
);

function encode(codec: StateCodec, state: EntityState): Buffer {
  return Buffer.concat([codec.encodeBase(state), ...state.tail.map((event) => codec.encodeFrame(event))]);
}

/** Without the room for more events. */
function shortened({ count, ...log }: EventColumns): EventColumns {
  return {
    count,
    times: log.times.slice(0, count),
    known: log.known?.slice(0, count) ?? null,
    until: log.until?.slice(0, count) ?? null,
    conditions: log.conditions.map((condition) => condition.slice(0, count)),
    columns: log.columns.map(({ nulls, values }) => ({ nulls: nulls?.slice(0, count) ?? null, values: values.slice(0, count) })),
  };
}

describe('state codec', () => {
  it('gives back exactly what went in, for any representation and state, wherever the bytes lie', () => {
    fc.assert(
      fc.property(keptAndState, fc.nat(9), ({ kept: of, state }, shift) => {
        const codec = createStateCodec(of, VERSION);
        const bytes = encode(codec, state);
        const pooled = new Uint8Array(bytes.length + 2 * shift).fill(0xa5);
        pooled.set(bytes, shift);
        const decoded = codec.decode(pooled.subarray(shift, shift + bytes.length));
        expect(decoded).toStrictEqual(state);
        expect(codec.order(bytes)).toEqual({ sequence: state.sequence, asOf: state.asOf });
        expect(encode(codec, decoded).equals(bytes)).toBe(true);
      }),
      runs,
    );
  });

  it('makes orders compare as bytes exactly as they compare as numbers', () => {
    const codec = createStateCodec(keptOf([], [], 0, false), VERSION);
    const order = fc.record({ sequence: fc.oneof(fc.integer({ min: -2, max: 2 }), instant.filter((each) => each !== NO_BASE)), asOf: fc.oneof(fc.integer({ min: -300, max: 300 }), instant) });
    const base = (of: { sequence: number; asOf: number }) => codec.encodeBase({ ...of, row: [], log: logOf({ columns: [], conditions: [], knownAt: false }, []), tail: [] });
    fc.assert(
      fc.property(order, order, (a, b) => expect(outranks(base(a), base(b))).toBe(a.sequence === b.sequence ? a.asOf > b.asOf : a.sequence > b.sequence)),
      { ...runs, numRuns: 1000 },
    );
  });

  it('tells an entity without a base from every other', () => {
    const of = keptOf([{ kind: 'int32' }], [[{ kind: 'string' }, false]], 1, true);
    const codec = createStateCodec(of, VERSION);
    const empty = codec.decode(codec.emptyBase());
    expect(empty).toEqual({ sequence: NO_BASE, asOf: NO_BASE, row: null, log: logOf(of.events, []), tail: [] });
    expect(codec.encodeBase(empty).equals(codec.emptyBase())).toBe(true);
    expect(codec.decode(codec.encodeBase({ ...empty, sequence: 0, asOf: 0, row: [null] })).row).toEqual([null]);
    expect(() => codec.encodeBase({ ...empty, sequence: 0 })).toThrow('no row');
  });

  it('writes the same bytes whatever stands where a value is null', () => {
    const of = keptOf([], [[{ kind: 'float64' }, true], [{ kind: 'string' }, true]], 0, false);
    const codec = createStateCodec(of, VERSION);
    const base = (number: number, text: string) =>
      codec.encodeBase({
        sequence: 1, asOf: 1, row: [], tail: [],
        log: { count: 1, times: Float64Array.of(1), known: null, until: null, conditions: [], columns: [{ nulls: Uint8Array.of(1), values: Float64Array.of(number) }, { nulls: Uint8Array.of(1), values: [text] }] },
      });
    expect(base(5, 'five').equals(base(NaN, ''))).toBe(true);
  });

  it('finds every damaged byte, every truncation and every extension', () => {
    fc.assert(
      fc.property(keptAndState, fc.nat(), fc.integer({ min: 1, max: 255 }), ({ kept: of, state }, at, change) => {
        const codec = createStateCodec(of, VERSION);
        const bytes = encode(codec, state);
        const flipped = Buffer.from(bytes);
        flipped[at % bytes.length]! ^= change;
        const length = at % bytes.length;
        const whole = frameEnds(codec, state);
        for (const damaged of [flipped, bytes.subarray(0, length), Buffer.concat([bytes, Buffer.alloc(1 + (at % 40), change)])]) {
          if (damaged.length === length && whole.includes(length)) continue;
          expect(['ARTIFACT_CORRUPT', 'SCHEMA_MISMATCH']).toContain(codeOf(() => codec.decode(damaged)));
        }
      }),
      runs,
    );
  });

  it('peeks at what decode gives, without its checksums, and refuses what is torn', () => {
    fc.assert(
      fc.property(keptAndState, fc.nat(), ({ kept: of, state }, at) => {
        const codec = createStateCodec(of, VERSION);
        const bytes = encode(codec, state);
        const { log, ...rest } = codec.peek(bytes);
        expect(rest).toStrictEqual({ sequence: state.sequence, asOf: state.asOf, row: state.row, tail: state.tail });
        expect(codec.encodeBase({ ...state, log: shortened(log) }).equals(codec.encodeBase(state))).toBe(true);

        const length = at % bytes.length;
        if (frameEnds(codec, state).includes(length)) return;
        expect(codeOf(() => codec.peek(bytes.subarray(0, length)))).toBe('ARTIFACT_CORRUPT');
        if (length < codec.encodeBase(state).length) expect(codeOf(() => codec.place(bytes.subarray(0, length)))).toBe('ARTIFACT_CORRUPT');
      }),
      runs,
    );
    const codec = createStateCodec(keptOf([{ kind: 'float64' }], [], 0, false), VERSION);
    const bytes = codec.encodeBase({ sequence: 1, asOf: 1, row: [1], log: logOf({ columns: [], conditions: [], knownAt: false }, []), tail: [] });
    bytes[30]! ^= 1;
    expect(codeOf(() => codec.decode(bytes))).toBe('ARTIFACT_CORRUPT');
    expect(codec.peek(bytes).row).toHaveLength(1);
  });

  it('finds a last frame that is torn at any byte', () => {
    const codec = createStateCodec(keptOf([], [[{ kind: 'string' }, true]], 1, true), VERSION);
    const event = { sequence: 5, time: 1, known: 2, conditions: [1], values: ['text'] };
    const [one, two] = [codec.emptyBase(), Buffer.concat([codec.emptyBase(), codec.encodeFrame(event)])];
    for (let length = one.length + 1; length < two.length; length++) expect(codeOf(() => codec.decode(two.subarray(0, length)))).toBe('ARTIFACT_CORRUPT');
    expect(codec.decode(two).tail).toEqual([event]);
  });

  it('refuses rows of another format and of another version, and says to materialise again', () => {
    const codec = createStateCodec(keptOf([{ kind: 'int32' }], [], 0, false), VERSION);
    const old = Buffer.concat([Buffer.of(1), codec.emptyBase().subarray(1)]);
    const other = createStateCodec(keptOf([{ kind: 'int32' }], [], 0, false), '3fa9c1d2e4b6').emptyBase();
    for (const bytes of [old, other]) {
      for (const read of [() => codec.decode(bytes), () => codec.place(bytes)]) {
        expect(read).toThrow(expect.objectContaining({ code: 'SCHEMA_MISMATCH', todo: expect.stringContaining('Materialise the view again') as unknown }) as unknown as Error);
      }
    }
    expect(codeOf(() => codec.order(old))).toBe('SCHEMA_MISMATCH');
  });

  it('decodes numbers as decode does, with a mask, and as a model takes them, where the row says it all', () => {
    const kinds = ['bool', 'int32', 'int64', 'float32', 'float64', 'timestamp'];
    fc.assert(
      fc.property(keptAndState, fc.constantFrom(NaN, 0, 7), ({ kept: of, state }, whenEmpty) => {
        const codec = createStateCodec(of, VERSION);
        const columns = of.row.flatMap(({ type }, i) => (kinds.includes(type.kind) ? [i] : [])).reverse();
        const rowOnly = encode(codec, { ...state, log: logOf(of.events, []), tail: [] });
        expect(codec.place(encode(codec, state)) === null).toBe(state.log.count > 0 || state.tail.length > 0);
        expect(codec.place(codec.emptyBase())).toBeNull();
        expect(codec.row(codec.place(rowOnly)!)).toStrictEqual(state.row);

        const [out, mask] = [new Float64Array(columns.length + 1).fill(-99), new Uint8Array(columns.length + 1).fill(9)];
        codec.numbersOf(columns)(codec.place(rowOnly)!, out, mask);
        const [inputs, present] = [new Float32Array(columns.length + 2), new Uint8Array(columns.length + 2)];
        codec.modelNumbersOf(columns.map((position, i) => ({ position, to: columns.length - i, whenEmpty })))(codec.place(rowOnly)!, inputs, present, 1);
        columns.forEach((column, i) => {
          const value = state.row![column]!;
          expect([out[i], mask[i]]).toEqual(value === null ? [0, 0] : [Number(value), 1]);
          const given = value === null || !Number.isFinite(Number(value)) ? whenEmpty : Number(value);
          const bounded = Math.fround(Math.max(-FLOAT32_MAX, Math.min(FLOAT32_MAX, given)));
          expect([inputs[1 + columns.length - i], present[1 + columns.length - i]]).toEqual(Number.isNaN(given) ? [0, 0] : [bounded, 1]);
        });
        expect([out.at(-1), mask.at(-1), inputs[0], present[0]]).toEqual([-99, 9, 0, 0]);
      }),
      runs,
    );
  });

  // A change of these bytes makes every stored value unreadable: raise FORMAT in value.ts and say so in the changelog.
  it('writes exactly these bytes', () => {
    const of = keptOf([{ kind: 'timestamp' }, { kind: 'int32' }, { kind: 'string' }], [[{ kind: 'float64' }, true], [{ kind: 'enum', values: ['a', 'b'] }, false], [{ kind: 'string' }, true]], 1, true);
    const codec = createStateCodec(of, VERSION);
    const events: TailEvent[] = [
      { sequence: 7, time: 1_000, known: 1_001, conditions: [2], values: [null, 'b', 'é'] },
      { sequence: 8, time: 1_002, known: 1_003, conditions: [1], values: [1.5, 'a', null] },
    ];
    const base = codec.encodeBase({ sequence: 2 ** 40, asOf: -1, row: [1_000, null, 'x'], log: logOf(of.events, events), tail: [] });
    expect(base.toString('hex')).toBe(BASE.join(''));
    expect(codec.encodeFrame(events[0]!).toString('hex')).toBe(FRAME.join(''));
  });
});

const BASE = [
  '02', // format
  '3fa9c1d2e4b5', // version
  '8000010000000000', // H = 2^40
  '7fffffffffffffff', // T = −1
  '89000000', // 137 bytes
  '02', // nulls: column 1
  '0000000000408f40', // timestamp 1,000
  '00000000', // int32 null
  '01000000', // end of the text
  '78', // x
  '02000000', // 2 events
  '0000000000408f400000000000508f40', // times 1,000 and 1,002
  '0000000000488f400000000000588f40', // known at 1,001 and 1,003
  '000000000000f07f000000000000f07f', // until Infinity
  '0201', // the condition: 2, 1
  '0100', // float64: null, not
  '0000000000000000000000000000f83f', // 0, 1.5
  '01000000', // enum: b, a
  '0001', // string: not, null
  '0200000002000000', // ends
  'c3a9', // é
  '1f6a310b', // CRC-32
];
const FRAME = [
  '32000000', // 50 bytes
  '8000000000000007', // sequence 7
  '0000000000408f40', // time 1,000
  '0000000000488f40', // known at 1,001
  '02', // the condition: 2
  '01', // nulls: column 0
  '0000000000000000', // float64 null
  '0100', // enum b
  '02000000', // end of the text
  'c3a9', // é
  'd4f973ce', // CRC-32
];

/** Lengths at which the value ends with a whole frame. */
function frameEnds(codec: StateCodec, state: EntityState): number[] {
  let end = codec.encodeBase(state).length;
  return [end, ...state.tail.map((event) => (end += codec.encodeFrame(event).length))];
}
