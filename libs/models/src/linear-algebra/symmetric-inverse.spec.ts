import { describe, expect, it } from '@jest/globals';
import { createRandom } from '../random.js';
import { invertSymmetric } from './symmetric-inverse.js';

/** The plainest inverse there is: Gauss and Jordan with pivoting on [A | I]. */
export function naiveInverse(a: Float64Array, n: number): Float64Array {
  const rows = Array.from({ length: n }, (_, i) => [...a.subarray(i * n, i * n + n), ...Array.from({ length: n }, (_, j) => (i === j ? 1 : 0))]);
  for (let c = 0; c < n; c++) {
    const pivot = rows.slice(c).reduce((best, row, i) => (Math.abs(row[c]!) > Math.abs(rows[best]![c]!) ? i + c : best), c);
    [rows[c], rows[pivot]] = [rows[pivot]!, rows[c]!];
    const scale = rows[c]![c]!;
    rows[c] = rows[c]!.map((v) => v / scale);
    for (let r = 0; r < n; r++) if (r !== c) rows[r] = rows[r]!.map((v, k) => v - rows[r]![c]! * rows[c]![k]!);
  }
  return Float64Array.from(rows.flatMap((row) => row.slice(n)));
}

describe('inverse of a symmetric positive definite matrix', () => {
  const seed = Number(process.env['SEED']);
  it.each([1, 2, 3, 5, 63, 64, 65, 127, 128, 131, 200])(`equals the naive inverse, n = %i (seed ${seed})`, async (n) => {
    const random = createRandom(seed + n);
    const factor = Float64Array.from({ length: n * n }, () => random.normal());
    const a = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) for (let k = 0; k < n; k++) a[i * n + j]! += factor[i * n + k]! * factor[j * n + k]!;
      a[i * n + i]! += 0.5;
    }
    const expected = naiveInverse(a, n);
    // Only the lower triangle may be read.
    for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) a[i * n + j] = NaN;
    await invertSymmetric(a, n);
    let worst = 0;
    for (let i = 0; i < n * n; i++) worst = Math.max(worst, Math.abs(a[i]! - expected[i]!));
    expect(worst).toBeLessThan(1e-9);
  });

  it('refuses a matrix that is not positive definite', async () => {
    await expect(invertSymmetric(Float64Array.of(1, 2, 2, 1), 2)).rejects.toThrow('not positive definite');
  });

  it('stops when cancelled', async () => {
    const a = new Float64Array(300 * 300);
    for (let i = 0; i < 300; i++) a[i * 300 + i] = 1;
    await expect(invertSymmetric(a, 300, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
