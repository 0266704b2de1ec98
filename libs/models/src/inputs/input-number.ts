import type { Value } from '@granary/contracts';

/** The greatest float32: (2 − 2⁻²³) · 2¹²⁷. */
export const FLOAT32_MAX = 3.4028234663852886e38;

/**
 * A feature's value as a model reads it, in training and in serving alike: bools are 0 and 1, and a number beyond float32
 * is the float32 nearest to it, where a Float32Array would hold an infinity, which counts as missing.
 */
export function inputNumber(value: Value): number {
  return Math.max(-FLOAT32_MAX, Math.min(FLOAT32_MAX, Number(value)));
}
