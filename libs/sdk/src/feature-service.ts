import type { FeatureService, FeatureState } from '@granary/contracts';
import { checkName, declarationSite, freeze, invalid, type Declaration } from './declaration.js';
import type { Fields, ObjectOf } from './entity.js';
import type { FeatureViewDeclaration, FeatureViewPick } from './feature-view.js';

/** Values that the caller gives with each request, such as the amount of the transaction being scored. */
export interface RequestDeclaration<R extends Fields> {
  readonly kind: 'request';
  readonly fields: R;
}

export function request<const R extends Fields>(fields: R): RequestDeclaration<R> {
  return freeze({ kind: 'request', fields });
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any: keys and features are read by inference only
type Part = FeatureViewDeclaration<any, any> | FeatureViewPick<any, any> | RequestDeclaration<any>;

type Merge<U> = (U extends unknown ? (part: U) => void : never) extends (part: infer I) => void ? { readonly [K in keyof I]: I[K] } : never;
type KeysOf<P> = P extends FeatureViewDeclaration<infer K, infer _V> | FeatureViewPick<infer K, infer _W> ? ObjectOf<K> : never;
type ValuesOf<P> = P extends FeatureViewDeclaration<infer _K, infer V> ? V : P extends FeatureViewPick<infer _L, infer W> ? W : never;
type RequestOf<P> = P extends RequestDeclaration<infer R> ? ObjectOf<R> : never;

/** The names of the features a service serves, in the order of its row. */
export interface FeatureServiceDeclaration<Keys = object, Values = object> extends Declaration<FeatureService> {
  /** Never there at run time: carries the type of what a caller gives. */
  readonly request?: Keys;
  /** Never there at run time: carries the types of the features. */
  readonly values?: Values;
}

/** What a caller gives to read one row: entity keys and request fields. */
export type RequestFor<S> = S extends FeatureServiceDeclaration<infer K, infer _V> ? K : never;

/** A served row: every feature by name (null unless its state is present), and the states. */
export type RowOf<S> = S extends FeatureServiceDeclaration<infer _K, infer V>
  ? { readonly [N in keyof V]: V[N] | null } & { readonly $state: { readonly [N in keyof V]: FeatureState } }
  : never;

/** The features that a model or a page reads together, as one typed row. */
export function featureService<const P extends readonly Part[]>(
  name: string,
  parts: P,
): FeatureServiceDeclaration<
  Merge<KeysOf<P[number]>> & ([RequestOf<P[number]>] extends [never] ? unknown : Merge<RequestOf<P[number]>>),
  Merge<ValuesOf<P[number]>>
> {
  const site = declarationSite(featureService);
  checkName(site, 'feature service', name);
  const views = parts.flatMap((part): { view: FeatureViewDeclaration; features: readonly string[] }[] => {
    if ('names' in part) return [{ view: part.view as FeatureViewDeclaration, features: part.names }];
    if (part.kind === 'request') return [];
    const view = part as FeatureViewDeclaration;
    return [{ view, features: view.definition.features.map((feature) => feature.name) }];
  });
  if (views.length === 0) throw invalid(site, `feature service ${name} has no feature view`, 'Give it at least one.');
  const bare = views.find(({ features }) => features.length === 0);
  if (bare !== undefined) throw invalid(site, `feature service ${name} takes no feature of ${bare.view.name}`, 'Name at least one in pick, or leave pick out: then it takes all.');
  const definition: FeatureService = {
    kind: 'featureService',
    name,
    views: views.map(({ view, features }) => ({ view: view.name, features: [...features] })),
    request: parts.flatMap((part) =>
      'kind' in part && part.kind === 'request' ? Object.entries((part as RequestDeclaration<Fields>).fields).map(([key, { type }]) => ({ name: key, type })) : [],
    ),
    site,
  };
  return freeze({ kind: 'featureService', name, definition, uses: views.map(({ view }) => view) });
}
