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
    expect((await fitEncoding(matrix, 1, Int32Array.of(0, 1), pace)).columns).toEqual([{ mean: 2, scale: 1, min: 1, max: 3, log: null }]);
  });

  it('reads a value beyond those of training as the nearest of them', async () => {
    const values = [...Array.from({ length: 50 }, (_, i) => 1 + i / 50), 400];
    const matrix = { values: Float32Array.from([...values, 0.5, 401, 1e6, 3e38, -1e6]), mask: new Uint8Array(values.length + 5).fill(1) };
    const encoding = await fitEncoding(matrix, 1, Int32Array.from(values, (_, i) => i), pace);
    expect(encoding.columns[0]!.log).not.toBeNull();
    const encoded = (row: number): number[] => {
      const out = new Float32Array(encoding.width);
      encodeRow(encoding, matrix, row, out, 0);
      return [...out];
    };
    const [least, greatest] = [encoded(0), encoded(50)];
    expect([51, 52, 53, 54, 55].map(encoded)).toEqual([least, greatest, greatest, greatest, least]);
    expect(greatest[0]).toBeGreaterThan(least[0]!);
  });

  it('of a feature that training never saw says only whether it is there', async () => {
    const matrix = { values: Float32Array.of(7, 1e30), mask: Uint8Array.of(0, 1) };
    const encoding = await fitEncoding(matrix, 1, Int32Array.of(0), pace);
    expect(encoding.columns).toEqual([{ mean: 0, scale: 0, min: 0, max: 0, log: null }]);
    const out = new Float32Array(2);
    encodeRow(encoding, matrix, 1, out, 0);
    expect([...out]).toEqual([0, 1]);
  });

  it('adds the logarithm of heavy tails above 0, and of nothing else', async () => {
    const seed = Number(process.env['SEED']);
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
