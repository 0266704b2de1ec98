import { GranaryError, type JobOptions } from '@granary/contracts';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { fitEncoding } from '../inputs/input-encoding.js';
import { createPacer } from '../pacer.js';
import { createRandom } from '../random.js';
import { fitNetwork } from '../tensorflow/fit-network.js';
import { tensorflow } from '../tensorflow/library.js';
import { createNetwork } from '../tensorflow/network.js';
import { chooseBlend, sourceQualities } from './choose-blend.js';
import { listwiseLoss, makeBatches, outputsOf, type EncodedList, type ListBatch } from './listwise.js';
import { encodeList, rankerWidth, type RankerModel } from './ranker.js';
import type { RankingLists } from './ranking-lists.js';

export interface TrainRankerOptions extends JobOptions {
  readonly featureCount: number;
  readonly sourceCount: number;
  readonly seed: number;
  /** Units of the hidden layers. Default [32, 16]. */
  readonly hidden?: readonly number[] | undefined;
  /** Share of the lists that decides when to stop and how to blend. Default 0.2. */
  readonly validationShare?: number | undefined;
  /** Default 40. */
  readonly maxEpochs?: number | undefined;
  /** Longer lists are sampled down to this many candidates for training (positives stay). Default 100. */
  readonly maxListLength?: number | undefined;
}

export interface RankerReport {
  readonly trainingLists: number;
  readonly validationLists: number;
  readonly epochs: number;
  readonly bestEpoch: number;
  /** NDCG@10 on the validation lists: of each source alone, the network alone (null if there is none) and the result. */
  readonly ndcg: { readonly sources: readonly number[]; readonly network: number | null; readonly ranked: number };
}

/**
 * Trains a wide and deep network with a listwise softmax loss (Cao et al. 2007, ListNet with one-hot targets) and blends
 * it with the best single source; the blend's weight is what is best on validation, 0 included, so the result is never
 * worse there than its best source. Needs `initTensorflow()` first. Same seed and data, same model.
 * Throws NOT_ENOUGH_DATA when no list has a positive, CANCELLED when aborted.
 */
export async function trainRanker(lists: RankingLists, options: TrainRankerOptions): Promise<{ model: RankerModel; report: RankerReport }> {
  const { featureCount, sourceCount, seed, hidden = [32, 16], validationShare = 0.2, maxEpochs = 40, maxListLength = 100 } = options;
  checkShapes(lists, featureCount, sourceCount);
  const pace = createPacer(options);
  const random = createRandom(seed);
  const usable = random.shuffle(listsWithPositives(lists));
  if (usable.length === 0) {
    throw new GranaryError('NOT_ENOUGH_DATA', 'No list of candidates has one that the user chose', {
      todo: 'Give a longer time span, or more interactions.',
    });
  }
  // A single list is both trained and measured on: then nothing but the best source can be trusted.
  const validationCount = usable.length === 1 ? 1 : Math.max(1, Math.min(usable.length - 1, Math.round(usable.length * validationShare)));
  const validation = usable.slice(0, validationCount);
  const training = usable.length === 1 ? usable : usable.slice(validationCount);

  const encoding = await fitEncoding({ values: lists.features, mask: lists.mask }, featureCount, rowsOf(lists, training), pace);
  const encode = (list: number): EncodedList => {
    const [start, end] = [lists.offsets[list]!, lists.offsets[list + 1]!];
    return { inputs: encodeList(encoding, sourceCount, lists, start, end), positives: lists.positives.subarray(start, end) };
  };
  const encodeAll = async (chosen: Int32Array, transform: (list: EncodedList) => EncodedList): Promise<EncodedList[]> => {
    const encoded: EncodedList[] = [];
    for (const list of chosen) {
      encoded.push(transform(encode(list)));
      await pace({ stage: 'ranker inputs', done: encoded.length, total: chosen.length, unit: 'lists' });
    }
    return encoded;
  };
  const width = rankerWidth(encoding, sourceCount);
  const trainingLists = await encodeAll(training, (list) => sampleList(list, width, maxListLength, random.shuffle));
  const validationLists = await encodeAll(validation, (list) => list);

  const sources = sourceQualities(lists, sourceCount, validation, usable);
  const canLearn = width > 0 && (usable.length > 1 || sourceCount === 0);
  const network = canLearn ? createNetwork({ inputs: width, hidden, bias: 0 }, seed) : null;
  let fitted = { epochs: 0, bestEpoch: 0 };
  if (network !== null) {
    try {
      fitted = await fit(network, trainingLists, validationLists, { width, maxEpochs, shuffle: random.shuffle, options });
    } catch (error) {
      network.dispose();
      throw error;
    }
  }
  const outputs = network === null ? null : outputsOf(network, validationLists, width);
  const choice = chooseBlend(lists, { sourceCount, bestSource: sources.best }, validation, outputs);
  const model: RankerModel = Object.freeze({ kind: 'ranker', encoding, sourceCount, bestSource: sources.best, weight: choice.weight, network });
  const report = {
    trainingLists: training.length,
    validationLists: validation.length,
    ...fitted,
    ndcg: { sources: sources.ndcg, network: outputs === null ? null : choice.network, ranked: choice.ranked },
  };
  return { model, report };
}

