import type { Definition, Derived, Entity, FeatureService, FeatureView, FieldType, Recommender, Scorer, Source, SourceField } from '@granary/contracts';
import type { Owner, Report } from '../problem.js';
import { canonicalJson } from '../version/canonical.js';

/** The definitions by kind and name (of several with one name the first). */
export interface Declared {
  readonly entities: ReadonlyMap<string, Entity>;
  readonly sources: ReadonlyMap<string, Source>;
  readonly views: ReadonlyMap<string, FeatureView>;
  readonly derived: ReadonlyMap<string, Derived>;
  readonly services: ReadonlyMap<string, FeatureService>;
  readonly recommenders: ReadonlyMap<string, Recommender>;
  readonly scorers: ReadonlyMap<string, Scorer>;
}

/** The definitions, and where problems go. */
export interface Context extends Declared {
  readonly report: Report;
}

export function declaredBy(definitions: readonly Definition[]): Declared {
  return {
    entities: firstByName(definitions, 'entity'),
    sources: firstByName(definitions, 'source'),
    views: firstByName(definitions, 'featureView'),
    derived: firstByName(definitions, 'derived'),
    services: firstByName(definitions, 'featureService'),
    recommenders: firstByName(definitions, 'recommender'),
    scorers: firstByName(definitions, 'scorer'),
  };
}

function firstByName<K extends Definition['kind']>(definitions: readonly Definition[], kind: K): ReadonlyMap<string, Extract<Definition, { kind: K }>> {
  const map = new Map<string, Extract<Definition, { kind: K }>>();
  for (const each of definitions) if (each.kind === kind && !map.has(each.name)) map.set(each.name, each as Extract<Definition, { kind: K }>);
  return map;
}

export const KIND_TITLES: Readonly<Record<Definition['kind'], string>> = {
  entity: 'entity',
  source: 'source',
  featureView: 'feature view',
  derived: 'derived view',
  featureService: 'feature service',
  recommender: 'recommender',
  scorer: 'scorer',
};

export function ownerOf(definition: Definition): Owner {
  return { title: `${KIND_TITLES[definition.kind]} ${definition.name}`, site: definition.site };
}

export function sameType(a: FieldType, b: FieldType): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

export function fieldOf(source: Source, name: string): SourceField | undefined {
  return source.fields.find((field) => field.name === name);
}

/** The definition of that name, or a problem that lists what there is. */
export function lookUp<T>(context: Context, owner: Owner, what: string, map: ReadonlyMap<string, T>, name: string): T | undefined {
  const found = map.get(name);
  if (found === undefined) {
    context.report(owner, 'DEF-011', `there is no ${what} ${name}`, map.size === 0 ? `Declare and export a ${what}.` : `There is ${[...map.keys()].join(', ')}.`);
  }
  return found;
}

export function listFields(source: Source): string {
  return `${source.name} has ${source.fields.map((field) => field.name).join(', ')}.`;
}
