import { randomUUID } from 'node:crypto';
import { GranaryError, type FeatureValue, type Instant, type Scorer as Declaration, type Value } from '@granary/contracts';
import { predict, type ScorerModel } from '@granary/models';
import type { FeatureReader } from '../features/feature-reader.js';

export interface Score {
  readonly scoreId: string;
  /** That the label is true, 0 … 1. */
  readonly probability: number;
  /** Entity keys and request fields, as they were read. */
  readonly keys: Readonly<Record<string, Value>>;
  /** The features that were used, with their states. */
  readonly features: Readonly<Record<string, FeatureValue>>;
}

export interface ScorerDependencies {
  /** Of the snapshot that the model was trained with: it keeps reading the features of that time. */
  readonly reader: FeatureReader;
  readonly model: ScorerModel;
}

/** One trained scorer, ready to answer. */
export class Scorer {
  readonly declaration: Declaration;
  readonly #reader: FeatureReader;
  readonly #model: ScorerModel;

  /** Throws UNKNOWN_SCORER when the model's snapshot has none of that name. */
  constructor(name: string, { reader, model }: ScorerDependencies) {
    const found = reader.snapshot.scorers.find((each) => each.name === name);
    if (found === undefined) {
      throw new GranaryError('UNKNOWN_SCORER', `There is no scorer ${name}`, {
        todo: `Name one of ${reader.snapshot.scorers.map((each) => each.name).join(', ') || '(none is declared)'}.`,
      });
    }
    this.declaration = found;
    this.#reader = reader;
    this.#model = model;
  }

  /**
   * Scores one request, given by entity keys and request fields, as of `at` (default: now).
   * Throws MISSING_KEY, INVALID_KEY, INVALID_VALUE, STORE_UNAVAILABLE.
   */
  async score(request: Readonly<Record<string, unknown>>, at?: Instant): Promise<Score> {
    const [row] = await this.#reader.rows(this.declaration.service, [request], { at });
    const { keys, values: features } = row!;
    const { inputs, classifier } = this.#model;
    const data = new Float32Array(inputs.length);
    const mask = new Uint8Array(inputs.length);
    inputs.forEach((name, i) => {
      const value = features[name] === undefined ? keys[name] : features[name].value;
      if (value === null || value === undefined) return;
      data[i] = Number(value);
      mask[i] = 1;
    });
    return { scoreId: randomUUID(), probability: predict(classifier, data, mask)[0]!, keys, features };
  }
}
