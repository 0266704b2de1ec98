import { GranaryError, isGranaryError, type EntityKey, type FeatureValue, type Instant, type Snapshot, type Value } from '@granary/contracts';
import { readWatermark, type OnlineStore } from '@granary/online-store';
import type { ServingLog } from '../log/serving-log.js';
import { derivedValue } from './derived.js';
import { featureValue, type ViewValues } from './evaluate.js';
import { KnownWatermarks, type Watermarks } from './known-watermarks.js';
import { readMatrix, type FeatureMatrix } from './matrix.js';
import { planService, unknownService, type ServicePlan } from './plan.js';
import { assertFewEnough, parseRequest, readEach, type FeatureRequest } from './request.js';
import { distinctEntities, fetchRows, keysOfRows, rowsFrom } from './row-fetch.js';
import { matrixOfRows } from './rows-matrix.js';
import { viewReads } from './view-reads.js';

/** Answers what the online rows can't: a service's rows as of any instant, from the stored events. */
export interface FeatureHistory {
  /** `asked`: keys and request fields by name, of their types. A row each, in their order. */
  rows(snapshot: Snapshot, serviceName: string, asked: readonly Readonly<Record<string, Value>>[], at: Instant): Promise<readonly Readonly<Record<string, FeatureValue>>[]>;
}

export interface FeatureReaderOptions {
  /** The first part of every online key: the one that materialise was given. */
  readonly project: string;
  /** Epoch milliseconds; what a read without `at` is as of. Default: the clock. */
  readonly now?: () => Instant;
  /** Rows or candidates in one call. Default 1,000. */
  readonly maxEntities?: number;
  /** Default: none, and a read of the past throws PAST_NOT_ONLINE. */
  readonly history?: FeatureHistory | undefined;
  /** Default: nothing is logged. */
  readonly log?: ServingLog | undefined;
}

export interface ReadOptions {
  /**
   * The instant that everything is as of: windows and TTLs count back from it, and it is the time of the request. Default: now.
   * Where it is earlier than what an online row can answer, the history does, or without one the read throws PAST_NOT_ONLINE.
   */
  readonly at?: Instant | undefined;
}

export interface FeatureRow {
  /** Entity keys and request fields, parsed. */
  readonly keys: Readonly<Record<string, Value>>;
  /** Every feature of the service by name. */
  readonly values: Readonly<Record<string, FeatureValue>>;
}

export interface ViewFreshness {
  readonly view: string;
  readonly version: string;
  /** The instant that the view's online rows are as of; null: never materialised. */
  readonly asOf: Instant | null;
  readonly rows: number;
}

/** Reads the features of a snapshot's services from the online store. */
export class FeatureReader {
  readonly snapshot: Snapshot;
  readonly #store: OnlineStore;
  readonly #plans: ReadonlyMap<string, ServicePlan>;
  readonly #project: string;
  /** What a read without `at` is as of. */
  readonly now: () => Instant;
  readonly #maxEntities: number;
  readonly #history: FeatureHistory | undefined;
  readonly #log: ServingLog | undefined;
  readonly #watermarks: KnownWatermarks;

  constructor(snapshot: Snapshot, store: OnlineStore, { project, now = Date.now, maxEntities = 1_000, history, log }: FeatureReaderOptions) {
    this.snapshot = snapshot;
    this.#store = store;
    this.#project = project;
    this.now = now;
    this.#maxEntities = maxEntities;
    this.#history = history;
    this.#log = log;
    this.#watermarks = new KnownWatermarks(store, project, snapshot.views);
    this.#plans = new Map(snapshot.services.map(({ name }) => [name, planService(snapshot, name, project)]));
  }

  /** Throws UNKNOWN_SERVICE. */
  plan(serviceName: string): ServicePlan {
    const plan = this.#plans.get(serviceName);
    if (plan === undefined) throw unknownService(serviceName, [...this.#plans.keys()]);
    return plan;
  }

  /**
   * One row for each request, in their order, with one read of the store; rows that several requests need are read once.
   * What the online rows can't answer because `at` is too far back, the history does. Throws UNKNOWN_SERVICE, MISSING_KEY,
   * INVALID_KEY, INVALID_VALUE, TOO_MANY_ENTITIES, PAST_NOT_ONLINE (without a history), NOT_MATERIALISED and
   * STORE_UNAVAILABLE.
   */
  async rows(serviceName: string, requests: readonly FeatureRequest[], { at = this.now() }: ReadOptions = {}): Promise<FeatureRow[]> {
    const plan = this.plan(serviceName);
    assertFewEnough(requests.length, this.#maxEntities);
    try {
      return await this.#onlineRows(plan, requests, at);
    } catch (error) {
      return this.#pastRows(this.#historyAfter(error), plan, requests, at);
    }
  }

  /** What answers a read that has failed with this error. Throws the error where nothing can. */
  #historyAfter(error: unknown): FeatureHistory {
    if (this.#history === undefined || !isGranaryError(error, 'PAST_NOT_ONLINE')) throw error;
    return this.#history;
  }

  async #pastRows(history: FeatureHistory, plan: ServicePlan, requests: readonly FeatureRequest[], at: Instant): Promise<FeatureRow[]> {
    const asked = readEach(requests, (request) => parseRequest(plan, request)).map(({ keys, fields }) => namedKeys(plan, keys, fields));
    const rows = await history.rows(this.snapshot, plan.service.name, asked, at);
    return rows.map((values, i) => ({ keys: asked[i]!, values }));
  }

  /** How far the plan's views are online. Null: they must be looked at, or one is not: its rows, if it has any, are of a part of its events. */
  #known({ views }: ServicePlan, watermarks = this.#watermarks.current()): Watermarks | null {
    if (watermarks !== null) for (let i = 0; i < views.length; i++) if (!watermarks.has(views[i]!.view.name)) return null;
    return watermarks;
  }

  /** Throws NOT_MATERIALISED and STORE_UNAVAILABLE. */
  async #assertOnline(plan: ServicePlan): Promise<Watermarks> {
    const found = await this.#watermarks.read();
    const watermarks = this.#known(plan, found);
    if (watermarks !== null) return watermarks;
    const views = [...new Set(plan.views.map(({ view }) => view.name))].filter((name) => !found.has(name));
    throw new GranaryError('NOT_MATERIALISED', `${views.join(', ')} of ${plan.service.name} ${views.length === 1 ? 'is' : 'are'} not online: never materialised, or lost with what the online store held`, {
      todo: 'Materialise: granary materialise. Where events are published, this happens by itself.',
      details: { views },
    });
  }

