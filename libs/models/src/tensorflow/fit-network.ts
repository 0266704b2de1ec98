import type * as Tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Pacer } from '../pacer.js';
import { tensorflow } from './library.js';

export interface FitOptions {
  readonly stage: string;
  readonly maxEpochs: number;
  /** Epochs without a lower validation loss before training stops. */
  readonly patience: number;
  readonly learningRate: number;
  /** Added to the loss: this × the sum of squares of all kernels. */
  readonly weightDecay: number;
  /** The batches of one epoch; each computes its loss, a scalar. */
  readonly batches: () => Iterable<() => Tf.Scalar>;
  /** Lower is better; of the network as it is now. */
  readonly validationLoss: () => number;
  readonly pace: Pacer;
}

export interface FitResult {
  /** Epochs run. */
  readonly epochs: number;
  /** The epoch whose weights the network has now; 0: as it was before training. */
  readonly bestEpoch: number;
  readonly validationLoss: number;
}

/** Trains with Adam (Kingma and Ba 2015) and leaves the network with the weights of the best epoch. */
export async function fitNetwork(network: LayersModel, options: FitOptions): Promise<FitResult> {
  const tf = tensorflow();
  const optimizer = tf.train.adam(options.learningRate);
  // Named, or TF.js would look for gradients of every network in the process.
  const variables = network.trainableWeights.map((weight) => weight.read() as Tf.Variable);
  const kernels = variables.filter((variable) => variable.rank === 2);
  let best = { epoch: 0, loss: options.validationLoss(), weights: readWeights(network) };
  let epoch = 0;
  try {
    while (epoch < options.maxEpochs && epoch - best.epoch < options.patience) {
      for (const loss of options.batches()) {
        const penalised = (): Tf.Scalar => {
          if (options.weightDecay === 0) return loss();
          const decay = tf.addN(kernels.map((kernel) => tf.sum(tf.square(kernel))));
          return tf.add(loss(), tf.mul(decay, options.weightDecay));
        };
        optimizer.minimize(penalised, false, variables);
        await options.pace({ stage: options.stage, done: epoch, total: options.maxEpochs, unit: 'epochs' });
      }
      epoch++;
      const loss = options.validationLoss();
      // A loss that is no number is no improvement: such an epoch is never kept.
      if (loss < best.loss - 1e-7) best = { epoch, loss, weights: readWeights(network) };
    }
  } finally {
    optimizer.dispose();
    writeWeights(network, best.weights);
  }
  await options.pace({ stage: options.stage, done: options.maxEpochs, total: options.maxEpochs, unit: 'epochs' });
  return { epochs: epoch, bestEpoch: best.epoch, validationLoss: best.loss };
}

function readWeights(network: LayersModel): Float32Array[] {
  return network.getWeights().map((weight) => Float32Array.from(weight.dataSync()));
}

function writeWeights(network: LayersModel, values: readonly Float32Array[]): void {
  const tf = tensorflow();
  tf.tidy(() => network.setWeights(network.getWeights().map((weight, i) => tf.tensor(values[i]!, weight.shape))));
}
