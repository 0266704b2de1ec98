import type { Definition } from '@granary/contracts';
import { problemOf, type Problem } from '../problem.js';
import { declaredBy, ownerOf, type Context } from './context.js';
import { checkCycles } from './cycles.js';
import { checkDerived } from './derived.js';
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
    ...declaredBy(definitions),
    report: (owner, id, message, todo) => problems.push(problemOf(owner, 'error', id, message, todo)),
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
  checkCycles(context);
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
    case 'derived':
      return checkDerived(context, definition);
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
