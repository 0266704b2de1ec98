import { corrupt, filesIn, nestFiles, packFiles, readSaved, textsOf, unpackFiles, type Files } from '../artifacts/files.js';
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
  return readSaved('scorer', async () => {
    const inputs = textsOf(unpackFiles(files, 'scorer'), 'scorer', 'inputs');
    const classifier = await loadClassifier(filesIn('classifier', files));
    const width = classifier.encoding.columns.length;
    if (inputs.length !== width) throw corrupt('scorer', `it names ${inputs.length} inputs and has ${width}`);
    return Object.freeze({ kind: 'scorer', inputs, classifier });
  });
}
