import { graphqlOwnTypes, graphqlRootFields, type EntityKey, type FeatureService, type FieldType } from '@granary/contracts';
import type { FeatureReader, FeatureRequest, ServicePlan } from '@granary/serving';
import { GraphQLInputObjectType, GraphQLList, GraphQLNonNull, GraphQLObjectType, type GraphQLFieldConfigMap, type GraphQLInputFieldConfigMap } from 'graphql';
import { describeFeature } from './describe.js';
import { exampleLiteral } from './examples.js';
import type { BuildSchemaPart, ExampleQuery, RootField, SchemaPart } from './schema-part.js';
import type { SchemaTypes } from './schema-types.js';

/** Key values of an entity that has rows, by the entity's name: the explorer's examples ask for it. */
export type SampleKeys = Readonly<Record<string, EntityKey>>;

/** `user_page` → `userPage(userId: …): UserPage` and `userPageBatch(entities: [UserPageKey!]!): [UserPage!]!`. */
export function featureServices(reader: FeatureReader, samples: SampleKeys): BuildSchemaPart {
  return (types): SchemaPart => {
    const parts = reader.snapshot.services.map((service) => featureService(types, reader, service, samples));
    return { fields: Object.assign({}, ...parts.map((part) => part.fields)) as SchemaPart['fields'], examples: parts.flatMap((part) => part.examples) };
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

  const one: RootField = {
    type: row,
    description: `The features of one ${entityNames(plan)}, from the online store.`,
    args,
    resolve: async (_source, request: FeatureRequest) => (await reader.rows(service.name, [request]))[0]!.values,
  };
  const batch: RootField = {
    type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(row))),
    description: `The features of many, in the order asked, with one read of the online store.`,
    args: { entities: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(key))) } },
    resolve: async (_source, { entities }: { readonly entities?: readonly FeatureRequest[] }) => (await reader.rows(service.name, entities ?? [])).map((each) => each.values),
  };
  return { fields: { [field]: one, [batchField]: batch }, examples: [example(plan, field, samples)] };
}

/** A field for each feature of a service: `{ value state eventTime }`. */
export function featureFields(types: SchemaTypes, plan: ServicePlan): GraphQLFieldConfigMap<unknown, unknown> {
  return Object.fromEntries(
    plan.views.flatMap(({ view, features }) =>
      features.map(({ feature }) => [
        feature.name,
        { type: new GraphQLNonNull(types.feature(feature.type, view.name, feature.name)), description: describeFeature(feature, view) },
      ]),
    ),
  );
}

interface Argument {
  readonly name: string;
  readonly type: FieldType;
  readonly owner: string;
  readonly description: string;
}

/** Keys first, then request fields; one argument for each name. */
function argumentList({ entities, service }: ServicePlan): readonly Argument[] {
  const keys = entities.flatMap((entity) => entity.keys.map((key) => ({ ...key, owner: entity.name, description: `Key of ${entity.name}.` })));
  const request = service.request.map((field) => ({ ...field, owner: service.name, description: 'Of the request itself.' }));
  const named = new Map<string, Argument>();
  for (const argument of [...keys, ...request]) if (!named.has(argument.name)) named.set(argument.name, argument);
  return [...named.values()];
}

/** The entity keys and request fields of a service, as arguments. */
export function argumentsOf(types: SchemaTypes, plan: ServicePlan): GraphQLInputFieldConfigMap {
  return Object.fromEntries(
    argumentList(plan).map(({ name, type, owner, description }) => [name, { type: new GraphQLNonNull(types.value(type, owner, name)), description }]),
  );
}

function entityNames(plan: ServicePlan): string {
  return plan.entities.map((entity) => entity.name).join(' and ');
}

/** A query of a root field that takes a service's arguments; `answer` is given the selection of its features. */
export function exampleOf(plan: ServicePlan, field: string, samples: SampleKeys, answer: (features: string) => string): string {
  const known = new Map(plan.entities.flatMap((entity) => entity.keys.map((key, i) => [key.name, samples[entity.name]?.[i]])));
  const args = argumentList(plan).map(({ name, type }) => `${name}: ${exampleLiteral(type, known.get(name))}`);
  const features = plan.views.flatMap((view) => view.features.map(({ feature }) => `    ${feature.name} { value state eventTime }`));
  return `{\n  ${field}(${args.join(', ')}) {\n${answer(features.join('\n'))}\n  }\n}`;
}

function example(plan: ServicePlan, field: string, samples: SampleKeys): ExampleQuery {
  return { title: `Features of ${entityNames(plan)}: ${plan.service.name}`, query: exampleOf(plan, field, samples, (features) => features) };
}
