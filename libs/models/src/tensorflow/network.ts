import type { Tensor, io } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { GranaryError } from '@granary/contracts';
import { createRandom } from '../random.js';
import { tensorflow, tensorflowLayers } from './library.js';

/** A wide and deep network (Cheng et al. 2016): one output, linear in the inputs plus a perceptron of them. */
export interface NetworkShape {
  readonly inputs: number;
  /** Units of each hidden layer (ReLU). */
  readonly hidden: readonly number[];
  /** Where the output starts: the bias of the last layer. */
  readonly bias: number;
}

/** The same shape and seed give the same weights. The outputs start at zero, so training starts from `bias`. No hidden layers: a linear model. */
export function createNetwork(shape: NetworkShape, seed: number): LayersModel {
  const { input, layers, model } = tensorflowLayers();
  const x = input({ shape: [shape.inputs], name: 'inputs' });
  let deep = x;
  shape.hidden.forEach((units, i) => {
    deep = layers.dense({ units, activation: 'relu', name: `hidden${i + 1}`, kernelInitializer: 'zeros' }).apply(deep) as typeof x;
  });
  let y = layers.dense({ units: 1, name: 'output', kernelInitializer: 'zeros' }).apply(deep) as typeof x;
  if (shape.hidden.length > 0) {
    // Two layers added, not one over joined inputs: concatenation is slow on WASM.
    const wide = layers.dense({ units: 1, useBias: false, name: 'wide', kernelInitializer: 'zeros' }).apply(x) as typeof x;
    y = layers.add({ name: 'wide_and_deep' }).apply([wide, y]) as typeof x;
  }
  // Its own name would count up in the process, and equal models must be equal files.
  const network = model({ inputs: x, outputs: y, name: 'network' });
  initialise(network, shape, seed);
  return network;
}

/** He et al. 2015 for the hidden layers, from our own generator: TF.js's seeds differ between backends. */
function initialise(network: LayersModel, shape: NetworkShape, seed: number): void {
  const random = createRandom(seed);
  const tf = tensorflow();
  tf.tidy(() => {
    const weights = network.getWeights().map((weight) => {
      const values = new Float32Array(weight.size);
      if (weight.rank === 2 && weight.shape[1] !== 1) {
        const scale = Math.sqrt(2 / weight.shape[0]!);
        for (let i = 0; i < values.length; i++) values[i] = scale * random.normal();
      }
      if (weight.rank === 1 && weight.shape[0] === 1) values[0] = shape.bias;
      return tf.tensor(values, weight.shape);
    });
    network.setWeights(weights);
  });
}

/** Rows per call: bounds the memory of WASM, which grows and never shrinks. */
const CHUNK = 8192;

/** Outputs for `count` rows, [count]. */
export function predictRows(network: LayersModel, inputs: Float32Array, count: number): Float32Array {
  const tf = tensorflow();
  const outputs = new Float32Array(count);
  const width = inputs.length / count;
  for (let from = 0; from < count; from += CHUNK) {
    const to = Math.min(count, from + CHUNK);
    const x = tf.tensor2d(inputs.subarray(from * width, to * width), [to - from, width]);
    // Not returned from a tidy: it would walk every element of a large typed array.
    const y = tf.tidy(() => network.apply(x) as Tensor);
    outputs.set(y.dataSync(), from);
    tf.dispose([x, y]);
  }
  return outputs;
}

/** The network as TF.js's own files: `network.json` (topology, weight specs) and `network.bin` (float32 weights). */
export async function saveNetwork(network: LayersModel): Promise<Record<string, Uint8Array>> {
  const tf = tensorflow();
  const files: Record<string, Uint8Array> = {};
  const handler = tf.io.withSaveHandler((artifacts) => {
    const { modelTopology, weightSpecs, weightData } = artifacts;
    files['network.json'] = new TextEncoder().encode(JSON.stringify({ format: 'layers-model', modelTopology, weightSpecs }));
    files['network.bin'] = new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData)).slice();
    return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } });
  });
  await network.save(handler);
  return files;
}

/** Throws ARTIFACT_CORRUPT when the files are missing or unreadable. */
export async function loadNetwork(files: Readonly<Record<string, Uint8Array>>): Promise<LayersModel> {
  const [json, bin] = [files['network.json'], files['network.bin']];
  try {
    if (json === undefined || bin === undefined) throw new Error('network.json or network.bin is missing');
    const { modelTopology, weightSpecs } = JSON.parse(new TextDecoder().decode(json)) as io.ModelArtifacts;
    return await tensorflowLayers().loadLayersModel({
      load: () => Promise.resolve({ modelTopology: modelTopology!, weightSpecs: weightSpecs!, weightData: bin.slice().buffer }),
    });
  } catch (cause) {
    throw new GranaryError('ARTIFACT_CORRUPT', `A saved network can't be read: ${(cause as Error).message}`, { todo: 'Train the model again.', cause });
  }
}
