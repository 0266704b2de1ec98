import { parseDuration, type DurationText, type FeatureView } from '@granary/contracts';
import type { FeatureDeclaration } from './aggregation.js';
import { at, checkName, declarationSite, freeze, invalid, knownOptions, type Declaration } from './declaration.js';
import { guarded, resolveFeatures } from './declared-features.js';
import type { EntityDeclaration, Fields } from './entity.js';
import type { Field } from './expression.js';
import type { Merge } from './kinds.js';
import type { KindsOf, Part } from './part.js';
import type { SourceDeclaration } from './source.js';
import { sourceField } from './typed-expression.js';
import type { KindOf, ValueOf } from './types.js';
import { viewReaders, type ViewReaders } from './view-use.js';

/** What the `features` callback is given: one typed field for each of the source's. */
export type EventFields<F extends Fields> = { readonly [K in keyof F]: Field<KindOf<F[K]>> };

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any: kinds are read by inference only
export type FeatureDeclarations = Readonly<Record<string, FeatureDeclaration<any>>>;

/** The kinds of the features a view serves, by name: `{ purchases1d: 'int32', purchases7d: 'int32' }`. */
export type FeaturesOf<D extends FeatureDeclarations> = Merge<
  { [K in keyof D & string]: D[K] extends FeatureDeclaration<infer P> ? { readonly [S in keyof P & string as `${K}${S}`]: P[S] } : never }[keyof D & string]
>;

/** The source fields whose type is that of an entity key. */
type FieldLike<F extends Fields, T> = { [K in keyof F & string]: [ValueOf<F[K]>] extends [ValueOf<T>] ? ([KindOf<T>, KindOf<F[K]>] extends [KindOf<F[K]>, KindOf<T>] ? K : never) : never }[keyof F & string];
type KeyFields<K extends Fields, F extends Fields> = { readonly [P in keyof K]: FieldLike<F, K[P]> };
/** `keys` may be left out when every key of the entity is a source field of the same name and type. */
type KeysOption<K extends Fields, F extends Fields> = { readonly [P in keyof K]: P } extends KeyFields<K, F>
  ? { readonly keys?: KeyFields<K, F> }
  : { readonly keys: KeyFields<K, F> };

export type FeatureViewOptions<K extends Fields, F extends Fields, D extends FeatureDeclarations> = {
  readonly entity: EntityDeclaration<K>;
  readonly source: SourceDeclaration<F>;
  /** Values are visible while their event time is at most this old. Left out: always. */
  readonly ttl?: DurationText;
  readonly features: (event: EventFields<F>) => D;
} & KeysOption<K, F>;

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any: keys and features are read by inference only
export interface FeatureViewDeclaration<K extends Fields = any, V extends object = any> extends Declaration<FeatureView>, Part<K, object, V, ''>, ViewReaders<K, V> {
  readonly entity: EntityDeclaration<K>;
  /** Never there at run time: the row that its keys are read from must have them. */
  readonly asks?: (given: KindsOf<K>) => void;
}

/** Features of one entity, computed from the events of one source. */
export function featureView<const K extends Fields, const F extends Fields, const D extends FeatureDeclarations>(
  name: string,
  options: FeatureViewOptions<K, F, D>,
): FeatureViewDeclaration<K, FeaturesOf<D>> {
  const site = declarationSite(featureView);
  const owner = `feature view ${name}`;
  checkName(site, 'feature view', name);
  at(site, owner, () => knownOptions<FeatureViewOptions<K, F, D>>('it', options, ['entity', 'source', 'keys', 'ttl', 'features']));
  const { entity, source, ttl } = options;
  const fields = Object.fromEntries(Object.entries(source.fields).map(([key, { type, isNullable }]) => [key, sourceField(key, type, isNullable)])) as EventFields<F>;
  const declared = at(site, owner, () => options.features(guarded(site, owner, `the source ${source.name}`, 'field', fields)));
  const keys: Readonly<Record<string, string>> = (options.keys as Readonly<Record<string, string>> | undefined) ?? {};
  const features = resolveFeatures(site, owner, declared);
  const ttlMs = ttl === undefined ? null : at(site, owner, () => parseDuration(ttl));
  if (ttlMs === 0) throw invalid(site, `${owner}: a ttl of ${ttl} hides every value`, 'Give a longer one, or leave ttl out: values are then always visible.');
  const definition: FeatureView = {
    kind: 'featureView',
    name,
    entity: entity.name,
    source: source.name,
    keyFields: Object.keys(entity.keys).map((key) => keys[key] ?? key),
    ttlMs,
    features,
    site,
  };
  const view: FeatureViewDeclaration<K, FeaturesOf<D>> = {
    kind: 'featureView',
    name,
    entity,
    definition,
    uses: [entity, source],
    ...viewReaders<K, FeaturesOf<D>>(() => view, { view: name, features: features.map((each) => each.name) }),
  };
  return freeze(view);
}
