import { randomUUID } from 'node:crypto';
import { GranaryError, isGranaryError, named, parseKey, toJson, type Entity, type EntityKey, type Generator, type Recommender as Declaration, type Snapshot, type Value } from '@granary/contracts';
import { PER_GENERATOR, indexOf, rank, retrieve, rowOf, type CandidateGenerator, type RecommenderModel, type Retrieved } from '@granary/models';
import type { FeatureReader } from '../features/feature-reader.js';

/** Where a recommendation came from, and why. */
export interface Reason {
  readonly source: Generator['kind'];
  /** The item of the user's history that speaks most for it; null where history plays no part. */
  readonly because: Readonly<Record<string, Value>> | null;
  readonly text: string;
}

export interface Recommendation {
  /** The item's keys. */
  readonly item: Readonly<Record<string, Value>>;
  /** Comparable within one list only. */
  readonly score: number;
  readonly reason: Reason;
}

export interface Recommendations {
  readonly recommendationId: string;
  readonly items: readonly Recommendation[];
  /** What could not be done and what was done instead; empty when all went well. */
  readonly degraded: readonly string[];
  /** What the model knows of the users goes up to this instant, epoch ms. */
  readonly modelAsOf: number;
}

export interface RecommenderDependencies {
  /** The snapshot that the model was trained with: it keeps reading the features of that time. */
  readonly reader: FeatureReader;
  readonly model: RecommenderModel;
}

/** The most that can be asked for at once. */
export const MAX_ITEMS = 100;

/** One trained recommender, ready to answer. */
export class Recommender {
  readonly declaration: Declaration;
  readonly user: Entity;
  readonly item: Entity;
  readonly #reader: FeatureReader;
  readonly #model: RecommenderModel;
  /** By position in the model's items; each made when it is first recommended or ranked. */
  readonly #itemKeys: (Readonly<Record<string, Value>> | undefined)[];

  /** Throws UNKNOWN_RECOMMENDER when the model's snapshot has none of that name, SCHEMA_MISMATCH for a model of other features. */
  constructor(name: string, { reader, model }: RecommenderDependencies) {
    const { snapshot } = reader;
    this.declaration = declarationOf(snapshot, name);
    this.user = named(snapshot.entities, this.declaration.user);
    this.item = named(snapshot.entities, this.declaration.item);
    this.#reader = reader;
    this.#model = model;
    this.#itemKeys = new Array<Readonly<Record<string, Value>> | undefined>(model.items.keys.length);
    if (model.ranker === null || this.declaration.ranker === null) return;
    const { columns } = reader.plan(this.declaration.ranker);
    if (columns.join() !== model.featureNames.join()) throw otherFeatures(name, model.featureNames, columns);
  }

  /**
   * The best `first` items for a user, given by key; fewer when there are no more. Someone without history gets what is
   * trending. Without features the order is that of the ranker's best generator, without a ranker that of fused ranks.
   * Throws MISSING_KEY, INVALID_KEY, INVALID_VALUE.
   */
  async recommend(request: Readonly<Record<string, unknown>>, first: number): Promise<Recommendations> {
    checkCount(first);
    const { users, history, generators } = this.#model;
    const key = parseKey(this.user, request);
    const user = indexOf(users, idOf(key));
    if (user < 0) return this.#trendingInstead(first, `this ${this.user.name} has no history: trending instead`);
    const seen = rowOf(history, user);
    const exclude = this.declaration.rules.some((rule) => rule.kind === 'notSeen') ? seen : [];
    const retrieved = retrieve(generators, seen, exclude, Math.max(PER_GENERATOR, first));
    const degraded: string[] = [];
    const scores = await this.#rank(namedKeys(this.user, idOf(key)), retrieved, degraded);
    return this.#answer(generators, retrieved, scores, first, degraded);
  }

  /**
   * Items that the users of an item chose too, best first; what is trending for an item that the model does not know.
   * Throws MISSING_KEY, INVALID_KEY, INVALID_VALUE.
   */
  similar(request: Readonly<Record<string, unknown>>, first: number): Recommendations {
    checkCount(first);
    const item = indexOf(this.#model.items, idOf(parseKey(this.item, request)));
    if (item < 0) return this.#trendingInstead(first, `the model does not know this ${this.item.name}: trending instead`);
    const generators = this.#model.generators.filter((generator) => generator.kind !== 'trending').slice(0, 1);
    if (generators.length === 0) return this.#trendingInstead(first, 'no generator of similar items is declared: trending instead', [item]);
    const retrieved = retrieve(generators, [item], [item], first);
    if (retrieved.items.length === 0) return this.#trendingInstead(first, `nobody chose this ${this.item.name} with another: trending instead`, [item]);
    return this.#answer(generators, retrieved, Float32Array.from(retrieved.found, ({ score }) => score), first, []);
  }

  /** What is trending, for everyone. Throws INVALID_VALUE. */
  trending(first: number): Recommendations {
    checkCount(first);
    return this.#trending(first, []);
  }

  #trending(first: number, exclude: readonly number[]): Recommendations {
    const generators = this.#model.generators.filter((generator) => generator.kind === 'trending');
    const degraded = generators.length === 0 ? ['no trending generator is declared'] : [];
    const retrieved = retrieve(generators.slice(0, 1), [], exclude, first);
    return this.#answer(generators, retrieved, Float32Array.from(retrieved.found, ({ score }) => score), first, degraded);
  }

