import { viewId, type Derived, type FeatureService, type FeatureState, type RequestField, type Site, type ViewFeatures } from '@granary/contracts';
import { checkName, declarationSite, freeze, invalid, type Declaration } from './declaration.js';
import type { DerivedInput } from './derived.js';
import type { Merge, ValueFor } from './kinds.js';
import { derivedPart, viewPart, type AnyDerived, type KeysOf, type RequestOf, type ServedBy } from './part.js';
import { mergedRequest, requestFields } from './request.js';
import type { ValueOf } from './types.js';

/** The features a service serves, as one row. */
export interface FeatureServiceDeclaration<Given = object, Values = object> extends Declaration<FeatureService> {
  /** Never there at run time: carries the type of what a caller gives. */
  readonly request?: Given;
  /** Never there at run time: carries the types of the features. */
  readonly values?: Values;
}

/** What a caller gives to read one row: entity keys and request fields. */
export type RequestFor<S> = S extends FeatureServiceDeclaration<infer G, infer _V> ? G : never;

/** A served row: every feature by name (null unless its state is present), and the states. */
export type RowOf<S> = S extends FeatureServiceDeclaration<infer _G, infer V>
  ? { readonly [N in keyof V]: V[N] | null } & { readonly $state: { readonly [N in keyof V]: FeatureState } }
  : never;

/** Views, under aliases or not, derived views, and the fields of the request. */
export type ServicePart = DerivedInput;
type Given<P> = Merge<KeysOf<P> | RequestOf<P>> extends infer F ? { readonly [N in keyof F]: ValueOf<F[N]> } : never;
type Values<P> = Merge<ServedBy<P>> extends infer V ? { readonly [N in keyof V]: ValueFor<V[N]> } : never;

/**
 * The features that a model or a page reads together, as one typed row: those of the views in order, then those of the
 * derived views. The caller gives the keys of all, and the request fields that the derived views read.
 */
export function featureService<const P extends readonly ServicePart[]>(name: string, parts: P): FeatureServiceDeclaration<Given<P[number]>, Values<P[number]>> {
  const site = declarationSite(featureService);
  const owner = `feature service ${name}`;
  checkName(site, 'feature service', name);
  const { views, derived, request } = sorted(parts);
  if (views.length + derived.length === 0) throw invalid(site, `${owner} has no feature view`, 'Give it at least one.');
  const bare = views.find(({ use }) => use.features.length === 0)?.view ?? derived.find(({ names }) => names.length === 0)?.derived;
  if (bare !== undefined) throw invalid(site, `${owner} takes no feature of ${bare.name}`, 'Name at least one in pick, or leave pick out: then it takes all.');
  const inner = [...new Set(derived.flatMap((each) => innerDerived(each.derived)))];
  checkAliases(site, owner, [...views.map(({ use }) => use), ...inner.flatMap(({ inputs }) => inputs.flatMap((input) => (input.kind === 'view' ? [input] : [])))]);
  const definition: FeatureService = {
    kind: 'featureService',
    name,
    views: views.map(({ use }) => use),
    ...(derived.length === 0 ? {} : { derived: derived.map(({ derived: of, names }) => ({ derived: of.name, features: [...names] })) }),
    request: mergedRequest(site, owner, [...request, ...inner.flatMap((each) => each.request)]),
    site,
  };
  return freeze({ kind: 'featureService', name, definition, uses: [...views.map(({ view }) => view), ...derived.map((each) => each.derived)] });
}

interface SortedParts {
  readonly views: ReturnType<typeof viewPart>[];
  readonly derived: ReturnType<typeof derivedPart>[];
  readonly request: RequestField[];
}

function sorted(parts: readonly ServicePart[]): SortedParts {
  const found: SortedParts = { views: [], derived: [], request: [] };
  for (const part of parts) {
    if (part.kind === 'request') found.request.push(...requestFields(part));
    else if (part.kind === 'derived' || part.kind === 'derivedPick') found.derived.push(derivedPart(part));
    else found.views.push(viewPart(part));
  }
  return found;
}

/** A derived view and all those it reads. */
function innerDerived({ definition, uses }: AnyDerived): Derived[] {
  return [definition, ...uses.flatMap((each) => (each.kind === 'derived' ? innerDerived(each as AnyDerived) : []))];
}

/** Fields of derived features name their view by alias or name: one of them must not mean two things. */
function checkAliases(site: Site, owner: string, uses: readonly Omit<ViewFeatures, 'features'>[]): void {
  const first = new Map<string, string>();
  for (const use of uses) {
    const meaning = JSON.stringify([use.view, Object.entries(use.keys ?? {}).sort()]);
    if ((first.get(viewId(use)) ?? meaning) !== meaning) {
      throw invalid(site, `${owner} reads two things as ${viewId(use)}`, 'Give each view, read by other keys, an alias of its own: view.as(…).');
    }
    first.set(viewId(use), meaning);
  }
}
