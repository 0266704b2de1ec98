import { named, type JobOptions, type Snapshot } from '@granary/contracts';
import { evaluateRecommender as evaluate, initTensorflow, saveRecommender, trainRecommender as train, type ArtifactStore, type FeatureSource, type Interactions, type SourceQuality } from '@granary/models';
import type { OfflineStore } from '@granary/offline-store';
import { keysOf, loadInteractions, partsOfRecommender, type RecommenderParts } from './interactions.js';
import { registerModel, type ModelVersion } from './model-registry.js';
import { pointInTime } from './point-in-time.js';

export interface TrainOptions extends JobOptions {
  /** The same seed, data and declaration give the same model. Default 1. */
  readonly seed?: number;
}

/**
 * Trains a recommender on all its interactions and saves it as a new version.
 * Throws UNKNOWN_RECOMMENDER, NOT_ENOUGH_DATA, CANCELLED.
 */
export async function trainRecommender(store: OfflineStore, artifacts: ArtifactStore, snapshot: Snapshot, name: string, options: TrainOptions = {}): Promise<ModelVersion> {
  const { parts, interactions, features } = await prepare(store, snapshot, name, options);
  const asOf = lastTime(interactions);
  const trained = await train(interactions, { generators: parts.recommender.generators, asOf, features, ...options, seed: options.seed ?? 1 });
  const artifact = await artifacts.put(
    await saveRecommender({
      kind: 'recommender',
      asOf,
      users: interactions.users,
      items: interactions.items,
      history: interactions.byUser,
      retrieval: trained.generators,
      ranker: trained.ranker,
      featureNames: trained.featureNames,
    }),
  );
  const { rankerReport } = trained;
  const metrics: Record<string, number> = {
    users: interactions.users.keys.length,
    items: interactions.items.keys.length,
    interactions: interactions.events.items.length,
    ...(rankerReport === null ? {} : { trainingLists: rankerReport.trainingLists, validationNdcg10: rankerReport.ndcg.ranked, bestSourceNdcg10: Math.max(...rankerReport.ndcg.sources) }),
  };
  return registerModel(store, { name, artifact, snapshot: snapshot.id, metrics });
}

export interface RecommenderEvaluation {
  readonly recommender: string;
  /** How it was measured, in a sentence. */
  readonly protocol: string;
  readonly users: number;
  readonly rows: readonly { readonly source: string; readonly ndcg10: number; readonly hr10: number }[];
}

/**
 * Measures a recommender offline: see `evaluateRecommender` of @granary/models for the protocol. It trains its own
 * models on what is left; what `train` saved is not touched.
 */
export async function evaluateRecommender(store: OfflineStore, snapshot: Snapshot, name: string, options: TrainOptions = {}): Promise<RecommenderEvaluation> {
  const { parts, interactions, features } = await prepare(store, snapshot, name, options);
  const qualities: readonly SourceQuality[] = await evaluate(interactions, {
    generators: parts.recommender.generators,
    asOf: lastTime(interactions),
    features,
    ...options,
    seed: options.seed ?? 1,
  });
  return {
    recommender: name,
    protocol:
      'The latest item of each user is left out and ranked among all items that the user had not seen; features and trending are as of that instant.',
    users: qualities[0]?.count ?? 0,
    rows: qualities.map(({ source, ndcg, hitRate }) => ({ source, ndcg10: ndcg, hr10: hitRate })),
  };
}

interface Prepared {
  readonly parts: RecommenderParts;
  readonly interactions: Interactions;
  readonly features: FeatureSource | null;
}

async function prepare(store: OfflineStore, snapshot: Snapshot, name: string, options: TrainOptions): Promise<Prepared> {
  const parts = partsOfRecommender(snapshot, name);
  const { recommender, user, item } = parts;
  options.onProgress?.({ stage: `load ${parts.source.name}`, done: 0, total: null, unit: 'events' });
  const interactions = await loadInteractions(store, snapshot, parts, options);
  if (recommender.ranker === null) return { parts, interactions, features: null };
  await initTensorflow();
  const service = named(snapshot.services, recommender.ranker);
  const userIds = (index: number): ReturnType<typeof keysOf> => keysOf(user, interactions.users.keys[index]!);
  const itemIds = (index: number): ReturnType<typeof keysOf> => keysOf(item, interactions.items.keys[index]!);
  const ask = pointInTime(store, snapshot, service, { user, item, userIds, itemIds }, options.signal);
  const features: FeatureSource = (questions) => {
    options.onProgress?.({ stage: `features of ${service.name}`, done: 0, total: questions.times.length, unit: 'rows' });
    return ask(questions);
  };
  return { parts, interactions, features };
}

function lastTime(interactions: Interactions): number {
  return interactions.events.times.reduce((last, time) => Math.max(last, time), 0);
}
