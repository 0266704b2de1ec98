import type { LayersModel } from '@tensorflow/tfjs-layers';
import { encodeRow, type InputEncoding } from '../inputs/input-encoding.js';
import { predictRows } from '../tensorflow/network.js';

/** Everything but the network is plain data. */
export interface ClassifierModel {
  readonly kind: 'classifier';
  readonly encoding: InputEncoding;
  readonly network: LayersModel;
}

/**
 * Probabilities of label 1, [rows], each in (0, 1).
 * @param features [rows × features] by rows
 * @param mask [rows × features], 1 where the value is present
 */
export function predict(model: ClassifierModel, features: Float32Array, mask: Uint8Array): Float64Array {
  const { encoding, network } = model;
  const width = encoding.columns.length;
  if (features.length % width !== 0 || mask.length !== features.length) {
    throw new Error(`The classifier needs rows of ${width} features and as many masks; got ${features.length} and ${mask.length}`);
  }
  const count = features.length / width;
  const inputs = new Float32Array(count * encoding.width);
  for (let row = 0; row < count; row++) encodeRow(encoding, { values: features, mask }, row, inputs, row * encoding.width);
  const outputs = predictRows(network, inputs, count);
  const probabilities = new Float64Array(count);
  for (let row = 0; row < count; row++) probabilities[row] = 1 / (1 + Math.exp(-outputs[row]!));
  return probabilities;
}
