import { describe, expect, it } from '@jest/globals';
import { inputNumber } from './input-number.js';

describe('input number', () => {
  const greatest = new Float32Array(Uint32Array.of(0x7f7fffff).buffer)[0]!;

  it('is finite as a float32 for every finite number', () => {
    const given = [3.4e38, greatest, 3.41e38, 1e39, Number.MAX_VALUE];
    expect(given.map((value) => Math.fround(inputNumber(value)))).toEqual([Math.fround(3.4e38), greatest, greatest, greatest, greatest]);
    expect(given.map((value) => Math.fround(inputNumber(-value)))).toEqual([-Math.fround(3.4e38), -greatest, -greatest, -greatest, -greatest]);
  });

  it('is the number itself within float32, 0 or 1 for a bool, and stays NaN', () => {
    expect([0.1, -5e-324, 7, 2n ** 63n - 1n, true, false, NaN].map(inputNumber)).toEqual([0.1, -5e-324, 7, 2 ** 63, 1, 0, NaN]);
  });
});
