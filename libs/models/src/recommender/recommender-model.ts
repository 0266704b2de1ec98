import { corrupt, filesIn, nestFiles, packFiles, readSaved, textsOf, unpackFiles, type Files } from '../artifacts/files.js';
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

const KIND = 'recommender';

/** Needs `initTensorflow()` first. Throws ARTIFACT_CORRUPT, also when the parts don't belong together. */
export async function loadRecommender(files: Files): Promise<RecommenderModel> {
  return readSaved(KIND, async () => {
    const saved = unpackFiles(files, KIND);
    const { asOf, hasRanker } = saved.header;
    if (typeof asOf !== 'number' || !Number.isFinite(asOf)) throw corrupt(KIND, `asOf is ${JSON.stringify(asOf)}`);
    if (typeof hasRanker !== 'boolean') throw corrupt(KIND, `hasRanker is ${JSON.stringify(hasRanker)}`);
    const kinds = textsOf(saved, KIND, 'retrieval');
    const retrieval = kinds.map((kind, i) => loadRetrieval(retrievalKind(kind), filesIn(`retrieval-${i}`, files)));
    const model: RecommenderModel = {
      kind: KIND,
      asOf,
      users: loadVocabulary(filesIn('users', files)),
      items: loadVocabulary(filesIn('items', files)),
      history: { offsets: saved.i32('historyOffsets'), columns: saved.i32('historyItems') },
      retrieval,
      generators: retrieval.map(createGenerator),
      ranker: hasRanker ? await loadRanker(filesIn('ranker', files)) : null,
      featureNames: textsOf(saved, KIND, 'featureNames'),
    };
    checkParts(model);
    return Object.freeze(model);
  });
}

function retrievalKind(kind: string): RetrievalModel['kind'] {
  if (kind === 'trending' || kind === 'itemToItem' || kind === 'ease') return kind;
  throw corrupt(KIND, `there is no generator ${JSON.stringify(kind)}`);
}

/** What one part says of another must be true, or some request would fail long after loading. */
function checkParts({ users, items, history, generators, ranker, featureNames }: RecommenderModel): void {
  const itemCount = items.keys.length;
  const { offsets, columns } = history;
  const isAscending = offsets[0] === 0 && offsets.every((offset, i) => i === 0 || offset >= offsets[i - 1]!);
  if (offsets.length !== users.keys.length + 1 || !isAscending || offsets.at(-1) !== columns.length || !columns.every((item) => item >= 0 && item < itemCount)) {
    throw corrupt(KIND, `its history is not one of ${users.keys.length} users and ${itemCount} items`);
  }
  for (const generator of generators) {
    if (generator.itemCount !== itemCount) throw corrupt(KIND, `${generator.kind} knows ${generator.itemCount} items of ${itemCount}`);
  }
  if (ranker === null) return;
  if (ranker.sourceCount !== generators.length || ranker.encoding.columns.length !== featureNames.length) {
    throw corrupt(KIND, `its ranker takes ${ranker.sourceCount} sources and ${ranker.encoding.columns.length} features, not ${generators.length} and ${featureNames.length}`);
  }
}
