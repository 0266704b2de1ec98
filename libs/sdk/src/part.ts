import type { Derived, FeatureView, ViewFeatures } from '@granary/contracts';
import type { Declaration } from './declaration.js';
import type { EntityDeclaration, Fields } from './entity.js';
import type { KindOf } from './types.js';

declare const BRINGS: unique symbol;

/** What a part brings to the row of a feature service. Types only. */
export interface Part<K extends object, R extends object, V extends object, A extends string> {
  /** Never there at run time: keys and request fields that the asker gives, kinds of the features, the alias ('' without). */
  readonly [BRINGS]?: { readonly keys: K; readonly request: R; readonly features: V; readonly alias: A };
}

type Brought<P> = P extends { readonly [BRINGS]?: infer B } ? Exclude<B, undefined> : never;
export type KeysOf<P> = Brought<P> extends infer B ? (B extends { readonly keys: infer K } ? K : never) : never;
export type RequestOf<P> = Brought<P> extends infer B ? (B extends { readonly request: infer R } ? R : never) : never;
/** The kinds of a part's features, by the names that its own side has for them. */
export type FeaturesIn<P> = Brought<P> extends infer B ? (B extends { readonly features: infer V } ? V : never) : never;
/** The kinds of a part's features, by the names they are served under. */
export type ServedBy<P> = Brought<P> extends infer B
  ? B extends { readonly features: infer V; readonly alias: infer A extends string }
    ? A extends ''
      ? V
      : { readonly [N in keyof V & string as `${A}${Capitalize<N>}`]: V[N] }
    : never
  : never;

export type KindsOf<F extends Fields> = { readonly [N in keyof F]: KindOf<F[N]> };

// What a part is at run time, whatever it brings.
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any: what a part brings is read by inference only
type AnyPart = Part<any, any, any, any>;
export interface AnyView extends Declaration<FeatureView>, AnyPart {
  readonly entity: EntityDeclaration;
}
export interface AnyViewUse extends AnyPart {
  readonly kind: 'viewUse';
  readonly view: AnyView;
  readonly use: ViewFeatures;
}
export interface AnyDerived extends Declaration<Derived>, AnyPart {}
export interface AnyDerivedPick extends AnyPart {
  readonly kind: 'derivedPick';
  readonly derived: AnyDerived;
  readonly names: readonly string[];
}

/** A view with how it is read. */
export function viewPart(part: AnyView | AnyViewUse): Pick<AnyViewUse, 'view' | 'use'> {
  if (part.kind === 'viewUse') return part;
  return { view: part, use: { view: part.name, features: part.definition.features.map((each) => each.name) } };
}

/** A derived view with the features that are taken from it. */
export function derivedPart(part: AnyDerived | AnyDerivedPick): Pick<AnyDerivedPick, 'derived' | 'names'> {
  return part.kind === 'derivedPick' ? part : { derived: part, names: part.definition.features.map((each) => each.name) };
}
