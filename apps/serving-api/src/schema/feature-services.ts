import { graphqlAsOfName, graphqlOwnTypes, graphqlRootFields, parseInstant, type EntityKey, type FeatureService, type FieldType, type Instant, type ResolvedService, type ServedFeature } from '@granary/contracts';
import type { FeatureReader, FeatureRequest, ServicePlan } from '@granary/serving';
import { GraphQLInputObjectType, GraphQLList, GraphQLNonNull, GraphQLObjectType, type GraphQLFieldConfigMap, type GraphQLInputFieldConfig } from 'graphql';
import { describeServed } from './describe.js';
import { Timestamp } from './scalars.js';
import { exampleLiteral } from './examples.js';
import { joinParts, type BuildSchemaPart, type ExampleQuery, type RootField, type SchemaPart } from './schema-part.js';
import type { SchemaTypes } from './schema-types.js';

/** Key values of an entity that has rows, by the entity's name: the explorer's examples ask for it. */
export type SampleKeys = Readonly<Record<string, EntityKey>>;

/** `user_page` → `userPage(userId: …): UserPage` and `userPageBatch(entities: [UserPageKey!]!): [UserPage!]!`. */
export function featureServices(reader: FeatureReader, samples: SampleKeys): BuildSchemaPart {
  return (types): SchemaPart => {
    return joinParts(reader.snapshot.services.map((service) => featureService(types, reader, service, samples)));
  };
}

function featureService(types: SchemaTypes, reader: FeatureReader, service: FeatureService, samples: SampleKeys): SchemaPart {
  const plan = reader.plan(service.name);
  const declaration = `feature service ${service.name}`;
  const [field, batchField] = graphqlRootFields(service) as readonly [string, string];
  const [rowType, keyType] = graphqlOwnTypes(service).map((name) => types.claim(name, declaration)) as [string, string];
  const row = new GraphQLObjectType({
    name: rowType,
    description: `The features of ${declaration}.`,
    fields: featureFields(types, plan),
  });
  const args = argumentsOf(types, plan);
  const key = new GraphQLInputObjectType({ name: keyType, fields: args });
  const asOf = graphqlAsOfName(Object.keys(args));
  const asOfArgument = { [asOf]: { type: Timestamp, description: 'As of when; default: now. What is too far back for the online store is computed from the stored events.' } };

  const one: RootField = {
    type: row,
    description: `The features of one ${subjectNames(plan)}, from the online store.`,
    args: { ...args, ...asOfArgument },
    resolve: async (_source, { [asOf]: at, ...request }: FeatureRequest) => (await reader.rows(service.name, [request], { at: instantOf(at) }))[0]!.values,
  };
  const batch: RootField = {
    type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(row))),
    description: `The features of many, in the order asked, with one read of the online store.`,
    args: { entities: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(key))) }, ...asOfArgument },
    resolve: async (_source, { entities, [asOf]: at }: FeatureRequest) => (await reader.rows(service.name, (entities ?? []) as readonly FeatureRequest[], { at: instantOf(at) })).map((each) => each.values),
  };
  return { fields: { [field]: one, [batchField]: batch }, examples: [example(plan, field, samples)] };
}

function instantOf(at: unknown): Instant | undefined {
  return at === undefined || at === null ? undefined : parseInstant(at);
}

/** A field for each feature of a service: `{ value state eventTime }`. */
export function featureFields(types: SchemaTypes, { service }: ServicePlan): GraphQLFieldConfigMap<unknown, unknown> {
  return Object.fromEntries(
    service.features.map((served) => [
      served.name,
      { type: new GraphQLNonNull(types.feature(served.type, ...ownerOf(served, service))), description: describeServed(served, service) },
    ]),
  );
}

/** What names a feature's enum: its view, whatever alias that is read under, or its derived view. */
function ownerOf(served: ServedFeature, { views }: ResolvedService): readonly [string, string] {
  return served.kind === 'derived' ? [served.of, served.name] : [views.find(({ id }) => id === served.of)!.view.name, served.feature.name];
}

interface Argument {
  readonly name: string;
  readonly type: FieldType;
  /** What names its enum: the entity and its key, or the service and its request field. */
  readonly owner: readonly [string, string];
  readonly description: string;
}

/** Keys first, then request fields; one argument for each name. */
function argumentList({ service }: ServicePlan): readonly Argument[] {
  const keys = service.views.flatMap(({ entity, keys: asked }) =>
    entity.keys.map((key, i): Argument => ({ ...asked[i]!, owner: [entity.name, key.name], description: `Key of ${entity.name}.` })),
  );
  const request = service.request.map((field): Argument => ({ ...field, owner: [service.name, field.name], description: 'Of the request itself.' }));
  const named = new Map<string, Argument>();
  for (const argument of [...keys, ...request]) if (!named.has(argument.name)) named.set(argument.name, argument);
  return [...named.values()];
}

/** The entity keys and request fields of a service, as arguments. */
export function argumentsOf(types: SchemaTypes, plan: ServicePlan): Record<string, GraphQLInputFieldConfig> {
  return Object.fromEntries(
    argumentList(plan).map(({ name, type, owner, description }) => [name, { type: new GraphQLNonNull(types.argument(type, ...owner)), description }]),
  );
}

function subjectNames(plan: ServicePlan): string {
  return [...new Set(plan.subjects.map((subject) => subject.name))].join(' and ');
}

/** A query of a root field that takes a service's arguments; `answer` is given the selection of its features. */
export function exampleOf(plan: ServicePlan, field: string, samples: SampleKeys, answer: (features: string) => string): string {
  const known = new Map(plan.subjects.flatMap((subject) => subject.keys.map((key, i) => [key.name, samples[subject.name]?.[i]])));
  const args = argumentList(plan).map(({ name, type }) => `${name}: ${exampleLiteral(type, known.get(name))}`);
  const features = plan.service.features.map(({ name, type }) => `    ${name} { value${type.kind === 'map' ? ' { key value }' : ''} state eventTime }`);
  return `{\n  ${field}(${args.join(', ')}) {\n${answer(features.join('\n'))}\n  }\n}`;
}

function example(plan: ServicePlan, field: string, samples: SampleKeys): ExampleQuery {
  return { title: `Features of ${subjectNames(plan)}: ${plan.service.name}`, query: exampleOf(plan, field, samples, (features) => features) };
}
