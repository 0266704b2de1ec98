import { GranaryError } from '@granary/contracts';
import { GraphQLObjectType, GraphQLSchema, type GraphQLFieldConfig } from 'graphql';
import type { SchemaTypes } from './schema-types.js';

/** A query to begin with, shown in the explorer. Must be valid, and answerable without variables. */
export interface ExampleQuery {
  readonly title: string;
  readonly query: string;
}

export type RootField = GraphQLFieldConfig<unknown, unknown>;

/** Root fields generated from declarations, such as those of all feature services. */
export interface SchemaPart {
  /** By name: what a caller writes. */
  readonly fields: Readonly<Record<string, RootField>>;
  /** Root fields of mutations, by name. */
  readonly mutations?: Readonly<Record<string, RootField>>;
  readonly examples: readonly ExampleQuery[];
}

export type BuildSchemaPart = (types: SchemaTypes) => SchemaPart;

/** Several parts as one. Throws DEFINITION_INVALID for a field that two have. */
export function joinParts(parts: readonly SchemaPart[]): SchemaPart {
  const fields: Record<string, RootField> = {};
  const mutations: Record<string, RootField> = {};
  for (const part of parts) {
    addFields(fields, part.fields);
    addFields(mutations, part.mutations ?? {});
  }
  return { fields, mutations, examples: parts.flatMap((part) => part.examples) };
}

function addFields(fields: Record<string, RootField>, more: Readonly<Record<string, RootField>>): void {
  for (const [name, field] of Object.entries(more)) {
    if (name in fields) {
      throw new GranaryError('DEFINITION_INVALID', `Two declarations have the GraphQL field ${name}`, { todo: 'Rename one of them.', details: { field: name } });
    }
    fields[name] = field;
  }
}

/**
 * The code-first schema with generated root fields. Resolvers throw GranaryErrors; what else they throw is reported as a
 * bug. Throws DEFINITION_INVALID for a field that two have.
 */
export function extendSchema(fixed: GraphQLSchema, parts: readonly SchemaPart[]): GraphQLSchema {
  const config = fixed.toConfig();
  const query = config.query!.toConfig();
  const joined = joinParts(parts);
  const fields = { ...query.fields };
  addFields(fields, joined.fields);
  const mutations = joined.mutations ?? {};
  return new GraphQLSchema({
    ...config,
    query: new GraphQLObjectType({ ...query, fields }),
    ...(Object.keys(mutations).length > 0 && { mutation: new GraphQLObjectType({ name: 'Mutation', fields: mutations }) }),
    types: config.types.filter((type) => type !== config.query),
  });
}
