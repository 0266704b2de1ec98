import { parseDuration, type DurationText, type FeatureView } from '@granary/contracts';
import { at, checkName, declarationSite, freeze, invalid, type Declaration } from './declaration.js';
import { guardedFields, resolveFeatures } from './declared-features.js';
import type { FeatureDeclaration } from './aggregates.js';
import type { EntityDeclaration, Fields } from './entity.js';
import { field, type Field } from './expression.js';
import type { SourceDeclaration } from './source.js';
import type { ValueOf } from './types.js';

/** What the `features` callback is given: one typed field for each of the source's. */
export type EventFields<F extends Fields> = { readonly [K in keyof F]: Field<ValueOf<F[K]>> };

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any: the value and suffixes are read by inference only
export type FeatureDeclarations = Readonly<Record<string, FeatureDeclaration<any, any>>>;

/** The features a view serves, by name: `{ purchases1d: number, purchases7d: number }`. */
export type FeaturesOf<D extends FeatureDeclarations> = {
  readonly [K in keyof D & string as D[K] extends FeatureDeclaration<infer _T, infer S> ? ([S] extends [never] ? K : `${K}${S}`) : never]: D[K] extends FeatureDeclaration<infer T, infer _S> ? T : never;
};

/** The source fields whose type is that of an entity key. */
type FieldLike<F extends Fields, T> = { [K in keyof F & string]: [ValueOf<F[K]>] extends [T] ? ([T] extends [ValueOf<F[K]>] ? K : never) : never }[keyof F & string];
type KeyFields<K extends Fields, F extends Fields> = { readonly [P in keyof K]: FieldLike<F, ValueOf<K[P]>> };
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

/** A view with the features that a service takes from it. */
export interface FeatureViewPick<K extends Fields, V extends object> {
  readonly view: FeatureViewDeclaration<K, V>;
  readonly names: readonly (keyof V & string)[];
}

export interface FeatureViewDeclaration<K extends Fields = Fields, V extends object = object> extends Declaration<FeatureView> {
  readonly entity: EntityDeclaration<K>;
  /** Only these features, in this order. */
  pick<const N extends readonly (keyof V & string)[]>(...names: N): FeatureViewPick<K, Pick<V, N[number]>>;
  /** Never there at run time: carries the features' types. */
  readonly values?: V;
}

/** Features of one entity, computed from the events of one source. */
export function featureView<const K extends Fields, const F extends Fields, const D extends FeatureDeclarations>(
  name: string,
  options: FeatureViewOptions<K, F, D>,
): FeatureViewDeclaration<K, FeaturesOf<D>> {
  const site = declarationSite(featureView);
  const owner = `feature view ${name}`;
  checkName(site, 'feature view', name);
  const { entity, source, ttl } = options;
  const fields = Object.fromEntries(Object.entries(source.fields).map(([key, { type }]) => [key, field(key, type)])) as unknown as EventFields<F>;
  const declared = at(site, owner, () => options.features(guardedFields(site, owner, source.name, fields)));
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
    pick: (...names) => {
      const unknown = names.find((each) => !features.some((feature) => feature.name === each));
      if (unknown !== undefined) {
        throw invalid(declarationSite(view.pick), `${owner} has no feature ${unknown}`, `It has ${features.map((feature) => feature.name).join(', ')}.`);
      }
      return freeze({ view: view as unknown as FeatureViewDeclaration<K, Pick<FeaturesOf<D>, (typeof names)[number]>>, names });
    },
  };
  return freeze(view);
}
