/** Columns read at a time: 8 rows of this many doubles stay in the first-level cache. */
const PANEL = 256;

/**
 * Adds sign · Σ a[i, m] · a[j, m] over m in [from, to) to the target at (i, j), for all i in [rowStart, rowEnd) and j in
 * [columnStart, columnEnd). `a` is [· × n] by rows. The target is `a` itself at (i, j), which must lie outside the
 * columns read, or `products`, [rows × width], when given.
 */
export function addRowProducts(
  a: Float64Array,
  n: number,
  rowStart: number,
  rowEnd: number,
  columnStart: number,
  columnEnd: number,
  from: number,
  to: number,
  sign: 1 | -1,
  products: Float64Array = a,
  width = 0,
): void {
  const isScratch = width > 0;
  const stride = isScratch ? width : n;
  const origin = isScratch ? -rowStart * width - columnStart : 0;
  for (let panel = from; panel < to; panel += PANEL) {
    const panelEnd = Math.min(to, panel + PANEL);
    let i = rowStart;
    for (; i + 4 <= rowEnd; i += 4) {
      let j = columnStart;
      for (; j + 4 <= columnEnd; j += 4) addTile(a, n, i, j, panel, panelEnd, sign, products, stride, origin);
      for (; j < columnEnd; j++) for (let r = i; r < i + 4; r++) addOne(a, n, r, j, panel, panelEnd, sign, products, stride, origin);
    }
    for (; i < rowEnd; i++) {
      for (let j = columnStart; j < columnEnd; j++) addOne(a, n, i, j, panel, panelEnd, sign, products, stride, origin);
    }
  }
}

function addOne(
  a: Float64Array,
  n: number,
  i: number,
  j: number,
  from: number,
  to: number,
  sign: number,
  target: Float64Array,
  stride: number,
  origin: number,
): void {
  let sum = 0;
  for (let m = from; m < to; m++) sum += a[i * n + m]! * a[j * n + m]!;
  target[origin + i * stride + j]! += sign * sum;
}

/** Sixteen sums in registers: eight reads for sixteen multiplications. */
function addTile(
  a: Float64Array,
  n: number,
  i: number,
  j: number,
  from: number,
  to: number,
  sign: number,
  target: Float64Array,
  stride: number,
  origin: number,
): void {
  const i0 = i * n;
  const i1 = i0 + n;
  const i2 = i1 + n;
  const i3 = i2 + n;
  const j0 = j * n;
  const j1 = j0 + n;
  const j2 = j1 + n;
  const j3 = j2 + n;
  let s00 = 0, s01 = 0, s02 = 0, s03 = 0;
  let s10 = 0, s11 = 0, s12 = 0, s13 = 0;
  let s20 = 0, s21 = 0, s22 = 0, s23 = 0;
  let s30 = 0, s31 = 0, s32 = 0, s33 = 0;
  for (let m = from; m < to; m++) {
    const x0 = a[i0 + m]!;
    const x1 = a[i1 + m]!;
    const x2 = a[i2 + m]!;
    const x3 = a[i3 + m]!;
    const y0 = a[j0 + m]!;
    const y1 = a[j1 + m]!;
    const y2 = a[j2 + m]!;
    const y3 = a[j3 + m]!;
    s00 += x0 * y0; s01 += x0 * y1; s02 += x0 * y2; s03 += x0 * y3;
    s10 += x1 * y0; s11 += x1 * y1; s12 += x1 * y2; s13 += x1 * y3;
    s20 += x2 * y0; s21 += x2 * y1; s22 += x2 * y2; s23 += x2 * y3;
    s30 += x3 * y0; s31 += x3 * y1; s32 += x3 * y2; s33 += x3 * y3;
  }
  let at = origin + i * stride + j;
  target[at]! += sign * s00; target[at + 1]! += sign * s01; target[at + 2]! += sign * s02; target[at + 3]! += sign * s03;
  at += stride;
  target[at]! += sign * s10; target[at + 1]! += sign * s11; target[at + 2]! += sign * s12; target[at + 3]! += sign * s13;
  at += stride;
  target[at]! += sign * s20; target[at + 1]! += sign * s21; target[at + 2]! += sign * s22; target[at + 3]! += sign * s23;
  at += stride;
  target[at]! += sign * s30; target[at + 1]! += sign * s31; target[at + 2]! += sign * s32; target[at + 3]! += sign * s33;
}
