import { filesIn, nestFiles, packFiles, unpackFiles, type Files } from '../artifacts/files.js';
import { loadClassifier, saveClassifier } from '../artifacts/model-files.js';
import type { ClassifierModel } from './classifier.js';

/** A classifier with the names of its inputs, in order: request fields and features. */
export interface ScorerModel {
  readonly kind: 'scorer';
  readonly inputs: readonly string[];
  readonly classifier: ClassifierModel;
}

export async function saveScorer({ kind, inputs, classifier }: ScorerModel): Promise<Record<string, Uint8Array>> {
  return { ...packFiles({ kind, inputs }), ...nestFiles('classifier', await saveClassifier(classifier)) };
}

/** Needs `initTensorflow()` first. Throws ARTIFACT_CORRUPT. */
export async function loadScorer(files: Files): Promise<ScorerModel> {
  const { header } = unpackFiles(files, 'scorer');
  return Object.freeze({ kind: 'scorer', inputs: header['inputs'] as string[], classifier: await loadClassifier(filesIn('classifier', files)) });
}