  async #onlineRows(plan: ServicePlan, requests: readonly FeatureRequest[], at: Instant): Promise<FeatureRow[]> {
    const entities = plan.subjects.map(distinctEntities);
    const wanted = readEach(requests, (request) => {
      const { keys, fields } = parseRequest(plan, request);
      return { keys, fields, slots: keys.map((key, subject) => entities[subject]!.slotOf(key)) };
    });
    const watermarks = this.#known(plan) ?? (await this.#assertOnline(plan));
    const { keys: wantedKeys, firsts } = keysOfRows(plan.views, entities);
    const rows = await fetchRows(this.#store, wantedKeys);
    const reads = plan.views.map((planned, v) => viewReads(planned, planned.evaluation, rowsFrom(rows, firsts[v]!), at, false));

    return wanted.map(({ keys, fields, slots }) => {
      const views = reads.map((read, v) => read.valuesOf(slots[plan.views[v]!.subject]!, keys[plan.views[v]!.subject]!, fields));
      const row = { keys: namedKeys(plan, keys, fields), values: plan.row(outputValues(plan, views, fields)) };
      if (this.#log?.samples() === true) this.#note(this.#log, plan, row, at, plan.views.map(({ id, view }, v) => [id, Math.max(reads[v]!.horizonOf(slots[plan.views[v]!.subject]!), watermarks.get(view.name)!)]));
      return row;
    });
  }

  #note(log: ServingLog, plan: ServicePlan, { keys, values }: FeatureRow, at: Instant, horizons: readonly (readonly [view: string, horizon: number])[]): void {
    log.note({ servedAt: Date.now(), service: plan.service.name, snapshot: this.snapshot.id, asOf: at, asked: keys, values, horizons: Object.fromEntries(horizons) });
  }

  /**
   * The service's numbers for n candidates of one request, ready for a model: `shared` holds the keys and request fields
   * that all candidates have in common (the user), each candidate the rest (the item). What `shared` names is taken from
   * there. Values and presence are those of `rows`, rounded to float32. Throws what `rows` throws.
   */
  async matrix(serviceName: string, shared: FeatureRequest, candidates: readonly FeatureRequest[], { at = this.now() }: ReadOptions = {}): Promise<FeatureMatrix> {
    const plan = this.plan(serviceName);
    assertFewEnough(candidates.length, this.#maxEntities);
    try {
      return await readMatrix(plan, { readInPlace: (keys) => (this.#known(plan) === null ? this.#assertOnline(plan).then(() => this.#store.readInPlace(keys)) : this.#store.readInPlace(keys)) }, shared, candidates, at);
    } catch (error) {
      return matrixOfRows(plan, await this.#pastRows(this.#historyAfter(error), plan, candidates.map((candidate) => ({ ...candidate, ...shared })), at));
    }
  }

  /** How far each view of the snapshot is materialised. */
  async freshness(): Promise<ViewFreshness[]> {
    return Promise.all(
      this.snapshot.views.map(async (view) => {
        const watermark = await readWatermark(this.#store, this.#project, view);
        return { view: view.name, version: view.version, asOf: watermark?.asOf ?? null, rows: watermark?.rows ?? 0 };
      }),
    );
  }

  /** Throws STORE_UNAVAILABLE. */
  async ping(): Promise<void> {
    await this.#store.ping();
  }
}

function outputValues({ outputs }: ServicePlan, views: readonly ViewValues[], fields: Readonly<Record<string, Value>>): readonly FeatureValue[] {
  const values = new Array<FeatureValue>(outputs.length);
  for (let i = 0; i < outputs.length; i++) {
    const output = outputs[i]!;
    values[i] = output.kind === 'derived' ? derivedValue(output.derived, views, fields) : featureValue(output.includesRequest, views[output.at.view]!, output.at.feature);
  }
  return values;
}

function namedKeys(plan: ServicePlan, keys: readonly EntityKey[], fields: Readonly<Record<string, Value>>): Record<string, Value> {
  const named: Record<string, Value> = { ...fields };
  plan.subjects.forEach((subject, s) => subject.keys.forEach((key, k) => (named[key.name] = keys[s]![k]!)));
  return named;
}
