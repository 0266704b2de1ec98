import type { Definition } from '@granary/contracts';
import type { Problem } from '../problem.js';
import { ownerOf, type Context } from './context.js';
import { checkGraphql } from './graphql.js';
import { checkEntity, checkSource } from './inputs.js';
import { checkRecommender, checkScorer } from './models.js';
import { checkNames } from './names.js';
import { checkService } from './services.js';
import { checkView } from './views.js';

/** Every problem of a set of definitions, in their order; none means that a snapshot can be made of them. Pure. */
export function validateDefinitions(definitions: readonly Definition[]): readonly Problem[] {
  const problems: Problem[] = [];
  const context: Context = {
    entities: firstByName(definitions, 'entity'),
    sources: firstByName(definitions, 'source'),
    views: firstByName(definitions, 'featureView'),
    services: firstByName(definitions, 'featureService'),
    recommenders: firstByName(definitions, 'recommender'),
    scorers: firstByName(definitions, 'scorer'),
    report: ({ title, site }, id, message, todo) =>
      problems.push({ id, file: site?.file ?? 'unknown', line: site?.line ?? 0, owner: title, message, todo }),
  };
  const declared = new Map<string, Definition>();
  for (const definition of definitions) {
    const key = `${namespaceOf(definition)} ${definition.name}`;
    const first = declared.get(key);
    if (first === undefined) declared.set(key, definition);
    else reportDuplicate(context, first, definition);
    checkNames(context, definition);
    check(context, definition);
  }
  // A second one of a name is said above; its GraphQL names would only say it again.
  checkGraphql(context, [...declared.values()]);
  return problems;
}

function check(context: Context, definition: Definition): void {
  switch (definition.kind) {
    case 'entity':
      return checkEntity(context, definition);
    case 'source':
      return checkSource(context, definition);
    case 'featureView':
      return checkView(context, definition);
    case 'featureService':
      return checkService(context, definition);
    case 'recommender':
      return checkRecommender(context, definition);
    case 'scorer':
      return checkScorer(context, definition);
  }
}

/** Recommenders and scorers have models, which are found by name. */
function namespaceOf({ kind }: Definition): string {
  return kind === 'recommender' || kind === 'scorer' ? 'model' : kind;
}

function reportDuplicate(context: Context, first: Definition, second: Definition): void {
  const place = first.site === undefined ? '' : `, first at ${first.site.file}:${first.site.line}`;
  const message = first.kind === second.kind ? `is declared twice${place}` : `has the name of the ${ownerOf(first).title}${place}: their models would be one`;
  context.report(ownerOf(second), 'DEF-010', message, 'Rename one of them, or import the first instead.');
}

function firstByName<K extends Definition['kind']>(definitions: readonly Definition[], kind: K): ReadonlyMap<string, Extract<Definition, { kind: K }>> {
  const map = new Map<string, Extract<Definition, { kind: K }>>();
  for (const each of definitions) if (each.kind === kind && !map.has(each.name)) map.set(each.name, each as Extract<Definition, { kind: K }>);
  return map;
}
