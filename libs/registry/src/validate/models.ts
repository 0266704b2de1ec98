import { formatType, isNumeric, type Entity, type FieldType, type Generator, type Recommender, type Scorer, type Source } from '@granary/contracts';
import type { Owner } from '../problem.js';
import { fieldOf, listFields, lookUp, ownerOf, sameType, type Context } from './context.js';
import { serviceKeys, serviceReads } from './uses.js';

const MOST_NEIGHBOURS = 10_000;

export function checkRecommender(context: Context, recommender: Recommender): void {
  const owner = ownerOf(recommender);
  const user = lookUp(context, owner, 'entity', context.entities, recommender.user);
  const item = lookUp(context, owner, 'entity', context.entities, recommender.item);
  const interactions = lookUp(context, owner, 'source', context.sources, recommender.interactions);
  if (recommender.user === recommender.item) context.report(owner, 'DEF-060', `recommends ${recommender.item} to itself`, 'Name different entities as user and item.');
  if (interactions !== undefined) {
    for (const entity of [user, item]) if (entity !== undefined) checkEntityKeys(context, owner, entity, interactions);
    checkWeight(context, owner, recommender.weight, interactions);
    if (interactions.eventTime === null) {
      context.report(owner, 'DEF-063', `its interactions ${interactions.name} have no time`, 'Give the source an event time: trends and training sets need it.');
    }
  }
  for (const generator of recommender.generators) checkGenerator(context, owner, generator);
  if (recommender.ranker !== null) checkRanker(context, owner, recommender, recommender.ranker);
}

function checkEntityKeys(context: Context, owner: Owner, entity: Entity, source: Source): void {
  for (const key of entity.keys) requireField(context, owner, { field: 'DEF-060', type: 'KEY-001' }, source, key.name, key.type, `the key ${key.name} of ${entity.name}`);
}

/** `events` must hold a value of this name and type in every row. */
function requireField(context: Context, owner: Owner, ids: { readonly field: string; readonly type: string }, source: Source, name: string, type: FieldType, what: string): void {
  const field = fieldOf(source, name);
  if (field === undefined) {
    context.report(owner, ids.field, `${what} is no field of ${source.name}`, `Add ${name} to it. ${listFields(source)}`);
  } else if (!sameType(field.type, type)) {
    context.report(owner, ids.type, `${what} is ${formatType(type)}, in ${source.name} it is ${formatType(field.type)}`, 'Give both the same type.');
  } else if (field.nullable) {
    context.report(owner, ids.field, `${what} is nullable in ${source.name}`, 'Take .nullable() off.');
  }
}

function checkWeight(context: Context, owner: Owner, weight: Recommender['weight'], interactions: Source): void {
  if (weight === null) return;
  const field = fieldOf(interactions, weight.field);
  const report = (message: string, todo: string): void => context.report(owner, 'DEF-061', message, todo);
  if (field === undefined) return report(`its weight ${weight.field} is no field of ${interactions.name}`, listFields(interactions));
  if (weight.values === null) {
    if (!isNumeric(field.type)) report(`its weight ${field.name} is ${formatType(field.type)}`, 'Name a numeric field, or give each value of an enum a weight.');
    return;
  }
  if (field.type.kind !== 'enum') return report(`it weighs the values of ${field.name}, which is ${formatType(field.type)}`, 'Name an enum field.');
  const values = weight.values;
  const unweighted = field.type.values.filter((value) => !Object.hasOwn(values, value));
  const unknown = Object.keys(values).filter((value) => field.type.kind === 'enum' && !field.type.values.includes(value));
  if (unweighted.length > 0) report(`${field.name} has no weight for ${unweighted.join(', ')}`, 'Give each a weight; 0 leaves them out.');
  if (unknown.length > 0) report(`${field.name} has no value ${unknown.join(', ')}`, `It is ${formatType(field.type)}.`);
  if (Object.values(values).every((value) => value === 0)) report(`every weight of ${field.name} is 0`, 'Give at least one value a weight above 0.');
}

function checkGenerator(context: Context, owner: Owner, generator: Generator): void {
  const report = (message: string, todo: string): void => context.report(owner, 'DEF-064', message, todo);
  switch (generator.kind) {
    case 'trending':
      if (!(generator.halfLifeMs > 0)) report('trending has a half-life of 0', "Give one, such as '7d'.");
      return;
    case 'itemToItem':
      if (!Number.isInteger(generator.neighbours) || generator.neighbours < 1 || generator.neighbours > MOST_NEIGHBOURS) {
        report(`itemToItem keeps ${generator.neighbours} neighbours`, `Keep a whole number from 1 to ${MOST_NEIGHBOURS}.`);
      }
      if (!(generator.shrinkage >= 0 && Number.isFinite(generator.shrinkage))) report(`itemToItem has a shrinkage of ${generator.shrinkage}`, 'Give a number from 0 up.');
      return;
    case 'ease':
      if (!(generator.lambda > 0 && Number.isFinite(generator.lambda))) report(`ease has a lambda of ${generator.lambda}`, 'Give a number above 0.');
      return;
  }
}

function checkRanker(context: Context, owner: Owner, { user, item }: Recommender, ranker: string): void {
  const service = lookUp(context, owner, 'feature service', context.services, ranker);
  if (service === undefined) return;
  for (const use of serviceReads(context, service)) {
    const view = context.views.get(use.view);
    if (view === undefined) continue;
    if (view.entity !== user && view.entity !== item) {
      context.report(owner, 'DEF-062', `its ranker ${ranker} reads ${use.view}, which describes ${view.entity}`, `Rank with features of ${user} and ${item} only.`);
    } else if (Object.entries(use.keys ?? {}).some(([key, asked]) => key !== asked)) {
      context.report(owner, 'DEF-062', `its ranker ${ranker} reads ${use.view} for other keys than those of ${view.entity}`, 'Rank with features of the user and the item themselves: leave `keys` out.');
    }
  }
}

export function checkScorer(context: Context, scorer: Scorer): void {
  const owner = ownerOf(scorer);
  const service = lookUp(context, owner, 'feature service', context.services, scorer.service);
  const events = lookUp(context, owner, 'source', context.sources, scorer.events);
  if (events === undefined) return;
  const label = fieldOf(events, scorer.label);
  if (label === undefined) {
    context.report(owner, 'DEF-070', `its label ${scorer.label} is no field of ${events.name}`, listFields(events));
  } else if (label.type.kind !== 'bool') {
    context.report(owner, 'DEF-070', `its label ${scorer.label} is ${formatType(label.type)}`, 'Name a bool field.');
  }
  if (events.eventTime === null) context.report(owner, 'DEF-073', `its events ${events.name} have no time`, 'Give the source an event time: features are read as of it.');
  if (service === undefined) return;
  for (const key of serviceKeys(context, service)) requireField(context, owner, { field: 'DEF-071', type: 'KEY-001' }, events, key.name, key.type, `the key ${key.name} of ${service.name}`);
  for (const field of service.request) requireField(context, owner, { field: 'DEF-071', type: 'DEF-071' }, events, field.name, field.type, `the request field ${field.name} of ${service.name}`);
}
