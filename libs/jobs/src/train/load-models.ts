import { initTensorflow, loadRecommender, loadScorer, type ArtifactStore, type RecommenderModel, type ScorerModel } from '@granary/models';
import type { OfflineStore } from '@granary/offline-store';
import { listModels, type ModelVersion } from './model-registry.js';

export interface LoadedModel<M> {
  readonly version: ModelVersion;
  readonly model: M;
}

/** The newest versions of the models that are trained, by name. */
export interface LoadedModels {
  readonly recommenders: ReadonlyMap<string, LoadedModel<RecommenderModel>>;
  readonly scorers: ReadonlyMap<string, LoadedModel<ScorerModel>>;
}

/** Loads what is trained of the named models. Throws FILE_NOT_FOUND, ARTIFACT_CORRUPT. */
export async function loadModels(store: OfflineStore, artifacts: ArtifactStore, names: { readonly recommenders: readonly string[]; readonly scorers: readonly string[] }): Promise<LoadedModels> {
  const versions = new Map((await listModels(store)).map((version) => [version.name, version]));
  await initTensorflow();
  const load = async <M>(wanted: readonly string[], read: (files: Awaited<ReturnType<ArtifactStore['get']>>) => Promise<M>): Promise<Map<string, LoadedModel<M>>> => {
    const loaded = new Map<string, LoadedModel<M>>();
    for (const name of wanted) {
      const version = versions.get(name);
      if (version !== undefined) loaded.set(name, { version, model: await read(await artifacts.get(version.artifact)) });
    }
    return loaded;
  };
  return { recommenders: await load(names.recommenders, loadRecommender), scorers: await load(names.scorers, loadScorer) };
}
