import type { ClassifierModel } from '../fraud/classifier.js';
import type { InputEncoding } from '../inputs/input-encoding.js';
import type { RankerModel } from '../ranking/ranker.js';
import type { CandidateGenerator } from '../retrieval/candidate-generator.js';
import { easeGenerator, type EaseModel } from '../retrieval/ease.js';
import { itemToItemGenerator, type ItemToItemModel } from '../retrieval/item-to-item.js';
import type { Neighbours } from '../retrieval/neighbour-generator.js';
import { trendingGenerator, type TrendingModel } from '../retrieval/trending.js';
import { loadNetwork, saveNetwork } from '../tensorflow/network.js';
import { createVocabulary, keyText, parseKeyText, type Vocabulary } from '../vocabulary.js';
import { corrupt, filesIn, nestFiles, packFiles, unpackFiles, type Files, type Unpacked } from './files.js';

export type RetrievalModel = TrendingModel | ItemToItemModel | EaseModel;

/** The generator that serves a trained model. */
export function createGenerator(model: RetrievalModel): CandidateGenerator {
  switch (model.kind) {
    case 'trending':
      return trendingGenerator(model);
    case 'itemToItem':
      return itemToItemGenerator(model);
    case 'ease':
      return easeGenerator(model);
  }
}

export function saveRetrieval(model: RetrievalModel): Record<string, Uint8Array> {
  switch (model.kind) {
    case 'trending': {
      const { scores, ...header } = model;
      return packFiles(header, { scores });
    }
    case 'itemToItem':
    case 'ease': {
      const { neighbours, ...header } = model;
      return packFiles(header, { ...neighbours });
    }
  }
}

/** Throws ARTIFACT_CORRUPT when the files aren't those of a model of this kind. */
export function loadRetrieval(kind: RetrievalModel['kind'], files: Files): RetrievalModel {
  const saved = unpackFiles(files, kind);
  const number = (name: string): number => numberOf(saved, kind, name);
  switch (kind) {
    case 'trending':
      return Object.freeze({ kind, halfLifeMs: number('halfLifeMs'), asOf: number('asOf'), scores: saved.f32('scores') });
    case 'itemToItem':
      return Object.freeze({ kind, shrinkage: number('shrinkage'), neighbours: neighboursOf(saved) });
    case 'ease':
      return Object.freeze({ kind, lambda: number('lambda'), neighbours: neighboursOf(saved) });
  }
}

export async function saveRanker(model: RankerModel): Promise<Record<string, Uint8Array>> {
  const { network, ...header } = model;
  const files = packFiles({ ...header, hasNetwork: network !== null });
  return network === null ? files : { ...files, ...nestFiles('network', await saveNetwork(network)) };
}

/** Needs `initTensorflow()` first. Throws ARTIFACT_CORRUPT. */
export async function loadRanker(files: Files): Promise<RankerModel> {
  const saved = unpackFiles(files, 'ranker');
  const number = (name: string): number => numberOf(saved, 'ranker', name);
  const network = saved.header['hasNetwork'] === true ? await loadNetwork(filesIn('network', files)) : null;
  return Object.freeze({
    kind: 'ranker',
    encoding: encodingOf(saved, 'ranker'),
    sourceCount: number('sourceCount'),
    bestSource: number('bestSource'),
    weight: number('weight'),
    network,
  });
}

export async function saveClassifier(model: ClassifierModel): Promise<Record<string, Uint8Array>> {
  const { network, ...header } = model;
  return { ...packFiles(header), ...nestFiles('network', await saveNetwork(network)) };
}

/** Needs `initTensorflow()` first. Throws ARTIFACT_CORRUPT. */
export async function loadClassifier(files: Files): Promise<ClassifierModel> {
  const saved = unpackFiles(files, 'classifier');
  return Object.freeze({ kind: 'classifier', encoding: encodingOf(saved, 'classifier'), network: await loadNetwork(filesIn('network', files)) });
}

export function saveVocabulary(vocabulary: Vocabulary): Record<string, Uint8Array> {
  return packFiles({ kind: 'vocabulary', keys: vocabulary.keys.map(keyText) });
}

/** Throws ARTIFACT_CORRUPT. */
export function loadVocabulary(files: Files): Vocabulary {
  const { keys } = unpackFiles(files, 'vocabulary').header;
  if (!Array.isArray(keys)) throw corrupt('vocabulary', 'it has no keys');
  return createVocabulary(keys.map((key) => parseKeyText(String(key))));
}

function neighboursOf(saved: Unpacked): Neighbours {
  return Object.freeze({ offsets: saved.i32('offsets'), items: saved.i32('items'), weights: saved.f32('weights') });
}

function encodingOf(saved: Unpacked, kind: string): InputEncoding {
  const encoding = saved.header['encoding'] as InputEncoding | undefined;
  if (!Array.isArray(encoding?.columns) || typeof encoding.width !== 'number') throw corrupt(kind, 'it has no encoding');
  if (!encoding.columns.every(({ min, max }) => typeof min === 'number' && typeof max === 'number')) throw corrupt(kind, 'its encoding has no range');
  return Object.freeze(encoding);
}

function numberOf(saved: Unpacked, kind: string, name: string): number {
  const value = saved.header[name];
  if (typeof value !== 'number') throw corrupt(kind, `${name} is ${JSON.stringify(value)}`);
  return value;
}
