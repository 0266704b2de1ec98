import type { Feature, Site } from '@granary/contracts';
import type { FeatureDeclaration } from './aggregation.js';
import { checkFieldNames, invalid } from './declaration.js';
import { TypedExpression } from './typed-expression.js';

/**
 * What a callback reads from; reading another name throws DEFINITION_INVALID. For definitions that are evaluated without
 * being type-checked, as `granary plan` does. `holder` completes "… has no feature nope".
 */
export function guarded<T extends object>(site: Site, owner: string, holder: string, what: string, members: T): T {
  return new Proxy(Object.freeze(members), {
    get(target, name) {
      if (typeof name === 'string' && !Object.hasOwn(target, name)) {
        throw invalid(site, `${owner}: ${holder} has no ${what} ${name}`, `It has ${Object.keys(target).join(', ')}.`);
      }
      return Reflect.get(target, name) as unknown;
    },
  });
}

/** What a `features` callback returned, by name. Throws DEFINITION_INVALID for nothing. */
export function declaredEntries(site: Site, owner: string, declared: unknown, example: string): [string, unknown][] {
  const entries = typeof declared === 'object' && declared !== null ? Object.entries(declared) : [];
  if (entries.length === 0) throw invalid(site, `${owner} has no features`, `Return at least one from features, such as ${example}.`);
  return entries;
}

/** What the callback of a feature view returned, a feature for each column and window. Throws DEFINITION_INVALID for what is no feature. */
export function resolveFeatures(site: Site, owner: string, declared: unknown): Feature[] {
  const features = declaredEntries(site, owner, declared, "{ events: count().over('7d') }").flatMap(([base, value]) => {
    if (!isFeature(value)) throw notFeature(site, owner, base, value);
    if (value.features.length === 0) throw noWindow(site, owner, base);
    return value.features.map(({ suffix, ...feature }) => ({ name: `${base}${suffix}`, ...feature }));
  });
  checkFieldNames(site, owner, features.map((each) => each.name));
  const empty = features.find((each) => each.aggregate.window?.sizeMs === 0);
  if (empty !== undefined) throw invalid(site, `${owner}: the window of ${empty.name} has no length`, "Give it one, such as .over('7d').");
  const endless = features.find(({ aggregate }) => aggregate.fn === 'rate' && aggregate.window?.sizeMs === null);
  if (endless !== undefined) throw invalid(site, `${owner}: ${endless.name} is a rate over all of history, which has no length`, "Give it a window, such as .over('7d').");
  return features;
}

function notFeature(site: Site, owner: string, name: string, value: unknown): Error {
  if (typeof value === 'object' && value !== null && 'over' in value) return noWindow(site, owner, name);
  if (value instanceof TypedExpression) {
    const [what, todo] =
      value.name === undefined
        ? ['an expression', 'Aggregate a field of the source; compute with features in a derived view.']
        : ['a field', "Say which value of it, such as latest of the field, or last of it with .over('7d')."];
    return invalid(site, `${owner}: ${name} is ${what}, not a feature`, todo);
  }
  const what = typeof value === 'object' || typeof value === 'function' ? '' : ` but ${String(value)}`;
  return invalid(site, `${owner}: ${name} is not a feature${what}`, "Give it an aggregate, such as count().over('7d').");
}

function noWindow(site: Site, owner: string, name: string): Error {
  return invalid(site, `${owner}: ${name} has no window`, "Add .over('7d').");
}

function isFeature(value: unknown): value is FeatureDeclaration {
  return typeof value === 'object' && value !== null && Array.isArray((value as { features?: unknown }).features);
}
