import { afterAll, describe, expect, it } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { createRandom } from '../random.js';
import { initTensorflow } from './backend.js';
import { createNetwork, loadNetwork, predictRows, saveNetwork } from './network.js';

const seed = Number(process.env['SEED']);

function numbers(count: number, of: number): Float32Array {
  const random = createRandom(seed + of);
  return Float32Array.from({ length: count }, () => random.normal());
}

describe('TF.js', () => {
  afterAll(() => initTensorflow());

  it('starts without a network, on wasm or better', async () => {
    expect(['native', 'wasm']).toContain(await initTensorflow());
    expect(await initTensorflow('wasm')).toBe('wasm');
    expect(tf.getBackend()).toBe('wasm');
  });

  it.each([
    [[5, 7], [7, 3], false, false],
    [[7, 5], [7, 3], true, false],
    [[5, 7], [3, 7], false, true],
    [[7, 5], [3, 7], true, true],
    [[4, 7, 5], [4, 3, 7], true, true],
    [[1, 5, 7], [4, 3, 7], false, true],
  ])(`multiplies %j by %j (transposed: %j, %j) as the cpu backend does, without a leak (seed ${seed})`, async (a, b, transposeA, transposeB) => {
    const run = async (backend: 'wasm' | 'cpu'): Promise<number[]> => {
      await initTensorflow(backend);
      const x = tf.tensor(numbers(a.reduce((p, q) => p * q), 1), a);
      const y = tf.tensor(numbers(b.reduce((p, q) => p * q), 2), b);
      const before = tf.memory().numDataBuffers;
      const product = tf.matMul(x, y, transposeA, transposeB);
      expect(tf.memory().numDataBuffers).toBe(before + 1);
      const values = [...product.dataSync()];
      tf.dispose([x, y, product]);
      return values;
    };
    const expected = await run('cpu');
    (await run('wasm')).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 4));
  });

  it(`has the gradients of the cpu backend (seed ${seed})`, async () => {
    const gradients = async (backend: 'wasm' | 'cpu'): Promise<number[][]> => {
      await initTensorflow(backend);
      const network = createNetwork({ inputs: 6, hidden: [9, 5], bias: -0.3 }, 11);
      // The last layer starts at zero, where nothing behind it has a gradient.
      tf.tidy(() => network.setWeights(network.getWeights().map((w, i) => tf.tensor(numbers(w.size, 20 + i), w.shape))));
      const labels = tf.tensor2d(numbers(40, 4).map((v) => (v > 0 ? 1 : 0)), [40, 1]);
      const x = tf.tensor2d(numbers(240, 3), [40, 6]);
      const { value, grads } = tf.variableGrads(() => {
        const y = network.apply(x) as tf.Tensor2D;
        const listwise = tf.sum(tf.mul(tf.logSoftmax(tf.reshape(y, [4, 10])), tf.reshape(labels, [4, 10])));
        return tf.add(tf.losses.sigmoidCrossEntropy(labels, y), listwise) as tf.Scalar;
      });
      const names = network.trainableWeights.map((w) => (w.read() as tf.Variable).name);
      const result = [[...value.dataSync()], ...names.map((name) => [...grads[name]!.dataSync()])];
      network.dispose();
      return result;
    };
    const expected = await gradients('cpu');
    const actual = await gradients('wasm');
    expect(actual.map((g) => g.length)).toEqual(expected.map((g) => g.length));
    actual.forEach((gradient, w) => gradient.forEach((value, i) => expect(value).toBeCloseTo(expected[w]![i]!, 3)));
    expect(Math.max(...actual[1]!.map(Math.abs))).toBeGreaterThan(1e-3);
  });

  it('saves and loads a network to the bit', async () => {
    await initTensorflow();
    const network = createNetwork({ inputs: 4, hidden: [8], bias: 0.5 }, 3);
    tf.tidy(() => network.setWeights(network.getWeights().map((w, i) => tf.tensor(numbers(w.size, 40 + i), w.shape))));
    const files = await saveNetwork(network);
    const loaded = await loadNetwork(files);
    const inputs = numbers(400, 9);
    expect(predictRows(loaded, inputs, 100)).toEqual(predictRows(network, inputs, 100));
    expect(await saveNetwork(loaded)).toEqual(files);
    await expect(loadNetwork({ ...files, 'network.bin': files['network.bin']!.slice(0, 8) })).rejects.toMatchObject({ code: 'ARTIFACT_CORRUPT' });
    await expect(loadNetwork({})).rejects.toMatchObject({ code: 'ARTIFACT_CORRUPT' });
  });

  it('gives the same network for the same seed, and another for another', () => {
    const weights = (seed: number): number[] => createNetwork({ inputs: 4, hidden: [8], bias: 0 }, seed).getWeights().flatMap((w) => [...w.dataSync()]);
    expect(weights(1)).toEqual(weights(1));
    expect(weights(1)).not.toEqual(weights(2));
  });
});
