import type { Feature, Site } from '@granary/contracts';
import type { FeatureDeclaration } from './aggregates.js';
import { checkFieldNames, invalid } from './declaration.js';

/**
 * The fields a `features` callback reads from; reading another one throws DEFINITION_INVALID. For definitions that are
 * evaluated without being type-checked, as `granary plan` does.
 */
export function guardedFields<T extends object>(site: Site, owner: string, source: string, fields: T): T {
  return new Proxy(Object.freeze(fields), {
    get(target, name) {
      if (typeof name === 'string' && !Object.hasOwn(target, name)) {
        throw invalid(site, `${owner}: the source ${source} has no field ${name}`, `It has ${Object.keys(target).join(', ')}.`);
      }
      return Reflect.get(target, name) as unknown;
    },
  });
}

/** What a `features` callback returned, a feature for each window. Throws DEFINITION_INVALID for what is no feature. */
export function resolveFeatures(site: Site, owner: string, declared: unknown): Feature[] {
  const entries = typeof declared === 'object' && declared !== null ? Object.entries(declared) : [];
  if (entries.length === 0) throw invalid(site, `${owner} has no features`, "Return at least one from features, such as { events: count().over('7d') }.");
  const features = entries.flatMap(([base, value]) => {
    if (!isFeature(value)) throw notFeature(site, owner, base, value);
    if (value.aggregates.length === 0) throw noWindow(site, owner, base);
    return value.aggregates.map(({ suffix, aggregate }) => ({ name: `${base}${suffix}`, type: value.type, aggregate }));
  });
  checkFieldNames(site, owner, features.map((each) => each.name));
  const empty = features.find((each) => each.aggregate.window?.sizeMs === 0);
  if (empty !== undefined) throw invalid(site, `${owner}: the window of ${empty.name} has no length`, "Give it one, such as .over('7d').");
  return features;
}

function notFeature(site: Site, owner: string, name: string, value: unknown): Error {
  if (has(value, 'over')) return noWindow(site, owner, name);
  if (has(value, 'isNull')) return invalid(site, `${owner}: ${name} is a field, not a feature`, `Say which value of it, such as latest of the field, or last of it with .over('7d').`);
  const what = typeof value === 'object' || typeof value === 'function' ? '' : ` but ${String(value)}`;
  return invalid(site, `${owner}: ${name} is not a feature${what}`, "Give it an aggregate, such as count().over('7d').");
}

function noWindow(site: Site, owner: string, name: string): Error {
  return invalid(site, `${owner}: ${name} has no window`, "Add .over('7d').");
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any: the value and suffixes are types only
function isFeature(value: unknown): value is FeatureDeclaration<any, any> {
  return typeof value === 'object' && value !== null && Array.isArray((value as { aggregates?: unknown }).aggregates);
}

function has(value: unknown, method: string): boolean {
  return typeof value === 'object' && value !== null && typeof (value as Record<string, unknown>)[method] === 'function';
}
