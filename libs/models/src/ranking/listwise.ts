import type { LayersModel } from '@tensorflow/tfjs-layers';
import { predictRows } from '../tensorflow/network.js';

/** The network's inputs for one list, [count × width], and which candidates were chosen, [count]. */
export interface EncodedList {
  readonly inputs: Float32Array;
  readonly positives: Uint8Array;
}

export interface ListBatch {
  readonly lists: number;
  /** Of the longest list; shorter ones are padded. */
  readonly length: number;
  readonly width: number;
  /** [lists · length × width] */
  readonly inputs: Float32Array;
  /** [lists × length]: sums to 1 in each list. */
  readonly targets: Float32Array;
  /** [lists × length]: 0 for candidates, far below zero for padding. */
  readonly padding: Float32Array;
}

/** Far below any output, yet small enough that float32 sums with it stay finite. */
const PADDED = -1e9;
const PREDICT_ROWS = 8192;

export function* makeBatches(lists: readonly EncodedList[], batchSize: number, width: number): Generator<ListBatch> {
  for (let from = 0; from < lists.length; from += batchSize) {
    const chosen = lists.slice(from, from + batchSize);
    const length = Math.max(...chosen.map((list) => list.positives.length));
    const inputs = new Float32Array(chosen.length * length * width);
    const targets = new Float32Array(chosen.length * length);
    const padding = new Float32Array(chosen.length * length).fill(PADDED);
    chosen.forEach((list, l) => {
      inputs.set(list.inputs, l * length * width);
      const positiveCount = countPositives(list.positives);
      list.positives.forEach((positive, i) => (targets[l * length + i] = positive === 1 ? 1 / positiveCount : 0));
      padding.fill(0, l * length, l * length + list.positives.length);
    });
    yield { lists: chosen.length, length, width, inputs, targets, padding };
  }
}

/** The network's output per candidate, list after list. */
export function outputsOf(network: LayersModel, lists: readonly EncodedList[], width: number): Float32Array[] {
  const outputs: Float32Array[] = [];
  for (let from = 0; from < lists.length; ) {
    // Lists are predicted together: one call per list would cost more in overhead than in arithmetic.
    let to = from;
    let rows = 0;
    do rows += lists[to++]!.positives.length;
    while (to < lists.length && rows + lists[to]!.positives.length <= PREDICT_ROWS);
    const inputs = new Float32Array(rows * width);
    let at = 0;
    for (const list of lists.slice(from, to)) {
      inputs.set(list.inputs, at * width);
      at += list.positives.length;
    }
    const values = predictRows(network, inputs, rows);
    at = 0;
    for (const list of lists.slice(from, to)) outputs.push(values.slice(at, (at += list.positives.length)));
    from = to;
  }
  return outputs;
}

/** The loss that training minimises, without decay: mean over lists of −Σ target · log softmax(outputs). */
export function listwiseLoss(outputs: readonly Float32Array[], lists: readonly EncodedList[]): number {
  let sum = 0;
  lists.forEach((list, l) => {
    const scores = outputs[l]!;
    let max = -Infinity;
    for (const score of scores) max = Math.max(max, score);
    let total = 0;
    for (const score of scores) total += Math.exp(score - max);
    const positiveCount = countPositives(list.positives);
    for (let i = 0; i < scores.length; i++) {
      if (list.positives[i] === 1) sum += (max + Math.log(total) - scores[i]!) / positiveCount;
    }
  });
  return sum / lists.length;
}

function countPositives(positives: Uint8Array): number {
  let count = 0;
  for (const positive of positives) if (positive === 1) count++;
  return count;
}
