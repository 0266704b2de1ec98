import type { JobOptions } from '@granary/contracts';
import { createPacer, type Pacer } from '../pacer.js';
import { addRowProducts } from './row-products.js';

const BLOCK = 64;

/**
 * Replaces a symmetric positive definite matrix by its inverse, in place, by blocked Cholesky: A = L·Lᵀ, then U = L⁻ᵀ,
 * then A⁻¹ = U·Uᵀ. All three phases are dot products of rows, so memory is read in order. About n³/2 multiplications.
 * @param a [n × n] by rows, symmetric; only the lower triangle is read
 * Throws a plain Error when the matrix is not positive definite (a ridge makes every Gram matrix so).
 */
export async function invertSymmetric(a: Float64Array, n: number, options: JobOptions & { readonly stage?: string } = {}): Promise<void> {
  const pace = createPacer(options);
  const stage = options.stage ?? 'inverse';
  const blocks = Math.ceil(n / BLOCK);
  const total = 3 * blocks;
  // The diagonals of L and of U do not fit beside each other in one matrix.
  const lowerDiagonal = new Float64Array(n);
  const upperDiagonal = new Float64Array(n);
  const step = (done: number): Promise<void> => pace({ stage, done, total, unit: 'blocks' });
  // Within one block column the work is done in row blocks, so that the event loop is never held for long.
  for (let block = 0; block < blocks; block++) {
    await factorColumn(a, n, block * BLOCK, lowerDiagonal, pace, { stage, done: block, total, unit: 'blocks' });
  }
  for (let i = 0; i < n; i++) upperDiagonal[i] = 1 / lowerDiagonal[i]!;
  for (let block = 0; block < blocks; block++) {
    await invertRow(a, n, block * BLOCK, lowerDiagonal, upperDiagonal, () => step(blocks + block));
  }
  const diagonal = new Float64Array(n);
  for (let block = 0; block < blocks; block++) {
    await multiplyColumn(a, n, block * BLOCK, upperDiagonal, diagonal, () => step(2 * blocks + block));
  }
  for (let i = 0; i < n; i++) {
    a[i * n + i] = diagonal[i]!;
    for (let j = 0; j < i; j++) a[j * n + i] = a[i * n + j]!;
  }
  await step(total);
}

/** L[start …, start … start + BLOCK): left-looking, from the columns before. */
async function factorColumn(
  a: Float64Array,
  n: number,
  start: number,
  diagonal: Float64Array,
  pace: Pacer,
  progress: Parameters<Pacer>[0],
): Promise<void> {
  const end = Math.min(n, start + BLOCK);
  for (let rows = start; rows < n; rows += BLOCK) {
    const rowsEnd = Math.min(n, rows + BLOCK);
    addRowProducts(a, n, rows, rowsEnd, start, end, 0, start, -1);
    for (let i = rows; i < rowsEnd; i++) {
      const last = Math.min(i, end - 1);
      for (let j = start; j <= last; j++) {
        let value = a[i * n + j]!;
        for (let m = start; m < j; m++) value -= a[i * n + m]! * a[j * n + m]!;
        if (i > j) {
          a[i * n + j] = value / diagonal[j]!;
        } else {
          if (!(value > 0)) throw new Error(`Matrix is not positive definite (row ${i})`);
          diagonal[i] = Math.sqrt(value);
        }
      }
    }
    await pace(progress);
  }
}

/** U[start … start + BLOCK, columns right of it], where U = L⁻ᵀ: U[k, i] = −Σ L[i, m] · U[k, m] / L[i, i] over k ≤ m < i. */
async function invertRow(
  a: Float64Array,
  n: number,
  start: number,
  lower: Float64Array,
  upper: Float64Array,
  pause: () => Promise<void>,
): Promise<void> {
  const end = Math.min(n, start + BLOCK);
  for (let columns = start; columns < n; columns += BLOCK) {
    const columnsEnd = Math.min(n, columns + BLOCK);
    if (columns > start) {
      for (let k = start; k < end; k++) a.fill(0, k * n + columns, k * n + columnsEnd);
      addRowProducts(a, n, start, end, columns, columnsEnd, end, columns, 1);
    }
    for (let k = start; k < end; k++) {
      for (let i = Math.max(columns, k + 1); i < columnsEnd; i++) {
        // The block of the diagonal has L in its lower half: its part of the sum is taken here, from column k on.
        let sum = columns > start ? a[k * n + i]! : 0;
        sum += a[i * n + k]! * upper[k]!;
        const near = columns > start ? end : i;
        for (let m = k + 1; m < near; m++) sum += a[i * n + m]! * a[k * n + m]!;
        if (columns > start) for (let m = columns; m < i; m++) sum += a[i * n + m]! * a[k * n + m]!;
        a[k * n + i] = -sum / lower[i]!;
      }
    }
    await pause();
  }
}

/** The inverse's lower triangle, P[i, j] = Σ over k ≥ i of U[i, k] · U[j, k], for the rows of one block, over what was L. */
async function multiplyColumn(
  a: Float64Array,
  n: number,
  start: number,
  upper: Float64Array,
  diagonal: Float64Array,
  pause: () => Promise<void>,
): Promise<void> {
  const end = Math.min(n, start + BLOCK);
  for (let columns = 0; columns <= start; columns += BLOCK) {
    const columnsEnd = Math.min(end, columns + BLOCK);
    // The products with columns right of the block land in scratch first: the diagonal block's upper half is still U.
    const width = columnsEnd - columns;
    const products = new Float64Array((end - start) * width);
    addRowProducts(a, n, start, end, columns, columnsEnd, end, n, 1, products, width);
    for (let i = start; i < end; i++) {
      for (let j = columns; j < Math.min(columnsEnd, i + 1); j++) {
        let sum = products[(i - start) * width + (j - columns)]!;
        sum += upper[i]! * (j === i ? upper[i]! : a[j * n + i]!);
        for (let k = i + 1; k < end; k++) sum += a[i * n + k]! * a[j * n + k]!;
        if (j === i) diagonal[i] = sum;
        else a[i * n + j] = sum;
      }
    }
    await pause();
  }
}
