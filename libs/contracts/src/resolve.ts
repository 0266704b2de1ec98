import type { ComputedSource, Derived, Entity, Feature, FeatureService, Key, RequestField, Snapshot, Source, VersionedView, ViewFeatures } from './definitions.js';
import { fieldReferences, replaceFields, type Expression } from './expression.js';
import type { FieldType } from './types.js';

/** A view as a service reads it, with all that it refers to. */
export interface ResolvedView {
  /** Unique in the service: the alias, else the view's name. Fields of derived features name their input by it. */
  readonly id: string;
  readonly view: VersionedView;
  readonly entity: Entity;
  readonly source: Source;
  /** In the order of the entity's keys: what the asker calls them, and their types. */
  readonly keys: readonly Key[];
  /** Those that are served, then those that only derived features read. */
  readonly features: readonly Feature[];
}

/** One feature of a service's row: of a view, or derived from features and request fields. */
export type ServedFeature =
  | { readonly kind: 'aggregate'; readonly name: string; readonly type: FieldType; readonly of: string; readonly feature: Feature }
  /** Of the derived view `of`. Its fields name features of resolved views, and request fields: other derived features are already put in. */
  | { readonly kind: 'derived'; readonly name: string; readonly type: FieldType; readonly of: string; readonly expression: Expression };

/** All that a reader of a service needs, looked up. */
export interface ResolvedService {
  readonly name: string;
  /** What the asker gives to name things: the keys of all views, each name once. */
  readonly keys: readonly Key[];
  readonly request: readonly RequestField[];
  readonly views: readonly ResolvedView[];
  /** The row, in order. */
  readonly features: readonly ServedFeature[];
}

/** Looks up everything a service refers to. Throws a plain Error where the snapshot lacks it, which validation rules out. */
export function resolveService(snapshot: Snapshot, service: Pick<FeatureService, 'name' | 'views' | 'derived' | 'request'>): ResolvedService {
  const served = service.views.flatMap((use) =>
    use.features.map((name): ServedFeature => {
      const feature = named(named(snapshot.views, use.view).features, name);
      return { kind: 'aggregate', name: servedName(use.alias, name), type: feature.type, of: viewId(use), feature };
    }),
  );
  const derived = (service.derived ?? []).flatMap(({ derived: of, features }) =>
    features.map((name): ServedFeature => {
      const { type } = named(named(snapshot.derived, of).features, name);
      return { kind: 'derived', name, type, of, expression: flatten(snapshot, of, name) };
    }),
  );
  const read = derived.flatMap((each) => (each.kind === 'derived' ? fieldReferences(each.expression) : []));
  const hidden = (service.derived ?? [])
    .flatMap(({ derived: of }) => viewInputs(snapshot, of))
    .map((input): ViewFeatures => ({ ...input, features: read.filter((field) => field.of === viewId(input)).map((field) => field.name) }));
  // An input that none of the chosen features reads would only ask for its keys.
  const uses = [...service.views, ...hidden.filter(({ features }) => features.length > 0)];
  const views = [...new Set(uses.map(viewId))].map((id) => resolveView(snapshot, uses.filter((use) => viewId(use) === id)));
  const keys = [...new Map(views.flatMap((each) => each.keys).map((key) => [key.name, key])).values()];
  return { name: service.name, keys, request: service.request, views, features: [...served, ...derived] };
}

/** What a derived feature's field calls its input. */
export function viewId({ view, alias }: Pick<ViewFeatures, 'view' | 'alias'>): string {
  return alias ?? view;
}

/** `spend` read under the alias `sender` is served as `senderSpend`. */
export function servedName(alias: string | undefined, feature: string): string {
  return alias === undefined ? feature : `${alias}${feature.charAt(0).toUpperCase()}${feature.slice(1)}`;
}

/** The stored sources that a source's events come from: itself, unless it is computed. */
export function storedSources(snapshot: Snapshot, source: Source): readonly Source[] {
  if (source.computed === undefined) return [source];
  return [...new Set(inputSources(snapshot, source).flatMap((input) => storedSources(snapshot, input)))];
}

/** The sources that a source reads at first hand; none, unless it is computed. */
export function inputSources(snapshot: Snapshot, { computed }: Source): readonly Source[] {
  if (computed === undefined) return [];
  const { sources, views } = computedInputs(computed);
  return [...sources, ...views.map((view) => named(snapshot.views, view).source)].map((name) => named(snapshot.sources, name));
}

/** The names of the sources and views that a computed source reads at first hand. */
export function computedInputs(computed: ComputedSource): { readonly sources: readonly string[]; readonly views: readonly string[] } {
  return computed.kind === 'sql' ? { sources: computed.inputs, views: [] } : { sources: [computed.events], views: computed.views.map((use) => use.view) };
}

/** Finds by name what a valid snapshot has; not to have it is a bug. */
export function named<T extends { readonly name: string }>(items: readonly T[], name: string): T {
  const item = items.find((each) => each.name === name);
  if (item === undefined) throw new Error(`a valid snapshot has ${name}`);
  return item;
}

function resolveView(snapshot: Snapshot, uses: readonly ViewFeatures[]): ResolvedView {
  const [use] = uses as [ViewFeatures];
  const view = named(snapshot.views, use.view);
  const entity = named(snapshot.entities, view.entity);
  const names = [...new Set(uses.flatMap((each) => each.features))];
  return {
    id: viewId(use),
    view,
    entity,
    source: named(snapshot.sources, view.source),
    keys: entity.keys.map(({ name, type }) => ({ name: use.keys?.[name] ?? name, type })),
    features: names.map((name) => named(view.features, name)),
  };
}

function viewInputs(snapshot: Snapshot, derived: string): readonly Omit<ViewFeatures, 'features'>[] {
  return named(snapshot.derived, derived).inputs.flatMap((input) => {
    if (input.kind === 'derived') return viewInputs(snapshot, input.derived);
    const { kind: _, ...use } = input;
    return [use];
  });
}

/** A derived feature's expression, with those of other derived views in the place of their fields. */
function flatten(snapshot: Snapshot, of: string, name: string): Expression {
  const derived: Derived = named(snapshot.derived, of);
  const inner = new Set(derived.inputs.flatMap((input) => (input.kind === 'derived' ? [input.derived] : [])));
  return replaceFields(named(derived.features, name).expression, (field) =>
    field.of !== undefined && inner.has(field.of) ? flatten(snapshot, field.of, field.name) : field,
  );
}
