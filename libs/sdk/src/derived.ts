import { viewId, type Derived, type DerivedFeature, type Feature, type Site } from '@granary/contracts';
import { at, checkFieldNames, checkName, declarationSite, freeze, invalid, type Declaration } from './declaration.js';
import { declaredEntries, guarded } from './declared-features.js';
import type { AnyExpression, ExpressionOf, KindOfExpression } from './expression.js';
import type { OneHot } from './expression-functions.js';
import type { ElementKind, Merge } from './kinds.js';
import { derivedPart, viewPart, type AnyDerived, type AnyDerivedPick, type AnyView, type AnyViewUse, type FeaturesIn, type KeysOf, type Part, type RequestOf } from './part.js';
import { mergedRequest, requestFields, type RequestDeclaration } from './request.js';
import { TypedExpression, inputField } from './typed-expression.js';
import type { KindOf } from './types.js';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any: the request's fields are read by inference only
export type DerivedInput = AnyView | AnyViewUse | AnyDerived | AnyDerivedPick | RequestDeclaration<any>;

/** What the callback is given for each input: an expression for each feature or request field. */
type ArgumentOf<P> = P extends RequestDeclaration<infer R> ? { readonly [N in keyof R]: ExpressionOf<KindOf<R[N]>> } : { readonly [N in keyof FeaturesIn<P>]: ExpressionOf<FeaturesIn<P>[N]> };
type ArgumentsOf<P extends readonly unknown[]> = { readonly [I in keyof P]: ArgumentOf<P[I]> };

type DerivedFeatures = Readonly<Record<string, AnyExpression<ElementKind> | OneHot>>;
type KindsOfDerived<D extends DerivedFeatures> = Merge<
  { [N in keyof D & string]: D[N] extends OneHot<infer V> ? { readonly [S in V as `${N}${Capitalize<S>}`]: 'bool' } : { readonly [_ in N]: KindOfExpression<D[N]> } }[keyof D & string]
>;

/** Features computed from others and from the request whenever they are read. */
export interface DerivedDeclaration<K extends object = object, R extends object = object, V extends object = object> extends Declaration<Derived>, Part<K, R, V, ''> {
  /** Only these features, in this order. */
  pick<const N extends readonly (keyof V & string)[]>(...names: N): DerivedPick<K, R, Pick<V, N[number]>>;
}

/** A derived view with the features that are taken from it. */
export interface DerivedPick<K extends object, R extends object, V extends object> extends Pick<AnyDerivedPick, 'kind' | 'derived' | 'names'>, Part<K, R, V, ''> {}

/**
 * Features computed from others and from the request:
 * `derived('price_fit', [userActivity, itemStats], (u, i) => ({ priceVsUsual: i.price.div(u.meanPrice7d).clamp(0, 10) }))`.
 * They may come from several entities; whoever reads them gives the keys of all, and the request fields.
 */
export function derived<const P extends readonly [DerivedInput, ...DerivedInput[]], const D extends DerivedFeatures>(
  name: string,
  inputs: P,
  features: (...inputs: ArgumentsOf<P>) => D,
): DerivedDeclaration<Merge<KeysOf<P[number]>>, Merge<RequestOf<P[number]>>, KindsOfDerived<D>> {
  const site = declarationSite(derived);
  const owner = `derived view ${name}`;
  checkName(site, 'derived view', name);
  const read = inputs.map((input) => readInput(site, owner, input));
  const ids = read.flatMap(({ id }) => id ?? []);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice !== undefined) throw invalid(site, `${owner} reads ${twice} twice`, "Read it once, or once under an alias: view.as('sender', …).");
  const declared = at(site, owner, () => features(...(read.map(({ argument }) => argument) as never)));
  const definition: Derived = {
    kind: 'derived',
    name,
    inputs: read.flatMap(({ definition }) => definition ?? []),
    request: mergedRequest(site, owner, inputs.flatMap((input) => (input.kind === 'request' ? requestFields(input) : []))),
    features: resolveDerived(site, owner, declared),
    site,
  };
  const names = definition.features.map((each) => each.name);
  const declaration: DerivedDeclaration<Merge<KeysOf<P[number]>>, Merge<RequestOf<P[number]>>, KindsOfDerived<D>> = {
    kind: 'derived',
    name,
    definition,
    uses: read.flatMap(({ uses }) => uses ?? []),
    pick: (...picked) => {
      const unknown = picked.find((each) => !names.includes(each));
      if (unknown !== undefined) throw invalid(declarationSite(declaration.pick), `${owner} has no feature ${unknown}`, `It has ${names.join(', ')}.`);
      return freeze({ kind: 'derivedPick', derived: declaration, names: picked });
    },
  };
  return freeze(declaration);
}

interface ReadInput {
  /** What fields name the input by; none: they are request fields. */
  readonly id?: string;
  readonly definition?: Derived['inputs'][number];
  readonly uses?: Declaration;
  readonly argument: object;
}

function readInput(site: Site, owner: string, input: DerivedInput): ReadInput {
  const argument = (holder: string, what: string, fields: readonly Pick<Feature, 'name' | 'type'>[], of?: string): object =>
    guarded(site, owner, holder, what, Object.fromEntries(fields.map(({ name, type }) => [name, inputField(name, type, of)])));
  switch (input.kind) {
    case 'request':
      return { argument: argument('the request', 'field', requestFields(input)) };
    case 'derived':
    case 'derivedPick': {
      const { derived: of, names } = derivedPart(input);
      const fields = of.definition.features.filter((each) => names.includes(each.name));
      return { id: of.name, definition: { kind: 'derived', derived: of.name }, uses: of, argument: argument(of.name, 'feature', fields, of.name) };
    }
    default: {
      const { view, use } = viewPart(input);
      const { features, ...reading } = use;
      const fields = view.definition.features.filter((each) => features.includes(each.name));
      return { id: viewId(use), definition: { kind: 'view', ...reading }, uses: view, argument: argument(viewId(use), 'feature', fields, viewId(use)) };
    }
  }
}

function resolveDerived(site: Site, owner: string, declared: unknown): DerivedFeature[] {
  const columns = declaredEntries(site, owner, declared, '{ share: a.spent7d.div(a.spent30d) }').flatMap(([name, value]) =>
    isOneHot(value) ? value.columns.map(({ suffix, expression }) => [`${name}${suffix}`, expression as unknown] as const) : [[name, value] as const],
  );
  checkFieldNames(site, owner, columns.map(([name]) => name));
  return columns.map(([name, value]) => {
    if (!(value instanceof TypedExpression)) throw invalid(site, `${owner}: ${name} is not an expression`, 'Compute it from the inputs: a.spent7d.div(a.spent30d).');
    const { type, expression } = value;
    if (type.kind === 'array' || type.kind === 'map') throw invalid(site, `${owner}: ${name} is a list or map`, 'Derived features are single values: take it from its view.');
    return { name, type, expression };
  });
}

function isOneHot(value: unknown): value is OneHot {
  return typeof value === 'object' && value !== null && Array.isArray((value as { columns?: unknown }).columns);
}
