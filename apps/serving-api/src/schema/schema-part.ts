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
  readonly examples: readonly ExampleQuery[];
}

export type BuildSchemaPart = (types: SchemaTypes) => SchemaPart;

/** Several parts as one. Throws DEFINITION_INVALID for a field that two have. */
export function joinParts(parts: readonly SchemaPart[]): SchemaPart {
  const fields: Record<string, RootField> = {};
  for (const part of parts) addFields(fields, part);
  return { fields, examples: parts.flatMap((part) => part.examples) };
}

function addFields(fields: Record<string, RootField>, part: SchemaPart): void {
  for (const [name, field] of Object.entries(part.fields)) {
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
  const fields = { ...query.fields };
  for (const part of parts) addFields(fields, part);
  return new GraphQLSchema({
    ...config,
    query: new GraphQLObjectType({ ...query, fields }),
    types: config.types.filter((type) => type !== config.query),
  });
}
