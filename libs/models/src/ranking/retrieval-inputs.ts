/** In deviations. */
const UNSCORED_GAP = 1;

/**
 * One source's scores of a list, to mean 0 and deviation 1 (all 0 when they don't differ). NaN marks a candidate that the
 * source did not score: it comes one deviation below the least.
 * @param scores [count × stride] by rows; the source's column is `source`
 */
export function standardiseList(scores: Float32Array, stride: number, source: number, start: number, end: number): Float32Array {
  const standardised = new Float32Array(end - start);
  let count = 0;
  let mean = 0;
  let min = Infinity;
  for (let row = start; row < end; row++) {
    const score = scores[row * stride + source]!;
    if (!Number.isFinite(score)) continue;
    count++;
    mean += (score - mean) / count;
    min = Math.min(min, score);
  }
  if (count === 0) return standardised;
  let square = 0;
  for (let row = start; row < end; row++) {
    const score = scores[row * stride + source]!;
    if (Number.isFinite(score)) square += (score - mean) ** 2 / count;
  }
  const deviation = Math.sqrt(square);
  const scale = deviation > 1e-6 * Math.abs(mean) && deviation > 1e-30 ? 1 / deviation : 0;
  for (let row = start; row < end; row++) {
    const score = scores[row * stride + source]!;
    standardised[row - start] = Number.isFinite(score) ? (score - mean) * scale : (min - mean) * scale - UNSCORED_GAP;
  }
  return standardised;
}

/** 1 / rank of each candidate within its list, equal scores sharing the best rank; 0 where the source gave no score. */
export function reciprocalRanks(scores: Float32Array, stride: number, source: number, start: number, end: number): Float32Array {
  const ranks = new Float32Array(end - start);
  const order: number[] = [];
  for (let row = start; row < end; row++) if (Number.isFinite(scores[row * stride + source]!)) order.push(row);
  order.sort((a, b) => scores[b * stride + source]! - scores[a * stride + source]!);
  let rank = 0;
  for (let i = 0; i < order.length; i++) {
    if (i === 0 || scores[order[i]! * stride + source] !== scores[order[i - 1]! * stride + source]) rank = i + 1;
    ranks[order[i]! - start] = 1 / rank;
  }
  return ranks;
}
