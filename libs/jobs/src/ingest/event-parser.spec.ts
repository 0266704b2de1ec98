import { encodeKey, type FieldType, type Source, type Value } from '@granary/contracts';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createEventId } from './event-id.js';
import { createEventParser, type ParsedEvent } from './event-parser.js';
import type { Notation } from './raw-row.js';
import { field, sourceOf } from './testing/fixtures.js';

function valueOf(type: Parameters<typeof field>[1], raw: unknown, notation: Notation, options: Parameters<typeof field>[2] = {}): Value | null {
  const result = createEventParser(sourceOf([field('f', type, options)]), notation).parse([raw]);
  if (result.kind === 'rejected') throw new Error(result.reason);
  return result.values[0]!;
}

const arrayOf = (of: 'string' | 'float32' | 'int64' | 'timestamp'): FieldType => ({ kind: 'array', of: { kind: of } });

describe('values', () => {
  it('reads each type from CSV text', () => {
    expect(valueOf('bool', 'true', 'text')).toBe(true);
    expect(valueOf('int64', '-9223372036854775808', 'text')).toBe(-9223372036854775808n);
    expect(valueOf('float64', '4.0', 'text')).toBe(4);
    expect(valueOf('timestamp', '2026-01-31 12:00', 'text')).toBe(Date.UTC(2026, 0, 31, 12));
    expect(valueOf(arrayOf('int64'), '[1, 9007199254740993]', 'text')).toEqual([1n, 9007199254740993n]);
    expect(valueOf(arrayOf('float32'), '[0.5, 9007199254740992]', 'text')).toEqual([0.5, 9007199254740992]);
    expect(() => valueOf(arrayOf('string'), 'a,b', 'text')).toThrow('f: "a,b" is not array<string>');
  });

  it('takes no notice of spaces around bools, enums and numbers in CSV text, nor of the case of bools', () => {
    for (const raw of ['TRUE', 'True', ' true ', '1 ']) expect(valueOf('bool', raw, 'text')).toBe(true);
    for (const raw of ['FALSE', 'fAlSe', '\tfalse', ' 0']) expect(valueOf('bool', raw, 'text')).toBe(false);
    expect(() => valueOf('bool', 'yes', 'text')).toThrow('f: "yes" is not bool');
    expect(() => valueOf('bool', 'TRUE', 'json')).toThrow('f: "TRUE" is not bool');
    const kind: FieldType = { kind: 'enum', values: ['view', ' view', 'add to cart'] };
    for (const [raw, value] of [['view ', 'view'], [' view', ' view'], ['  add to cart', 'add to cart']] as const) expect(valueOf(kind, raw, 'text')).toBe(value);
    expect(() => valueOf(kind, 'View', 'text')).toThrow('f: "View" is not enum');
    expect(() => valueOf(kind, 'view ', 'json')).toThrow('f: "view " is not enum');
    expect(valueOf({ kind: 'array', of: { kind: 'bool' } }, 'TRUE| false', 'text', { encoding: { kind: 'separated', by: '|' } })).toEqual([true, false]);
    expect(valueOf('int64', ' 7 ', 'text')).toBe(7n);
  });

  it('takes empty CSV text for null, for an empty string, for no elements or for missing, as the field says', () => {
    expect(valueOf('string', '', 'text')).toBe('');
    expect(valueOf('string', '', 'text', { nullable: true })).toBeNull();
    expect(valueOf('float64', '', 'text', { nullable: true })).toBeNull();
    expect(valueOf(arrayOf('string'), '', 'text', { encoding: { kind: 'separated', by: '|' } })).toEqual([]);
    expect(() => valueOf('float64', '', 'text')).toThrow('f: missing value, wanted float64');
    expect(() => valueOf({ kind: 'enum', values: ['a'] }, '', 'text')).toThrow("f: missing value, wanted enum('a')");
  });

  it('takes an absent or null JSON value for null or missing, and an empty JSON string for itself', () => {
    for (const absent of [undefined, null]) {
      expect(valueOf('string', absent, 'json', { nullable: true })).toBeNull();
      expect(() => valueOf('string', absent, 'json')).toThrow('f: missing value, wanted string');
    }
    expect(valueOf('string', '', 'json', { nullable: true })).toBe('');
  });

  it('reads epoch seconds by their digits, cut to the millisecond, also before 1970', () => {
    const encoding = { encoding: { kind: 'epochSeconds' } } as const;
    for (const [raw, ms] of [['964982703', 964982703000], ['1.001', 1001], [1.001, 1001], ['1.0019', 1001], ['-1.0011', -1002], ['-1.5', -1500], [964982703n, 964982703000]] as const) {
      expect(valueOf('timestamp', raw, 'text', encoding)).toBe(ms);
    }
    expect(valueOf('timestamp', new Date(5), 'typed', encoding)).toBe(5);
    for (const raw of ['964982703000', '2026-01-31', 'x', '1e3', true]) {
      expect(() => valueOf('timestamp', raw, 'json', encoding)).toThrow('is not timestamp in epoch seconds');
    }
  });

  it('splits separated text into typed elements, and takes arrays as they are', () => {
    const encoding = { encoding: { kind: 'separated', by: '|' } } as const;
    expect(valueOf(arrayOf('string'), 'a||b', 'text', encoding)).toEqual(['a', '', 'b']);
    expect(valueOf(arrayOf('int64'), '1|2', 'json', encoding)).toEqual([1n, 2n]);
    expect(valueOf(arrayOf('int64'), [1n], 'typed', encoding)).toEqual([1n]);
    expect(() => valueOf(arrayOf('int64'), '1|x', 'text', encoding)).toThrow('f: "1|x" is not array<int64> separated by "|"');
  });

  it('never rounds an integer into a float silently, save where JSON wrote the float so', () => {
    expect(valueOf('float64', 9007199254740992n, 'typed')).toBe(9007199254740992);
    expect(() => valueOf('float64', 9007199254740993n, 'typed')).toThrow('f: 9007199254740993 is not float64');
    expect(valueOf('float64', 123456789012345683968n, 'json')).toBe(123456789012345680000);
    expect(() => valueOf('int64', 2 ** 53, 'json')).toThrow('is not int64');
  });

  it('rejects what a store would not give back: floats beyond their range, half characters, bytes, nulls in arrays', () => {
    expect(() => valueOf('float32', '1e39', 'text')).toThrow('f: "1e39" is beyond float32 (-3.4028234663852886e+38 to 3.4028234663852886e+38)');
    expect(() => valueOf(arrayOf('float32'), [1, 1e39], 'json')).toThrow('is not array<float32>');
    expect(() => valueOf('float64', Number.NaN, 'typed')).toThrow('f: NaN is not float64');
    expect(() => valueOf('string', 'a\ud800', 'json')).toThrow('is not string');
    expect(valueOf('string', '𝄞', 'json')).toBe('𝄞');
    expect(() => valueOf('string', new Uint8Array([0xff]), 'typed')).toThrow('f: bytes 0xff is not string');
    expect(() => valueOf(arrayOf('string'), ['a', null], 'json')).toThrow('f: ["a",null] is not array<string>');
    expect(() => valueOf('int32', '1.5', 'text')).toThrow('f: "1.5" is not int32');
    expect(() => valueOf('string', 7, 'json')).toThrow('f: 7 is not string');
  });

  it('names field, value and type in the reason, the mistake without the value, and bounds both', () => {
    const parser = createEventParser(sourceOf([field('a', 'string'), field('rating', 'float64')]), 'text');
    expect(parser.parse(['', 'good'])).toEqual({ kind: 'rejected', reason: 'rating: "good" is not float64', mistake: 'rating: not float64' });
    expect(parser.parse(['', ''])).toMatchObject({ mistake: 'rating: missing value' });
    const long = parser.parse(['', 'x'.repeat(1_000_000)]);
    expect(long.kind === 'rejected' && long.reason.length).toBeLessThan(150);
  });
});

