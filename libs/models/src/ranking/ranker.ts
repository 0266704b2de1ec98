import type { LayersModel } from '@tensorflow/tfjs-layers';
import { encodeRow, type InputEncoding } from '../inputs/input-encoding.js';
import { predictRows } from '../tensorflow/network.js';
import { reciprocalRanks, standardiseList } from './retrieval-inputs.js';

/** Candidates of one or more lists, by rows. */
export interface CandidateRows {
  /** [rows × features] */
  readonly features: Float32Array;
  /** [rows × features], 1 where the value is present. */
  readonly mask: Uint8Array;
  /** [rows × sources]: each source's score; NaN where it gave none. */
  readonly retrieval: Float32Array;
}

/** Everything but the network is plain data. */
export interface RankerModel {
  readonly kind: 'ranker';
  readonly encoding: InputEncoding;
  readonly sourceCount: number;
  /** The best single source, by index; −1 without sources. */
  readonly bestSource: number;
  /** Share of the network in the final score, 0 … 1; 0 is the best source alone. */
  readonly weight: number;
  /** Null when there was too little to learn from; then `weight` is 0. */
  readonly network: LayersModel | null;
}

/** Inputs per row: the encoded features, then per source its standardised score and reciprocal rank. */
export function rankerWidth(encoding: InputEncoding, sourceCount: number): number {
  return encoding.width + 2 * sourceCount;
}

/** The network's inputs for the rows of one list, [end − start × width]. */
export function encodeList(encoding: InputEncoding, sourceCount: number, rows: CandidateRows, start: number, end: number): Float32Array {
  const width = rankerWidth(encoding, sourceCount);
  const inputs = new Float32Array((end - start) * width);
  const matrix = { values: rows.features, mask: rows.mask };
  for (let row = start; row < end; row++) encodeRow(encoding, matrix, row, inputs, (row - start) * width);
  for (let source = 0; source < sourceCount; source++) {
    const scores = standardiseList(rows.retrieval, sourceCount, source, start, end);
    const ranks = reciprocalRanks(rows.retrieval, sourceCount, source, start, end);
    for (let i = 0; i < end - start; i++) {
      inputs[i * width + encoding.width + 2 * source] = scores[i]!;
      inputs[i * width + encoding.width + 2 * source + 1] = ranks[i]!;
    }
  }
  return inputs;
}

/** Final scores of the candidates of one user, [count], greater is better; comparable within this list only. */
export function rank(model: RankerModel, rows: CandidateRows, count: number): Float32Array {
  const { encoding, sourceCount, bestSource, weight, network } = model;
  const features = encoding.columns.length;
  if (rows.features.length !== count * features || rows.mask.length !== count * features || rows.retrieval.length !== count * sourceCount) {
    throw new Error(`The ranker needs ${count} × ${features} features and masks and ${count} × ${sourceCount} retrieval scores`);
  }
  if (network === null || weight === 0) {
    return bestSource < 0 ? new Float32Array(count) : standardiseList(rows.retrieval, sourceCount, bestSource, 0, count);
  }
  const outputs = predictRows(network, encodeList(encoding, sourceCount, rows, 0, count), count);
  return blend(model, outputs, rows, 0, count, weight);
}

/** (1 − weight) · best source + weight · network, both standardised over the list. */
export function blend(
  model: Pick<RankerModel, 'sourceCount' | 'bestSource'>,
  outputs: Float32Array,
  rows: Pick<CandidateRows, 'retrieval'>,
  start: number,
  end: number,
  weight: number,
): Float32Array {
  const scores = standardiseList(outputs, 1, 0, 0, end - start);
  if (model.bestSource < 0) return scores;
  const source = standardiseList(rows.retrieval, model.sourceCount, model.bestSource, start, end);
  for (let i = 0; i < scores.length; i++) scores[i] = (1 - weight) * source[i]! + weight * scores[i]!;
  return scores;
}
