import { randomUUID } from 'node:crypto';
import { GranaryError, named, parseInstant, type FeatureValue, type Instant, type Scorer as Declaration, type Snapshot, type Value } from '@granary/contracts';
import { inputNumber, predict, type ScorerModel } from '@granary/models';
import type { FeatureReader, FeatureRow } from '../features/feature-reader.js';
import type { FeatureRequest } from '../features/request.js';

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

/**
 * The request field that is the time of a scored request: the one named as the event time of the training examples.
 * Null: the service has none, and the time is said beside the request.
 */
export function requestTimeField(snapshot: Snapshot, { service, events }: Declaration): string | null {
  const { eventTime } = named(snapshot.sources, events);
  return named(snapshot.services, service).request.find(({ name, type }) => name === eventTime && type.kind === 'timestamp')?.name ?? null;
}

/** One trained scorer, ready to answer. */
export class Scorer {
  readonly declaration: Declaration;
  readonly #reader: FeatureReader;
  readonly #model: ScorerModel;
  readonly #timeField: string | null;

  /** Throws UNKNOWN_SCORER when the model's snapshot has none of that name, SCHEMA_MISMATCH for a model of other inputs. */
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
    this.#timeField = requestTimeField(reader.snapshot, found);
    const { service, columns } = reader.plan(found.service);
    const known = new Set([...service.request.map((field) => field.name), ...columns]);
    const unknown = model.inputs.filter((input) => !known.has(input));
    if (unknown.length > 0) {
      throw new GranaryError('SCHEMA_MISMATCH', `The model of ${name} was trained with ${unknown.join(', ')}, which its feature service has not`, {
        todo: `Serve it with the snapshot that it was trained with, or run granary train ${name}.`,
      });
    }
  }

  /**
   * Scores one request, given by entity keys and request fields, as of `at` (default: the request's own time where it has
   * a field for it, else now).
   * Throws MISSING_KEY, INVALID_KEY, INVALID_VALUE, STORE_UNAVAILABLE.
   */
  async score(request: FeatureRequest, at?: Instant): Promise<Score> {
    const [row] = await this.#rows(request, at);
    const { keys, values: features } = row!;
    const { inputs, classifier } = this.#model;
    const data = new Float32Array(inputs.length);
    const mask = new Uint8Array(inputs.length);
    inputs.forEach((name, i) => {
      const value = features[name] === undefined ? keys[name] : features[name].value;
      if (value === null || value === undefined) return;
      data[i] = inputNumber(value);
      mask[i] = 1;
    });
    return { scoreId: randomUUID(), probability: predict(classifier, data, mask)[0]!, keys, features };
  }

  #rows(request: FeatureRequest, given: Instant | undefined): Promise<FeatureRow[]> {
    const field = this.#timeField;
    const { service } = this.declaration;
    if (field === null) return this.#reader.rows(service, [request], { at: given });
    const at = given ?? (request[field] == null ? this.#reader.now() : parseInstant(request[field]));
    return this.#reader.rows(service, [{ ...request, [field]: at }], { at });
  }
}