describe('events', () => {
  const fields = [field('user', 'int64'), field('at', 'timestamp', { nullable: true }), field('seen', 'timestamp', { nullable: true })];
  const event = (rest: Partial<Source>, record: Record<string, unknown>): ParsedEvent => {
    const parsed = createEventParser(sourceOf(fields, rest), 'json').parseRecord(record);
    if (parsed.kind === 'rejected') throw new Error(parsed.reason);
    return parsed;
  };

  it('takes event time and known-at from their fields; known-at defaults to the event time, a timeless event to 0', () => {
    expect(event({ eventTime: 'at', knownAt: 'seen' }, { user: 1, at: 1000, seen: 2000 })).toMatchObject({ eventTime: 1000, knownAt: 2000 });
    expect(event({ eventTime: 'at', knownAt: 'seen' }, { user: 1, at: 1000, seen: null })).toMatchObject({ eventTime: 1000, knownAt: 1000 });
    expect(event({ eventTime: 'at' }, { user: 1, at: 1000, seen: 2000 })).toMatchObject({ eventTime: 1000, knownAt: 1000 });
    expect(event({}, { user: 1 })).toMatchObject({ eventTime: 0, knownAt: 0, values: [1n, null, null] });
    expect(() => event({ eventTime: 'at' }, { user: 1 })).toThrow('at: missing value, wanted timestamp');
  });

  it('names an event by its declared fields, as keys are encoded, or by all that it holds', () => {
    expect(event({ eventId: ['user', 'at'] }, { user: 7, at: 1000 }).eventId).toBe(encodeKey({ keys: [field('user', 'int64'), field('at', 'timestamp')] }, [7n, 1000]));
    const hashed = event({}, { user: 7, at: 1000 }).eventId;
    expect(hashed).toMatch(/^[0-9a-f]{32}$/);
    expect(event({}, { at: '1970-01-01T00:00:01Z', user: '7', other: 1 }).eventId).toBe(hashed);
    expect(event({}, { user: 7, seen: 1000 }).eventId).not.toBe(hashed);
  });

  it('rejects an event of whose declared id a part is null or empty text', () => {
    const missing = { kind: 'rejected', reason: 'id: missing value', mistake: 'id: missing value' };
    for (const nullable of [false, true]) {
      const columns = [field('id', 'string', { nullable }), field('shop', 'string'), field('note', 'string')];
      for (const notation of ['text', 'json', 'typed'] as const) {
        for (const eventId of ['id', 'shop,id']) {
          const parser = createEventParser(sourceOf(columns, { eventId: eventId.split(',') }), notation);
          expect(parser.parse(['', 's', 'n'])).toEqual(missing);
          expect(parser.parse(['a', 's', ''])).toMatchObject({ kind: 'event' });
          expect(parser.parse([null, 's', 'n'])).toMatchObject({ kind: 'rejected', mistake: 'id: missing value' });
        }
        expect(createEventParser(sourceOf(columns), notation).parse(['', '', ''])).toMatchObject({ kind: 'event' });
      }
    }
  });

  it('gives two rows one id only when their values are the same', () => {
    const types: FieldType[] = [{ kind: 'string' }, { kind: 'string' }, arrayOf('string'), arrayOf('string')];
    const source = { fields: types.map((type, i) => field(`f${i}`, type, { nullable: true })), eventId: ['f0', 'f1', 'f2', 'f3'] };
    const text = fc.constantFrom('', 'a', 'ab', 'n', 'null', 's1:', 's1:a', 'a,b', '1:', 'ö');
    const row = fc.tuple(fc.option(text), fc.option(text), fc.option(fc.array(text, { maxLength: 3 })), fc.option(fc.array(text, { maxLength: 3 })));
    for (const eventId of [source.eventId, []]) {
      const idOf = createEventId({ ...source, eventId });
      fc.assert(fc.property(row, row, (one, other) => (idOf(one) === idOf(other)) === (JSON.stringify(one) === JSON.stringify(other))), { numRuns: 5000, seed: Number(process.env['SEED']) });
    }
  });
});
