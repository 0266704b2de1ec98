import { describe, expect, it } from '@jest/globals';
import { isGranaryError } from '@granary/contracts';
import { instantsOf, readBytes, readInstant, readPairs, wholeNumber } from './flags.js';

const DAY = 86_400_000;
const may = (day: number): number => Date.UTC(2026, 4, day);

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    return isGranaryError(error) ? error.code : 'BUG';
  }
  return undefined;
}

describe('readBytes', () => {
  it('reads a whole number of bytes, with a unit or without', () => {
    expect(['2GiB', '512 MiB', '7'].map(readBytes)).toEqual([2 ** 31, 2 ** 29, 7]);
    for (const text of ['', '0', '2GB', '1.5GiB', '-1', '9999999TiB']) expect(codeOf(() => readBytes(text))).toBe('INVALID_VALUE');
  });
});

describe('readPairs', () => {
  it('reads names and values, each name once', () => {
    expect(readPairs(['a=1', 'b=x=y', 'c='])).toEqual({ a: '1', b: 'x=y', c: '' });
    for (const texts of [['a'], ['=1'], ['a=1', 'a=1']]) expect(codeOf(() => readPairs(texts))).toBe('INVALID_USAGE');
  });
});

describe('readInstant', () => {
  it('reads what parseInstant reads, and now', () => {
    expect(readInstant('2026-05-01')).toBe(may(1));
    expect(readInstant('2026-05-01T02:00+02:00')).toBe(may(1));
    expect(readInstant(String(may(1)))).toBe(may(1));
    const before = Date.now();
    const now = readInstant('now');
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(Date.now());
    expect(codeOf(() => readInstant('2026-02-30'))).toBe('INVALID_TIMESTAMP');
    expect(codeOf(() => readInstant('yesterday'))).toBe('INVALID_TIMESTAMP');
  });
});

describe('instantsOf', () => {
  it('is now, one instant, or a range with both ends', () => {
    expect(instantsOf({}, 42)).toEqual([42]);
    expect(instantsOf({ at: may(1) }, 42)).toEqual([may(1)]);
    expect(instantsOf({ from: may(1), to: may(3), every: DAY }, 42)).toEqual([may(1), may(2), may(3)]);
    expect(instantsOf({ from: may(1), to: may(3) - 1, every: DAY }, 42)).toEqual([may(1), may(2)]);
    expect(instantsOf({ from: may(1), to: may(1), every: DAY }, 42)).toEqual([may(1)]);
  });

  it.each([
    [{ from: may(1) }],
    [{ from: may(1), to: may(2) }],
    [{ every: DAY }],
    [{ at: may(1), from: may(1), to: may(2), every: DAY }],
    [{ from: may(2), to: may(1), every: DAY }],
    [{ from: may(1), to: may(2), every: 0 }],
    [{ from: may(1), to: may(2), every: 1 }],
  ])('refuses %j', (flags) => {
    expect(codeOf(() => instantsOf(flags, 42))).toBe('INVALID_USAGE');
  });
});

describe('wholeNumber', () => {
  it('takes digits only', () => {
    expect(wholeNumber(1)('7')).toBe(7);
    for (const text of ['0', '-1', '1.5', '1e3', '', ' 1', '9'.repeat(17)]) expect(codeOf(() => wholeNumber(1)(text))).toBe('INVALID_VALUE');
  });
});
