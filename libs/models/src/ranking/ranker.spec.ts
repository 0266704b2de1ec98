import { beforeAll, describe, expect, it } from '@jest/globals';
import { loadRanker, saveRanker } from '../artifacts/model-files.js';
import { binaryNdcgAt } from '../metrics/ranking.js';
import { createRandom } from '../random.js';
import { initTensorflow } from '../tensorflow/backend.js';
import { rank, type RankerModel } from './ranker.js';
import type { RankingLists } from './ranking-lists.js';
import { trainRanker } from './train-ranker.js';

const seed = Number(process.env['SEED']);
const LENGTH = 20;

interface Problem extends RankingLists {
  readonly featureCount: number;
  readonly sourceCount: number;
}

/** The chosen item is the greatest of taste + noise. `signal`: how much of taste the feature shows; the source shows a little. */
function problem(seed: number, listCount: number, signal: number): Problem {
  const random = createRandom(seed);
  const [featureCount, sourceCount] = [2, 2];
  const rows = listCount * LENGTH;
  const lists = {
    features: new Float32Array(rows * featureCount),
    mask: new Uint8Array(rows * featureCount).fill(1),
    retrieval: new Float32Array(rows * sourceCount),
    offsets: Int32Array.from({ length: listCount + 1 }, (_, i) => i * LENGTH),
    positives: new Uint8Array(rows),
  };
  for (let list = 0; list < listCount; list++) {
    let best = { row: 0, utility: -Infinity };
    for (let row = list * LENGTH; row < (list + 1) * LENGTH; row++) {
      const taste = random.normal();
      lists.features[row * 2] = 1000 + 50 * (signal * taste + (1 - signal) * random.normal());
      lists.features[row * 2 + 1] = random.normal();
      if (random.uniform() < 0.2) lists.mask[row * 2 + 1] = 0;
      lists.retrieval[row * 2] = 0.5 * taste + random.normal();
      lists.retrieval[row * 2 + 1] = random.normal();
      const utility = 2 * taste + random.normal();
      if (utility > best.utility) best = { row, utility };
    }
    lists.positives[best.row] = 1;
  }
  return { ...lists, featureCount, sourceCount };
}

function listOf({ features, mask, retrieval, featureCount, sourceCount, offsets }: Problem, list: number) {
  const [start, end] = [offsets[list]!, offsets[list + 1]!];
  return {
    features: features.slice(start * featureCount, end * featureCount),
    mask: mask.slice(start * featureCount, end * featureCount),
    retrieval: retrieval.slice(start * sourceCount, end * sourceCount),
  };
}

function ndcg(model: RankerModel, data: Problem): number {
  const lists = data.offsets.length - 1;
  let sum = 0;
  for (let list = 0; list < lists; list++) {
    const [start, end] = [data.offsets[list]!, data.offsets[list + 1]!];
    sum += binaryNdcgAt(rank(model, listOf(data, list), end - start), data.positives.subarray(start, end), 10);
  }
  return sum / lists;
}

