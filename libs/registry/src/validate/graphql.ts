import {
  FIXED_ROOT_FIELDS,
  FIXED_TYPES,
  REASON_TYPE,
  formatType,
  graphqlEnumValues,
  graphqlFeatureType,
  graphqlOwnTypes,
  graphqlRootFields,
  graphqlValueType,
  type Definition,
  type Derived,
  type FeatureService,
  type FeatureView,
  type FieldType,
  type Key,
  type Recommender,
  type Scorer,
} from '@granary/contracts';
import { ownerOf, type Context, type Declared } from './context.js';
import { serviceKeys, serviceReads } from './uses.js';

type Served = FeatureService | Recommender | Scorer;
type Maps = Pick<Declared, 'entities' | 'views' | 'derived'>;

/** Every root field and type that declarations bring into the GraphQL schema, with whose it is. Two may share a type of one holder. */
export interface GraphqlNames {
  readonly fields: ReadonlyMap<string, string>;
  readonly types: ReadonlyMap<string, string>;
}

const OURS = 'Granary itself';

/** Feature services, recommenders and scorers become one GraphQL schema, whose names must not meet. */
export function checkGraphql(context: Context, definitions: readonly Definition[]): void {
  const served = definitions.filter((each) => each.kind === 'featureService' || each.kind === 'recommender' || each.kind === 'scorer');
  graphqlNames(context, served, (definition, what, name, holder) => {
    context.report(ownerOf(definition), 'NAME-001', `its GraphQL ${what} ${name} is already that of ${holder}`, 'Rename one of them.');
  });
  for (const definition of served) checkArguments(context, definition);
}

/** The names of a set of definitions; `clash` hears of each that has another holder already. */
export function graphqlNames(maps: Maps, served: readonly Served[], clash: (of: Served, what: 'field' | 'type', name: string, holder: string) => void): GraphqlNames {
  const fields = new Map<string, string>(FIXED_ROOT_FIELDS.map((name) => [name, OURS]));
  const types = new Map<string, string>(FIXED_TYPES.map((name) => [name, OURS]));
  for (const definition of served) {
    const own = ownerOf(definition).title;
    // One mistake is said once: a name that is taken takes its other fields and types with it.
    const clashing = new Map<string, readonly ['field' | 'type', string]>();
    const claim = (what: 'field' | 'type', name: string, holder: string): void => {
      const taken = what === 'field' ? fields : types;
      const first = taken.get(name);
      if (first === undefined) taken.set(name, holder);
      else if (first !== holder && !clashing.has(first)) clashing.set(first, [what, name]);
    };
    for (const name of graphqlRootFields(definition)) claim('field', name, own);
    for (const name of graphqlOwnTypes(definition)) claim('type', name, own);
    for (const [name, holder] of sharedTypes(maps, definition)) claim('type', name, holder);
    for (const [holder, [what, name]] of clashing) clash(definition, what, name, holder);
  }
  return { fields, types };
}

/** The types of values, which declarations may share: enums by their values, features by the type of their value. */
function sharedTypes(maps: Maps, definition: Served): readonly (readonly [name: string, holder: string])[] {
  const found: (readonly [string, string])[] = [];
  const value = (type: FieldType, ...owner: readonly string[]): void => {
    const values = graphqlEnumValues(type);
    if (values !== null) found.push([graphqlValueType(type, ...owner), `the values ${values.join(', ')}`]);
    if (type.kind === 'map') found.push([graphqlValueType(type), `entries of ${formatType(type)}`]);
  };
  const keys = (entity: string): void => maps.entities.get(entity)?.keys.forEach((key) => value(key.type, entity, key.name));
  const features = (view: FeatureView | Derived | undefined, names: readonly string[]): void => {
    if (view === undefined) return;
    for (const { name, type } of view.features.filter((each) => names.includes(each.name))) {
      const of = graphqlValueType(type, view.name, name);
      value(type, view.name, name);
      found.push([graphqlFeatureType(type, view.name, name), `features of type ${type.kind === 'array' || type.kind === 'map' ? `[${of}!]` : of}`]);
    }
  };
  switch (definition.kind) {
    case 'featureService':
      for (const use of serviceReads(maps, definition)) keys(maps.views.get(use.view)?.entity ?? '');
      for (const use of definition.views) features(maps.views.get(use.view), use.features);
      for (const part of definition.derived ?? []) features(maps.derived.get(part.derived), part.features);
      for (const field of definition.request) value(field.type, definition.name, field.name);
      break;
    case 'recommender':
      found.push([REASON_TYPE, 'recommendations']);
      keys(definition.user);
      keys(definition.item);
      break;
    case 'scorer':
      // Its features and arguments are those of its service.
      break;
  }
  return found;
}

/** Arguments and members that a root field has beside those of the declaration. */
function checkArguments(context: Context, definition: Served): void {
  const refuse = (keys: readonly Pick<Key, 'name'>[] | undefined, taken: readonly string[], what: string, where: string): void => {
    for (const { name } of keys ?? []) {
      if (taken.includes(name)) context.report(ownerOf(definition), 'NAME-001', `${what} ${name} meets ${where}`, 'Rename the key or request field.');
    }
  };
  switch (definition.kind) {
    case 'featureService':
      return;
    case 'recommender': {
      const [user, item] = [definition.user, definition.item].map((name) => context.entities.get(name)?.keys);
      refuse(user, ['first'], `the key of ${definition.user}`, 'the GraphQL argument that says how many items');
      refuse(item, ['first'], `the key of ${definition.item}`, 'the GraphQL argument that says how many items');
      return refuse(item, ['score', 'reason'], `the key of ${definition.item}`, 'what is said of each recommended item');
    }
    case 'scorer': {
      const service = context.services.get(definition.service);
      if (service === undefined) return;
      // A request field that is the event time of the examples is the time of the request.
      const time = context.sources.get(definition.events)?.eventTime;
      if (service.request.some((field) => field.name === time && field.type.kind === 'timestamp')) return;
      return refuse([...serviceKeys(context, service), ...service.request], ['at'], `of ${service.name}`, 'the GraphQL argument for the time of the request');
    }
  }
}
