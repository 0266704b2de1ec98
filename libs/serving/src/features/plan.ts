import { viewParts } from '@granary/aggregates';
import { BACKFILL, GranaryError, isNumeric, type Entity, type EntityKey, type Feature, type FeatureService, type Key, type Snapshot, type VersionedView } from '@granary/contracts';
import { createRowCodec, rowKeys, viewRowSchema, type RowCodec } from '@granary/online-store';

/** One feature of a service: where its parts stand in a stored row. */
export interface PlannedFeature {
  readonly feature: Feature;
  /** Position of its first part in the row's values. */
  readonly offset: number;
  readonly parts: number;
  readonly includesRequest: boolean;
  /** Its column in the service's matrix; null: it is no number. */
  readonly column: number | null;
}

/** One view of a service: how its rows are found and read. */
export interface PlannedView {
  readonly view: VersionedView;
  /** Position in the plan's entities. */
  readonly entity: number;
  readonly keyOf: (key: EntityKey) => string;
  readonly codec: RowCodec;
  /** Position of the entity's newest event time in the row's values. */
  readonly eventTime: number;
  readonly features: readonly PlannedFeature[];
  readonly includesRequest: boolean;
}

/** All about a service that does not depend on a request; made once. */
export interface ServicePlan {
  readonly service: FeatureService;
  /** Each once, in the order of their first view. */
  readonly entities: readonly Entity[];
  /** The keys of all entities, each name once. */
  readonly keys: readonly Key[];
  readonly views: readonly PlannedView[];
  /** The features that are numbers or bools: the columns of a matrix. Timestamps, texts and arrays are no columns. */
  readonly columns: readonly string[];
}

/**
 * The plan of a service of any snapshot, an old one too: rows are found by the versions of that snapshot's own views.
 * `project` is the first part of every online key. Throws UNKNOWN_SERVICE.
 */
export function planService(snapshot: Snapshot, serviceName: string, project: string): ServicePlan {
  const service = snapshot.services.find((each) => each.name === serviceName);
  if (service === undefined) throw unknownService(serviceName, snapshot.services.map((each) => each.name));
  const used = service.views.map((use) => ({ view: find(snapshot.views, use.view), names: use.features }));
  const entities = [...new Set(used.map(({ view }) => view.entity))].map((name) => find(snapshot.entities, name));
  const columns: string[] = [];
  const views = used.map(({ view, names }): PlannedView => {
    const codec = createRowCodec(viewRowSchema(view));
    const positions = new Map(codec.schema.columns.map((column, i) => [column.name, i]));
    const features = names.map((name): PlannedFeature => {
      const feature = find(view.features, name);
      const parts = viewParts({ features: [feature] });
      const number = feature.type.kind === 'bool' || isNumeric(feature.type);
      return {
        feature,
        offset: positions.get(parts[0]!.name)!,
        parts: parts.length,
        includesRequest: feature.aggregate.window?.includeRequest === true,
        column: number ? columns.push(name) - 1 : null,
      };
    });
    const entity = entities.findIndex((each) => each.name === view.entity);
    return {
      view,
      entity,
      keyOf: rowKeys(project, entities[entity]!, view.name, view.version),
      codec,
      eventTime: positions.get(BACKFILL.eventTime)!,
      features,
      includesRequest: features.some((each) => each.includesRequest),
    };
  });
  const keys = [...new Map(entities.flatMap((entity) => entity.keys).map((key) => [key.name, key])).values()];
  return { service, entities, keys, views, columns };
}

export function unknownService(name: string, known: readonly string[]): GranaryError {
  return new GranaryError('UNKNOWN_SERVICE', `There is no feature service "${name}"`, {
    todo: known.length === 0 ? 'Declare one with featureService and apply it.' : `Use one of: ${known.join(', ')}.`,
    details: { service: name, known },
  });
}

function find<T extends { readonly name: string }>(items: readonly T[], name: string): T {
  const item = items.find((each) => each.name === name);
  if (item === undefined) throw new Error(`a valid snapshot has ${name}`);
  return item;
}
