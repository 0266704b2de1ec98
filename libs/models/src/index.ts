export { createInteractions, historyOf, lastTimeOf, rowOf } from './interactions.js';
export type { InteractionColumns, Interactions, SparseRows, UserEvents } from './interactions.js';
export { createVocabulary, indexOf, keyText, parseKeyText } from './vocabulary.js';
export type { Vocabulary } from './vocabulary.js';
export { createRandom } from './random.js';
export type { Random } from './random.js';

export type { Candidate, CandidateGenerator, History } from './retrieval/candidate-generator.js';
export type { Neighbours } from './retrieval/neighbour-generator.js';
export { trainTrending, trendingGenerator } from './retrieval/trending.js';
export type { TrendingModel, TrendingOptions } from './retrieval/trending.js';
export { itemToItemGenerator, trainItemToItem } from './retrieval/item-to-item.js';
export type { ItemToItemModel, ItemToItemOptions } from './retrieval/item-to-item.js';
export { easeGenerator, trainEase } from './retrieval/ease.js';
export type { EaseModel, EaseOptions } from './retrieval/ease.js';

export { initTensorflow } from './tensorflow/backend.js';
export type { TensorflowBackend } from './tensorflow/backend.js';
export { FLOAT32_MAX, inputNumber } from './inputs/input-number.js';
export type { ColumnEncoding, InputEncoding } from './inputs/input-encoding.js';

export { rank } from './ranking/ranker.js';
export type { CandidateRows, RankerModel } from './ranking/ranker.js';
export type { RankingLists } from './ranking/ranking-lists.js';
export { trainRanker } from './ranking/train-ranker.js';
export type { RankerReport, TrainRankerOptions } from './ranking/train-ranker.js';

export { predict } from './fraud/classifier.js';
export type { ClassifierModel } from './fraud/classifier.js';
export { trainClassifier } from './fraud/train-classifier.js';
export type { ClassifierReport, LabelledRows, TrainClassifierOptions } from './fraud/train-classifier.js';

export { binaryNdcgAt, ndcgAt, rankingQuality, rankOf } from './metrics/ranking.js';
export type { RankingQuality } from './metrics/ranking.js';
export { averagePrecision, brierScore, logLoss, rocAuc } from './metrics/classification.js';
export type { Labels } from './metrics/classification.js';
export { cardPrecision } from './metrics/card-precision.js';
export type { ScoredTransactions } from './metrics/card-precision.js';

export { ArtifactStore } from './artifacts/artifact-store.js';
export { filesIn, nestFiles } from './artifacts/files.js';
export type { Files } from './artifacts/files.js';
export {
  createGenerator,
  loadClassifier,
  loadRanker,
  loadRetrieval,
  loadVocabulary,
  saveClassifier,
  saveRanker,
  saveRetrieval,
  saveVocabulary,
} from './artifacts/model-files.js';
export type { RetrievalModel } from './artifacts/model-files.js';

export { evaluateScorer, leaveLatestOut, scorerOf } from './evaluation/leave-latest-out.js';
export type { ItemScorer, LeaveLatestOut } from './evaluation/leave-latest-out.js';

export { evaluateRecommender } from './recommender/evaluate-recommender.js';
export type { EvaluateRecommenderOptions, SourceQuality } from './recommender/evaluate-recommender.js';
export type { FeatureQuestions, FeatureRows, FeatureSource } from './recommender/ranking-features.js';
export { loadRecommender, saveRecommender } from './recommender/recommender-model.js';
export type { RecommenderModel } from './recommender/recommender-model.js';
export { retrieve } from './recommender/retrieve.js';
export type { Retrieved } from './recommender/retrieve.js';
export { PER_GENERATOR, trainRecommender } from './recommender/train-recommender.js';
export type { TrainRecommenderOptions, TrainedRecommender } from './recommender/train-recommender.js';
export { loadScorer, saveScorer } from './fraud/scorer-model.js';
export type { ScorerModel } from './fraud/scorer-model.js';
