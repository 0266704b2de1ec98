import { compileFinish, emptyParts, representView, type FeatureRepresentation, type ViewRepresentation } from '@granary/aggregates';
import { GranaryError, fieldsRead, named, isNumeric, resolveService, type Entity, type EntityKey, type Feature, type FeatureValue, type FieldType, type ResolvedService, type ResolvedView, type Snapshot, type Source, type Value, type VersionedView } from '@granary/contracts';
import { createStateCodec, rowKeys, type StateCodec } from '@granary/online-store';
import { planDerived, type PlannedDerived } from './derived.js';
import { planMatrix, type MatrixPlan } from './matrix-plan.js';
import { planEvaluation, type PlannedEvaluation } from './planned-evaluation.js';
import { rowShape } from './row-shape.js';

/** A thing that a request names: an entity, with its keys under the names that the asker gives them. */
export type Subject = Pick<Entity, 'name' | 'keys'>;

/** One feature of a view: how it is kept, and where its parts stand in a base's row. */
export interface PlannedFeature extends Pick<FeatureRepresentation, 'feature' | 'kept' | 'parts' | 'at'> {
  readonly includesRequest: boolean;
  /** Its value from its parts, see `finish`. */
  readonly finish: ReturnType<typeof compileFinish>;
  /** Its value where nothing is counted. */
  readonly whenEmpty: Value | null;
}

/** One view of a service: how its rows are found and read. */
export interface PlannedView {
  readonly id: string;
  readonly view: VersionedView;
  readonly source: Source;
  /** Position in the plan's subjects. */
  readonly subject: number;
  readonly keyOf: (key: EntityKey) => string;
  readonly codec: StateCodec;
  readonly representation: ViewRepresentation;
  /** Those that are served, then those that only derived features read. */
  readonly features: readonly PlannedFeature[];
  /** Of all of them. */
  readonly evaluation: PlannedEvaluation;
  readonly includesRequest: boolean;
  /** Whether all are `latest`. */
  readonly latestOnly: boolean;
}

/** One feature of a service's row. */
export type PlannedOutput = {
  /** What it is served as. */
  readonly name: string;
  /** Its column in the service's matrix; null: it is no number. */
  readonly column: number | null;
} & ({ readonly kind: 'aggregate'; readonly at: FeaturePlace; readonly includesRequest: boolean } | { readonly kind: 'derived'; readonly derived: PlannedDerived });

/** A feature of a view, by positions: of the view in the plan, of the feature in the view. */
export interface FeaturePlace {
  readonly view: number;
  readonly feature: number;
}

/** All about a service that does not depend on a request; made once. */
export interface ServicePlan {
  readonly service: ResolvedService;
  /** What a request's row is made of: the service's request fields, and those of its keys that windows with the request read. */
  readonly given: ResolvedService['request'];
  /** Each once, in the order of their first view. */
  readonly subjects: readonly Subject[];
  readonly views: readonly PlannedView[];
  /** The row, in order. */
  readonly outputs: readonly PlannedOutput[];
  /** The row of values in the order of `outputs`, by name. */
  readonly row: (values: readonly FeatureValue[]) => Readonly<Record<string, FeatureValue>>;
  /** The features that are numbers or bools: the columns of a matrix. Timestamps, texts, arrays and maps are no columns. */
  readonly columns: readonly string[];
  readonly matrix: MatrixPlan;
}

/**
 * The plan of a service of any snapshot, an old one too: rows are found by the versions of that snapshot's own views.
 * `project` is the first part of every online key. Throws UNKNOWN_SERVICE.
 */
export function planService(snapshot: Snapshot, serviceName: string, project: string): ServicePlan {
  const declared = snapshot.services.find((each) => each.name === serviceName);
  if (declared === undefined) throw unknownService(serviceName, snapshot.services.map((each) => each.name));
  const service = resolveService(snapshot, declared);
  const subjects = new Map<string, Subject>();
  const views = service.views.map((resolved): PlannedView => {
    const subject: Subject = { name: resolved.entity.name, keys: [...resolved.keys] };
    const id = JSON.stringify([subject.name, subject.keys.map((key) => key.name)]);
    if (!subjects.has(id)) subjects.set(id, subject);
    return planView(resolved, [...subjects.keys()].indexOf(id), project);
  });

  const placeOf = (of: string, name: string): FeaturePlace => {
    const view = views.findIndex((each) => each.id === of);
    return { view, feature: views[view]!.features.findIndex(({ feature }) => feature.name === name) };
  };
  const columns: string[] = [];
  const outputs = service.features.map((served): PlannedOutput => {
    const column = isColumn(served.type) ? columns.push(served.name) - 1 : null;
    return served.kind === 'aggregate'
      ? { kind: 'aggregate', name: served.name, column, at: placeOf(served.of, served.feature.name), includesRequest: includesRequest(served.feature) }
      : { kind: 'derived', name: served.name, column, derived: planDerived(served.expression, service, views, placeOf) };
  });
  return { service, given: [...service.request, ...keysRead(service)], subjects: [...subjects.values()], views, outputs, row: rowShape(outputs.map(({ name }) => name)), columns, matrix: planMatrix(views, outputs) };
}

function planView({ id, view, entity, source, features: used }: ResolvedView, subject: number, project: string): PlannedView {
  const representation = representView(view, source);
  const byName = representation.features.map((each) => ({ name: each.feature.name, ...each }));
  const features = used.map((feature): PlannedFeature => {
    const finish = compileFinish(feature);
    const { kept, parts, at } = named(byName, feature.name);
    return { feature, kept, parts, at, includesRequest: includesRequest(feature), finish, whenEmpty: finish(emptyParts(feature), 0) };
  });
  return {
    id,
    view,
    source,
    subject,
    keyOf: rowKeys(project, entity, view.name, view.version),
    codec: createStateCodec(representation, view.version),
    representation,
    features,
    evaluation: planEvaluation(representation, features, features.map((_, i) => i)),
    includesRequest: features.some((each) => each.includesRequest),
    latestOnly: features.every(({ feature }) => feature.aggregate.fn === 'latest'),
  };
}

function includesRequest({ aggregate }: Feature): boolean {
  return aggregate.window?.includeRequest === true;
}

/** The keys of other views that windows with the request take from it: a view's own are in its key. */
function keysRead({ keys, views }: ResolvedService): ResolvedService['keys'] {
  const read = new Set(views.flatMap(({ view, features }) => features.filter(includesRequest).flatMap(({ aggregate }) => fieldsRead(aggregate).filter((name) => !view.keyFields.includes(name)))));
  return keys.filter(({ name }) => read.has(name));
}

function isColumn(type: FieldType): boolean {
  return type.kind === 'bool' || isNumeric(type);
}

export function unknownService(name: string, known: readonly string[]): GranaryError {
  return new GranaryError('UNKNOWN_SERVICE', `There is no feature service "${name}"`, {
    todo: known.length === 0 ? 'Declare one with featureService and apply it.' : `Use one of: ${known.join(', ')}.`,
    details: { service: name, known },
  });
}
