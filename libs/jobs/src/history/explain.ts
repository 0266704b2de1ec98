import { GranaryError, fieldReferences, named, parseKey, parseValue, resolveService, servedName, type EntityKey, type Expression, type Feature, type FeatureService, type FeatureValue, type FeatureView, type Instant, type JobOptions, type ResolvedService, type ResolvedView, type Snapshot, type Source, type Value, type ViewFeatures } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import { withEvents, type Horizon } from '../events/with-events.js';
import { findService } from '../named.js';
import { MOST_EVENTS, entityEvents, judgeEvents, judgeRequest, type Asked, type EntityEvent, type JudgedEvent, type JudgedRequest } from './entity-events.js';
import { NO_HORIZON, readHistory, type HistoryQuestion, type HistoryRow } from './feature-history.js';

/** A feature of a row, and all events of its entity: those that count for it, and why the others do not. */
export interface ExplainedFeature {
  /** As it is served, or would be: some are only read by derived features. */
  readonly name: string;
  readonly feature: Feature;
  readonly view: FeatureView;
  readonly source: Source;
  readonly key: EntityKey;
  /** From the same statement as a training set. */
  readonly served: FeatureValue;
  /** The request, which its window includes beside the events; null: it does not. */
  readonly request: JudgedRequest | null;
  /** The newest first. */
  readonly events: readonly JudgedEvent[];
  /** False: there are older events, which are not listed. */
  readonly complete: boolean;
}

export interface ExplainedDerived {
  readonly name: string;
  readonly served: FeatureValue;
  /** The features that it reads, by the names they are explained under. */
  readonly reads: readonly string[];
}

export interface Explanation {
  readonly service: string;
  readonly at: Instant;
  readonly asked: Readonly<Record<string, Value>>;
  readonly features: readonly ExplainedFeature[];
  readonly derived: readonly ExplainedDerived[];
}

export interface ExplainOptions extends Pick<JobOptions, 'signal'> {
  /** By name as served; with a derived feature come those that it reads. Default: all. */
  readonly features?: readonly string[] | undefined;
  readonly horizons?: ReadonlyMap<string, number> | undefined;
  readonly computedFrom?: ReadonlyMap<string, Horizon> | undefined;
  /** The row that `readHistory` gave for the same question. Left out, or where a derived feature reads what it does not have: it is read. */
  readonly row?: HistoryRow | undefined;
}

/** Throws MISSING_KEY, INVALID_KEY and INVALID_VALUE: keys and request fields of a service as someone wrote them. */
export function readAsked({ name, keys, request }: ResolvedService, given: Readonly<Record<string, unknown>>): Readonly<Record<string, Value>> {
  const unknown = Object.keys(given).find((each) => ![...keys, ...request].some((known) => known.name === each));
  if (unknown !== undefined) throw new GranaryError('INVALID_VALUE', `${name} has no key or request field ${unknown}`, { todo: `Give ${[...keys, ...request].map((each) => each.name).join(', ')}.` });
  const key = parseKey({ name, keys: [...keys] }, given);
  const fields = request.map((field) => {
    if (given[field.name] === undefined) throw new GranaryError('INVALID_VALUE', `${name} needs the request's ${field.name}`, { todo: `Give ${field.name}=….` });
    return [field.name, parseValue(field.type, given[field.name])] as const;
  });
  return { ...Object.fromEntries(keys.map((each, i) => [each.name, key[i]!])), ...Object.fromEntries(fields) };
}

/** The events behind the features of one row. Throws UNKNOWN_SERVICE, INVALID_VALUE for a feature that is not in it. */
export async function explainRow(store: OfflineStore, snapshot: Snapshot, serviceName: string, question: Pick<HistoryQuestion, 'values' | 'at'>, options: ExplainOptions = {}): Promise<Explanation> {
  const service = resolveService(snapshot, findService(snapshot, serviceName));
  const wanted = new Set(options.features ?? service.features.map(({ name }) => name));
  for (const name of wanted) {
    if (service.features.some((each) => each.name === name)) continue;
    throw new GranaryError('INVALID_VALUE', `${serviceName} has no feature ${name}`, { todo: `Name one of ${service.features.map((each) => each.name).join(', ')}.` });
  }
  const { horizons, computedFrom, row: given, signal } = options;
  const chosen = service.features.filter(({ name }) => wanted.has(name));
  const direct = chosen.flatMap((served) => (served.kind === 'aggregate' ? [served] : readsOf(service, served.expression)));
  const readWithHidden = async (): Promise<HistoryRow> => (await readHistory(store, withHidden(snapshot, findService(snapshot, serviceName)), serviceName, [{ ...question, horizons }], { computedFrom, signal }))[0]!;
  const row = given !== undefined && direct.every(({ name }) => given[name] !== undefined) ? given : await readWithHidden();
  const derived = chosen.flatMap((served): ExplainedDerived[] => (served.kind === 'derived' ? [{ name: served.name, served: row[served.name]!, reads: readsOf(service, served.expression).map(({ name }) => name) }] : []));
  const features: ExplainedFeature[] = [];
  for (const view of service.views) {
    const mine = [...new Map(direct.filter(({ of }) => of === view.id).map((each) => [each.name, each])).values()];
    if (mine.length === 0) continue;
    const asked: Asked = { key: view.keys.map(({ name }) => question.values[name]!), at: question.at, horizon: horizons?.get(view.id) ?? NO_HORIZON };
    const events = await eventsOf(store, snapshot, view, asked.key, computedFrom?.get(view.view.name), signal);
    for (const { name, feature } of mine) {
      features.push({ name, feature, view: view.view, source: view.source, key: asked.key, served: row[name]!, request: judgeRequest(view, feature, question.values), events: judgeEvents(view, feature, events, asked), complete: events.length < MOST_EVENTS });
    }
  }
  return { service: serviceName, at: question.at, asked: question.values, features, derived };
}

function eventsOf(store: OfflineStore, snapshot: Snapshot, view: ResolvedView, key: EntityKey, horizon: Horizon | undefined, signal: AbortSignal | undefined): Promise<readonly EntityEvent[]> {
  return withEvents(store, snapshot, [view.source], { horizon, signal }, ({ computed }) => entityEvents(store, view, key, { computed }, signal));
}

/** The features of views that a derived feature reads. */
function readsOf({ views }: ResolvedService, expression: Expression): readonly Read[] {
  return fieldReferences(expression).flatMap(({ of, name }) => {
    const view = views.find(({ id }) => id === of);
    return view === undefined ? [] : [{ name: nameOf(view, name), of: view.id, feature: named(view.features, name) }];
  });
}

interface Read {
  readonly name: string;
  readonly of: string;
  readonly feature: Feature;
}

function nameOf({ id, view }: ResolvedView, feature: string): string {
  return servedName(id === view.name ? undefined : id, feature);
}

/** The service with what only its derived features read among what it serves. */
function withHidden(snapshot: Snapshot, service: FeatureService): Snapshot {
  const { views, features } = resolveService(snapshot, service);
  const hidden = views.flatMap((each): ViewFeatures[] => {
    const names = each.features.map(({ name }) => name).filter((name) => !features.some((served) => served.name === nameOf(each, name)));
    const keys = Object.fromEntries(each.entity.keys.map((key, i) => [key.name, each.keys[i]!.name]));
    return names.length === 0 ? [] : [{ view: each.view.name, ...(each.id === each.view.name ? {} : { alias: each.id }), keys, features: names }];
  });
  return { ...snapshot, services: snapshot.services.map((each) => (each.name === service.name ? { ...each, views: [...each.views, ...hidden] } : each)) };
}
