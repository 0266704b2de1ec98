import { GranaryError, type JobOptions } from '@granary/contracts';
import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { encodeRow, fitEncoding, type InputEncoding } from '../inputs/input-encoding.js';
import { createPacer } from '../pacer.js';
import { createRandom, type Random } from '../random.js';
import { fitNetwork } from '../tensorflow/fit-network.js';
import { tensorflow } from '../tensorflow/library.js';
import { createNetwork, predictRows } from '../tensorflow/network.js';
import type { ClassifierModel } from './classifier.js';

export interface LabelledRows {
  /** [rows × features] by rows. */
  readonly features: Float32Array;
  /** [rows × features], 1 where the value is present. */
  readonly mask: Uint8Array;
  /** [rows], 1 or 0. */
  readonly labels: Uint8Array;
  /** [rows], event times in epoch milliseconds. */
  readonly times: Float64Array;
}

export interface TrainClassifierOptions extends JobOptions {
  readonly seed: number;
  /** Units of the hidden layers. Default [32, 16]. */
  readonly hidden?: readonly number[] | undefined;
  /** Share of the rows, the latest, that decides when to stop. Default 0.2. */
  readonly validationShare?: number | undefined;
  /** Default 60. */
  readonly maxEpochs?: number | undefined;
}

export interface ClassifierReport {
  readonly trainingRows: number;
  readonly trainingPositives: number;
  readonly validationRows: number;
  readonly validationPositives: number;
  readonly epochs: number;
  readonly bestEpoch: number;
  /** Of the validation rows, natural logarithm. */
  readonly validationLogLoss: number;
}

/** Fewer positives than this in the latest part say too little to stop by. */
const MIN_POSITIVES = 5;
/** Epochs where there is nothing to stop by. */
const BLIND_EPOCHS = 15;

/**
 * Trains a wide and deep network with the logistic loss. Rare positives are met by starting the output at the logit of
 * their share, not by weights or resampling: so probabilities stay calibrated. The epoch kept is the best on the latest
 * part of the training time. Needs `initTensorflow()` first. Same seed and data, same model.
 * Throws NOT_ENOUGH_DATA unless both labels occur, CANCELLED when aborted.
 */
export async function trainClassifier(rows: LabelledRows, options: TrainClassifierOptions): Promise<{ model: ClassifierModel; report: ClassifierReport }> {
  const { seed, hidden = [32, 16], validationShare = 0.2 } = options;
  const size = rows.labels.length;
  const featureCount = size === 0 ? 0 : rows.features.length / size;
  if (!Number.isInteger(featureCount) || rows.mask.length !== rows.features.length || rows.times.length !== size) {
    throw new Error(`Labelled rows don't fit: ${size} labels, ${rows.features.length} features, ${rows.mask.length} masks, ${rows.times.length} times`);
  }
  const { training, validation } = splitByTime(rows, validationShare);
  const pace = createPacer(options);
  const encoding = await fitEncoding({ values: rows.features, mask: rows.mask }, featureCount, training, pace);
  const random = createRandom(seed);
  const share = countPositives(rows.labels, training) / training.length;
  const network = createNetwork({ inputs: encoding.width, hidden, bias: Math.log(share / (1 - share)) }, seed);
  const isBlind = validation.length === 0;
  const measured = isBlind ? training : validation;
  try {
    const inputs = encodeRows(encoding, rows, measured);
    const fitted = await fitNetwork(network, {
      stage: 'classifier',
      maxEpochs: Math.min(options.maxEpochs ?? 60, isBlind ? BLIND_EPOCHS : Infinity),
      patience: 8,
      learningRate: 2e-3,
      weightDecay: 0,
      batches: () => batches(network, encoding, rows, training, random),
      validationLoss: () => meanLogLoss(network, inputs, rows.labels, measured),
      pace,
    });
    const report = {
      trainingRows: training.length,
      trainingPositives: countPositives(rows.labels, training),
      validationRows: validation.length,
      validationPositives: countPositives(rows.labels, validation),
      epochs: fitted.epochs,
      bestEpoch: fitted.bestEpoch,
      validationLogLoss: fitted.validationLoss,
    };
    return { model: Object.freeze({ kind: 'classifier', encoding, network }), report };
  } catch (error) {
    network.dispose();
    throw error;
  }
}

/** Earlier rows to learn from, the latest to stop by; all to learn from when either part would have too few positives. */
function splitByTime(rows: LabelledRows, share: number): { training: Int32Array; validation: Int32Array } {
  const order = Int32Array.from({ length: rows.labels.length }, (_, i) => i).sort((a, b) => rows.times[a]! - rows.times[b]! || a - b);
  const positives = countPositives(rows.labels, order);
  if (positives === 0 || positives === order.length) {
    throw new GranaryError('NOT_ENOUGH_DATA', `A classifier needs examples of both labels: ${positives} of ${order.length} are positive`, {
      todo: 'Give a longer time span, or check the label.',
    });
  }
  const at = Math.floor(order.length * (1 - share));
  const [training, validation] = [order.slice(0, at), order.slice(at)];
  const isUsable = [training, validation].every((part) => {
    const count = countPositives(rows.labels, part);
    return count >= MIN_POSITIVES && count < part.length;
  });
  return isUsable ? { training, validation } : { training: order, validation: new Int32Array(0) };
}

function* batches(network: LayersModel, encoding: InputEncoding, rows: LabelledRows, training: Int32Array, random: Random): Generator<() => Scalar> {
  const tf = tensorflow();
  const size = Math.max(16, Math.min(512, Math.ceil(training.length / 100)));
  const order = random.shuffle(training.slice());
  for (let from = 0; from < order.length; from += size) {
    const chosen = order.subarray(from, from + size);
    yield () => {
      const inputs = tf.tensor2d(encodeRows(encoding, rows, chosen), [chosen.length, encoding.width]);
      const labels = tf.tensor2d(Float32Array.from(chosen, (row) => rows.labels[row]!), [chosen.length, 1]);
      return tf.losses.sigmoidCrossEntropy(labels, network.apply(inputs) as Tensor2D) as Scalar;
    };
  }
}

function encodeRows(encoding: InputEncoding, rows: LabelledRows, chosen: Int32Array): Float32Array {
  const inputs = new Float32Array(chosen.length * encoding.width);
  const matrix = { values: rows.features, mask: rows.mask };
  chosen.forEach((row, i) => encodeRow(encoding, matrix, row, inputs, i * encoding.width));
  return inputs;
}

function meanLogLoss(network: LayersModel, inputs: Float32Array, labels: Uint8Array, chosen: Int32Array): number {
  const outputs = predictRows(network, inputs, chosen.length);
  let sum = 0;
  for (let i = 0; i < outputs.length; i++) {
    // −ln σ(s), without overflow, where s is the output with the label's sign.
    const s = labels[chosen[i]!] === 1 ? outputs[i]! : -outputs[i]!;
    sum += Math.max(-s, 0) + Math.log1p(Math.exp(-Math.abs(s)));
  }
  return sum / outputs.length;
}

function countPositives(labels: Uint8Array, rows: Int32Array): number {
  let count = 0;
  for (const row of rows) count += labels[row]!;
  return count;
}