interface FitContext {
  readonly width: number;
  readonly maxEpochs: number;
  readonly shuffle: <T extends Int32Array | unknown[]>(values: T) => T;
  readonly options: JobOptions;
}

async function fit(
  network: LayersModel,
  training: readonly EncodedList[],
  validation: readonly EncodedList[],
  context: FitContext,
): Promise<{ epochs: number; bestEpoch: number }> {
  const batchSize = Math.max(8, Math.min(64, Math.ceil(training.length / 50)));
  const { epochs, bestEpoch } = await fitNetwork(network, {
    stage: 'ranker',
    maxEpochs: context.maxEpochs,
    patience: 6,
    learningRate: 2e-3,
    weightDecay: 1e-4,
    *batches() {
      const order = context.shuffle([...training]);
      for (const batch of makeBatches(order, batchSize, context.width)) yield () => batchLoss(network, batch);
    },
    validationLoss: () => listwiseLoss(outputsOf(network, validation, context.width), validation),
    pace: createPacer(context.options),
  });
  return { epochs, bestEpoch };
}

/** −Σ target · log softmax(outputs), the mean over lists; padding is far below every output, and its target is 0. */
function batchLoss(network: LayersModel, batch: ListBatch): Scalar {
  const tf = tensorflow();
  const { inputs, targets, padding, lists, length, width } = batch;
  const outputs = network.apply(tf.tensor2d(inputs, [lists * length, width])) as Tensor;
  const logits = tf.add(tf.reshape(outputs, [lists, length]), tf.tensor2d(padding, [lists, length]));
  const product = tf.mul(tf.logSoftmax(logits), tf.tensor2d(targets, [lists, length]));
  return tf.mul(tf.sum(product), -1 / lists);
}

function listsWithPositives(lists: RankingLists): Int32Array {
  const found: number[] = [];
  for (let list = 0; list + 1 < lists.offsets.length; list++) {
    if (lists.positives.subarray(lists.offsets[list]!, lists.offsets[list + 1]!).includes(1)) found.push(list);
  }
  return Int32Array.from(found);
}

function rowsOf(lists: RankingLists, chosen: Int32Array): Int32Array {
  const rows: number[] = [];
  for (const list of chosen) for (let row = lists.offsets[list]!; row < lists.offsets[list + 1]!; row++) rows.push(row);
  return Int32Array.from(rows);
}

/** All positives and random others, in the list's order. */
function sampleList(list: EncodedList, width: number, limit: number, shuffle: FitContext['shuffle']): EncodedList {
  const count = list.positives.length;
  if (count <= limit) return list;
  const negatives = [...list.positives.keys()].filter((row) => list.positives[row] !== 1);
  const positiveCount = count - negatives.length;
  const sampled = new Set(shuffle(negatives).slice(0, Math.max(1, limit - positiveCount)));
  const kept = [...list.positives.keys()].filter((row) => list.positives[row] === 1 || sampled.has(row));
  const inputs = new Float32Array(kept.length * width);
  kept.forEach((row, i) => inputs.set(list.inputs.subarray(row * width, (row + 1) * width), i * width));
  return { inputs, positives: Uint8Array.from(kept, (row) => list.positives[row]!) };
}

function checkShapes(lists: RankingLists, featureCount: number, sourceCount: number): void {
  const rows = lists.positives.length;
  const isRight =
    lists.features.length === rows * featureCount &&
    lists.mask.length === rows * featureCount &&
    lists.retrieval.length === rows * sourceCount &&
    lists.offsets[0] === 0 &&
    lists.offsets.at(-1) === rows;
  if (!isRight) throw new Error(`Ranking lists don't fit ${rows} rows of ${featureCount} features and ${sourceCount} sources`);
}
