import { describe, expect, it } from '@jest/globals';
import { createPacer } from '../pacer.js';
import { createRandom } from '../random.js';
import { encodeRow, fitEncoding } from './input-encoding.js';

const pace = createPacer({});

describe('input encoding', () => {
  it('standardises what is present, and marks what is missing with 0 and 0', async () => {
    const matrix = { values: Float32Array.of(1, 99, 3, NaN, 5, 7), mask: Uint8Array.of(1, 0, 1, 1, 1, 0) };
    const encoding = await fitEncoding(matrix, 2, Int32Array.of(0, 1, 2), pace);
    const out = new Float32Array(12);
    for (let row = 0; row < 3; row++) encodeRow(encoding, matrix, row, out, row * encoding.width);
    const deviation = Math.sqrt(8 / 3);
    expect([...out]).toEqual([-2 / deviation, 1, 0, 0, 0, 1, 0, 0, 2 / deviation, 1, 0, 0].map(Math.fround));
  });

  it('learns from the given rows only', async () => {
    const matrix = { values: Float32Array.of(1, 3, 1e6), mask: Uint8Array.of(1, 1, 1) };
    expect((await fitEncoding(matrix, 1, Int32Array.of(0, 1), pace)).columns).toEqual([{ mean: 2, scale: 1, log: null }]);
  });

  it('adds the logarithm of heavy tails above 0, and of nothing else', async () => {
    const seed = Date.now() % 100_000;
    const random = createRandom(seed);
    const n = 2000;
    const values = Float32Array.from({ length: 3 * n }, (_, i) => {
      const normal = random.normal();
      return [Math.exp(2 * normal), normal, i === 1 ? 0 : Math.exp(2 * normal) - 1][i % 3]!;
    });
    const { columns, width } = await fitEncoding({ values, mask: new Uint8Array(3 * n).fill(1) }, 3, Int32Array.from({ length: n }, (_, i) => i), pace);
    expect({ seed, logs: columns.map(({ log }) => log !== null) }).toEqual({ seed, logs: [true, false, false] });
    expect(width).toBe(7);
  });
});