describe('ranker', () => {
  beforeAll(() => initTensorflow());

  it(`learns from features what no source knows, on lists it never saw (seed ${seed})`, async () => {
    const { model, report } = await trainRanker(problem(seed, 300, 0.9), { featureCount: 2, sourceCount: 2, seed: 1, maxEpochs: 15 });
    const test = problem(seed + 1, 200, 0.9);
    const best = ndcg({ ...model, weight: 0, bestSource: 0 }, test);
    expect(report.ndcg.ranked).toBeGreaterThanOrEqual(Math.max(...report.ndcg.sources));
    expect(model.weight).toBeGreaterThan(0);
    expect(ndcg(model, test)).toBeGreaterThan(best + 0.1);
  });

  it(`is never worse on validation than its best source, whatever the data (seed ${seed})`, async () => {
    for (let round = 0; round < 4; round++) {
      const data = problem(seed + round, 2 + 6 * round, 0);
      const { report } = await trainRanker(data, { featureCount: 2, sourceCount: 2, seed: round, maxEpochs: 3 });
      expect(report.ndcg.ranked).toBeGreaterThanOrEqual(Math.max(...report.ndcg.sources));
    }
  });

  it('ranks exactly as its best source at weight 0, what it left out last', async () => {
    const model: RankerModel = { kind: 'ranker', encoding: { columns: [], width: 0 }, sourceCount: 2, bestSource: 1, weight: 0, network: null };
    const retrieval = Float32Array.of(9, 0.1, 8, NaN, 7, 0.3, 6, -5);
    const scores = rank(model, { features: new Float32Array(0), mask: new Uint8Array(0), retrieval }, 4);
    expect([0, 1, 2, 3].sort((a, b) => scores[b]! - scores[a]!)).toEqual([2, 0, 3, 1]);
    expect(rank(model, { features: new Float32Array(0), mask: new Uint8Array(0), retrieval: new Float32Array(0) }, 0)).toHaveLength(0);
  });

  it('gives the same model for the same seed, and keeps it to the bit through files', async () => {
    const data = problem(5, 60, 0.8);
    const train = () => trainRanker(data, { featureCount: 2, sourceCount: 2, seed: 3, maxEpochs: 4 });
    const [first, second] = [(await train()).model, (await train()).model];
    const files = await saveRanker(first);
    expect(await saveRanker(second)).toEqual(files);
    expect(first.weight).toBeGreaterThan(0);
    const loaded = await loadRanker(files);
    for (let list = 0; list < 10; list++) expect(rank(loaded, listOf(data, list), LENGTH)).toEqual(rank(first, listOf(data, list), LENGTH));
    const alone = { ...first, network: null, weight: 0 };
    expect(await loadRanker(await saveRanker(alone))).toEqual(alone);
  });

  it.each([
    ['one list', 1, (_: Problem) => undefined],
    ['two lists', 2, (_: Problem) => undefined],
    ['constant features', 30, (p: Problem) => p.features.fill(1e9)],
    ['all features missing', 30, (p: Problem) => p.mask.fill(0)],
    ['features that are no numbers', 30, (p: Problem) => p.features.fill(NaN)],
    ['absurd features', 30, (p: Problem) => p.features.set([3e38, -3e38, Infinity, 1e30])],
    ['constant scores', 30, (p: Problem) => p.retrieval.fill(0.1)],
    ['no scores', 30, (p: Problem) => p.retrieval.fill(NaN)],
    ['everything chosen', 30, (p: Problem) => p.positives.fill(1)],
  ])('stays finite with %s', async (_name, lists, spoil) => {
    const data = problem(9, lists, 0.5);
    spoil(data);
    const { model, report } = await trainRanker(data, { featureCount: 2, sourceCount: 2, seed: 1, maxEpochs: 3 });
    expect(Number.isFinite(report.ndcg.ranked)).toBe(true);
    for (const weight of [model.weight, model.network === null ? 0 : 0.5]) {
      for (const score of rank({ ...model, weight }, listOf(data, 0), LENGTH)) expect(Number.isFinite(score)).toBe(true);
    }
  });

  it('works without features, and without sources', async () => {
    const data = problem(3, 40, 0.9);
    const none = { features: new Float32Array(0), mask: new Uint8Array(0) };
    const sourcesOnly = await trainRanker({ ...data, ...none }, { featureCount: 0, sourceCount: 2, seed: 1, maxEpochs: 2 });
    expect(sourcesOnly.report.ndcg.ranked).toBeGreaterThan(0);
    const noSources = await trainRanker({ ...data, retrieval: new Float32Array(0) }, { featureCount: 2, sourceCount: 0, seed: 1, maxEpochs: 5 });
    expect(noSources.model).toMatchObject({ bestSource: -1, weight: 1 });
  });

  it('samples long lists and copes with lists of unequal length and without positives', async () => {
    const data = problem(4, 60, 0.8);
    data.positives.fill(0, 0, 3 * LENGTH);
    const offsets = Int32Array.from(data.offsets).filter((_, i) => i % 4 !== 1);
    const { report } = await trainRanker({ ...data, offsets }, { featureCount: 2, sourceCount: 2, seed: 1, maxEpochs: 3, maxListLength: 7 });
    expect(report.trainingLists + report.validationLists).toBe(offsets.length - 1 - 2);
    expect(report.ndcg.ranked).toBeGreaterThanOrEqual(Math.max(...report.ndcg.sources));
  });

  it('says when there is nothing to learn from, and stops when cancelled', async () => {
    const data = problem(4, 30, 0.8);
    const options = { featureCount: 2, sourceCount: 2, seed: 1 };
    await expect(trainRanker({ ...data, positives: new Uint8Array(data.positives.length) }, options)).rejects.toMatchObject({ code: 'NOT_ENOUGH_DATA' });
    const abort = new AbortController();
    const onProgress = ({ stage }: { stage: string }) => stage === 'ranker' && abort.abort();
    await expect(trainRanker(data, { ...options, signal: abort.signal, onProgress })).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
