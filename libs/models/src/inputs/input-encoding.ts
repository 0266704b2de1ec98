import type { Pacer } from '../pacer.js';

/** How one feature becomes network inputs; plain data. A scale of 0 marks a constant: its value says nothing. */
export interface ColumnEncoding {
  readonly mean: number;
  readonly scale: number;
  /** The least and the greatest value of training; beyond them a network only guesses, so values are clipped to them. */
  readonly min: number;
  readonly max: number;
  /** For features ≥ 0 with a heavy tail: ln(1 + value), standardised, as one more input. */
  readonly log: { readonly mean: number; readonly scale: number } | null;
}

/** Each feature gives its standardised value (0 when missing), its logarithm if heavy-tailed, and 1 if present else 0. */
export interface InputEncoding {
  readonly columns: readonly ColumnEncoding[];
  /** Network inputs per row. */
  readonly width: number;
}

/** Rows of features, [rows × features] by rows. */
export interface FeatureMatrix {
  readonly values: Float32Array;
  /** 1 where the value is present; the value is not read elsewhere. A present value that is not finite counts as missing. */
  readonly mask: Uint8Array;
}

/** Skewness (third standardised moment) from which a feature counts as heavy-tailed. */
const HEAVY_TAIL = 1.5;
/** Standardised values are kept within this, so that one absurd value can't drown all others. */
const CLIP = 8;

/** Learns the encoding from the given rows. `featureCount` may be 0. */
export async function fitEncoding(matrix: FeatureMatrix, featureCount: number, rows: Int32Array, pace: Pacer): Promise<InputEncoding> {
  const columns: ColumnEncoding[] = [];
  for (let feature = 0; feature < featureCount; feature++) {
    const values: number[] = [];
    for (const row of rows) {
      const at = row * featureCount + feature;
      if (isPresent(matrix, at)) values.push(matrix.values[at]!);
    }
    const plain = moments(values);
    const isHeavy = plain.scale > 0 && plain.skewness > HEAVY_TAIL && plain.min >= 0;
    const log = isHeavy ? moments(values.map(Math.log1p)) : null;
    await pace({ stage: 'input statistics', done: feature + 1, total: featureCount, unit: 'features' });
    const range = values.length === 0 ? { min: 0, max: 0 } : { min: plain.min, max: plain.max };
    columns.push({ mean: plain.mean, scale: plain.scale, ...range, log: log === null ? null : { mean: log.mean, scale: log.scale } });
  }
  return Object.freeze({ columns, width: columns.reduce((width, { log }) => width + (log === null ? 2 : 3), 0) });
}

/** Writes the inputs of one row to `out` from `at` on. */
export function encodeRow(encoding: InputEncoding, matrix: FeatureMatrix, row: number, out: Float32Array, at: number): void {
  const { columns } = encoding;
  let to = at;
  for (let feature = 0; feature < columns.length; feature++) {
    const { mean, scale, min, max, log } = columns[feature]!;
    const from = row * columns.length + feature;
    const present = isPresent(matrix, from);
    const value = Math.max(min, Math.min(max, matrix.values[from]!));
    out[to++] = present ? standardise(value, mean, scale) : 0;
    if (log !== null) out[to++] = present ? standardise(Math.log1p(value), log.mean, log.scale) : 0;
    out[to++] = present ? 1 : 0;
  }
}

function isPresent(matrix: FeatureMatrix, at: number): boolean {
  return matrix.mask[at] === 1 && Number.isFinite(matrix.values[at]!);
}

/** `scale` is 1 / standard deviation, 0 for a constant. */
function standardise(value: number, mean: number, scale: number): number {
  return Math.max(-CLIP, Math.min(CLIP, (value - mean) * scale));
}

function moments(values: readonly number[]): { mean: number; scale: number; skewness: number; min: number; max: number } {
  let mean = 0;
  let min = Infinity;
  let max = -Infinity;
  for (const value of values) {
    mean += value / values.length;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  let square = 0;
  let cube = 0;
  for (const value of values) {
    square += (value - mean) ** 2 / values.length;
    cube += (value - mean) ** 3 / values.length;
  }
  const deviation = Math.sqrt(square);
  // Rounding gives a constant column a deviation that is tiny, not zero.
  const isConstant = !(deviation > 1e-6 * Math.abs(mean)) || deviation < 1e-30;
  return { mean, scale: isConstant ? 0 : 1 / deviation, skewness: isConstant ? 0 : cube / deviation ** 3, min, max };
}