  #trendingInstead(first: number, why: string, exclude: readonly number[] = []): Recommendations {
    const trending = this.#trending(first, exclude);
    return { ...trending, degraded: [why, ...trending.degraded] };
  }

  /** The ranker's scores; without a ranker the fused ones, without features those of the ranker's best generator. */
  async #rank(user: Readonly<Record<string, Value>>, retrieved: Retrieved, degraded: string[]): Promise<Float32Array> {
    const { ranker } = this.#model;
    const service = this.declaration.ranker;
    if (ranker === null || service === null || retrieved.items.length === 0) return Float32Array.from(retrieved.found, ({ fused }) => fused);
    const candidates = Array.from(retrieved.items, (item) => this.#keysOfItem(item));
    try {
      const { data, mask } = await this.#reader.matrix(service, user, candidates);
      return rank(ranker, { features: data, mask, retrieval: retrieved.scores }, candidates.length);
    } catch (error) {
      if (!isGranaryError(error, 'STORE_UNAVAILABLE') && !isGranaryError(error, 'NOT_MATERIALISED')) throw error;
      degraded.push('features are unavailable: in the order of the best generator');
      const none = candidates.length * ranker.encoding.columns.length;
      return rank({ ...ranker, weight: 0 }, { features: new Float32Array(none), mask: new Uint8Array(none), retrieval: retrieved.scores }, candidates.length);
    }
  }

  /** The first of what was retrieved, by score. */
  #answer(generators: readonly CandidateGenerator[], retrieved: Retrieved, scores: Float32Array, first: number, degraded: readonly string[]): Recommendations {
    // The sort is stable: equal scores stay in the order of retrieval.
    const order = retrieved.found.map((candidate, i) => ({ candidate, score: scores[i]! })).sort((a, b) => b.score - a.score);
    const items = order.slice(0, first).map(({ candidate, score }) => ({
      item: this.#keysOfItem(candidate.item),
      score,
      reason: this.#reason(generators[candidate.generator]!.kind, candidate.because),
    }));
    return { recommendationId: randomUUID(), items, degraded, modelAsOf: this.#model.asOf };
  }

  #keysOfItem(item: number): Readonly<Record<string, Value>> {
    return (this.#itemKeys[item] ??= namedKeys(this.item, this.#model.items.keys[item]!));
  }

  #reason(source: Generator['kind'], because: number | undefined): Reason {
    if (because === undefined) return { source, because: null, text: 'trending now' };
    const keys = this.#keysOfItem(because);
    const named = this.item.keys.map((key) => `${key.name} ${String(toJson(key.type, keys[key.name]!))}`).join(', ');
    return { source, because: keys, text: `chosen by those who chose ${named}` };
  }
}

/** The value by which a model names an entity: its key, or its keys together. */
function idOf(key: EntityKey): Value {
  return key.length === 1 ? key[0]! : (key as Value);
}

function namedKeys(entity: Entity, id: Value): Readonly<Record<string, Value>> {
  const keys = entity.keys.length === 1 ? [id] : (id as readonly Value[]);
  return Object.fromEntries(entity.keys.map((key, i) => [key.name, keys[i]!]));
}

function otherFeatures(name: string, trainedOn: readonly string[], served: readonly string[]): GranaryError {
  return new GranaryError('SCHEMA_MISMATCH', `The model of ${name} was trained on ${trainedOn.join(', ')}; its feature service has ${served.join(', ')}`, {
    todo: `Serve it with the snapshot that it was trained with, or run granary train ${name}.`,
  });
}

function checkCount(first: number): void {
  if (Number.isInteger(first) && first >= 1 && first <= MAX_ITEMS) return;
  throw new GranaryError('INVALID_VALUE', `first is ${first}`, { todo: `Ask for 1 to ${MAX_ITEMS} items.` });
}

function declarationOf(snapshot: Snapshot, name: string): Declaration {
  const found = snapshot.recommenders.find((each) => each.name === name);
  if (found !== undefined) return found;
  throw new GranaryError('UNKNOWN_RECOMMENDER', `There is no recommender ${name}`, {
    todo: `Name one of ${snapshot.recommenders.map((each) => each.name).join(', ') || '(none is declared)'}.`,
  });
}
