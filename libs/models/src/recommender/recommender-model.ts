import { filesIn, nestFiles, packFiles, unpackFiles, type Files } from '../artifacts/files.js';
import {
  createGenerator,
  loadRanker,
  loadRetrieval,
  loadVocabulary,
  saveRanker,
  saveRetrieval,
  saveVocabulary,
  type RetrievalModel,
} from '../artifacts/model-files.js';
import type { SparseRows } from '../interactions.js';
import type { RankerModel } from '../ranking/ranker.js';
import type { CandidateGenerator } from '../retrieval/candidate-generator.js';
import type { Vocabulary } from '../vocabulary.js';

/** All that is needed to recommend, but the features. */
export interface RecommenderModel {
  readonly kind: 'recommender';
  /** The instant it was trained as of, epoch ms: what users did later it does not know. */
  readonly asOf: number;
  readonly users: Vocabulary;
  readonly items: Vocabulary;
  /** The distinct items of each user. */
  readonly history: SparseRows;
  readonly retrieval: readonly RetrievalModel[];
  /** Of `retrieval`, ready to be asked. */
  readonly generators: readonly CandidateGenerator[];
  readonly ranker: RankerModel | null;
  /** The ranker's inputs, in order. */
  readonly featureNames: readonly string[];
}

export async function saveRecommender(model: Omit<RecommenderModel, 'generators'>): Promise<Record<string, Uint8Array>> {
  const { kind, asOf, featureNames, history, retrieval, ranker } = model;
  const header = { kind, asOf, featureNames, retrieval: retrieval.map((each) => each.kind), hasRanker: ranker !== null };
  return {
    ...packFiles(header, { historyOffsets: history.offsets, historyItems: history.columns }),
    ...nestFiles('users', saveVocabulary(model.users)),
    ...nestFiles('items', saveVocabulary(model.items)),
    ...Object.assign({}, ...retrieval.map((each, i) => nestFiles(`retrieval-${i}`, saveRetrieval(each)))),
    ...(ranker === null ? {} : nestFiles('ranker', await saveRanker(ranker))),
  };
}

/** Needs `initTensorflow()` first. Throws ARTIFACT_CORRUPT. */
export async function loadRecommender(files: Files): Promise<RecommenderModel> {
  const { header, i32 } = unpackFiles(files, 'recommender');
  const retrieval = (header['retrieval'] as RetrievalModel['kind'][]).map((kind, i) => loadRetrieval(kind, filesIn(`retrieval-${i}`, files)));
  return Object.freeze({
    kind: 'recommender',
    asOf: header['asOf'] as number,
    users: loadVocabulary(filesIn('users', files)),
    items: loadVocabulary(filesIn('items', files)),
    history: { offsets: i32('historyOffsets'), columns: i32('historyItems') },
    retrieval,
    generators: retrieval.map(createGenerator),
    ranker: header['hasRanker'] === true ? await loadRanker(filesIn('ranker', files)) : null,
    featureNames: header['featureNames'] as string[],
  });
}
