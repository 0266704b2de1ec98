import { graphqlTypeName, type Snapshot, type Source } from '@granary/contracts';
import type { EventSink } from '@granary/jobs';
import { GraphQLInputObjectType, GraphQLInt, GraphQLList, GraphQLNonNull, GraphQLObjectType, GraphQLString } from 'graphql';
import type { BuildSchemaPart, RootField } from './schema-part.js';
import type { SchemaTypes } from './schema-types.js';

const DECLARATION = 'the event intake';

/** `payments` → `ingestPayments(events: [PaymentsInput!]!): IngestResult!`, for each source that is not computed. */
export function ingestMutations(snapshot: Pick<Snapshot, 'sources'>, sink: EventSink): BuildSchemaPart {
  return (types) => {
    const result = resultType(types);
    const stored = snapshot.sources.filter(({ computed }) => computed === undefined);
    return { fields: {}, mutations: Object.fromEntries(stored.map((source) => [`ingest${graphqlTypeName(source.name)}`, mutation(types, source, sink, result)])), examples: [] };
  };
}

function mutation(types: SchemaTypes, source: Source, sink: EventSink, result: GraphQLObjectType): RootField {
  const input = new GraphQLInputObjectType({
    name: types.claim(`${graphqlTypeName(source.name)}Input`, `events of ${source.name}`),
    description: `An event of the source ${source.name}.`,
    fields: Object.fromEntries(
      source.fields.map(({ name, type, nullable, encoding }) => {
        const argument = types.argument(type, source.name, 'input', name);
        return [name, { type: nullable ? argument : new GraphQLNonNull(argument), ...(encoding?.kind === 'epochSeconds' && { description: 'A number is in seconds.' }) }];
      }),
    ),
  });
  return {
    type: new GraphQLNonNull(result),
    description: `Stores events of ${source.name}; when it answers they survive, and the next read sees them. After an error they may be stored or not: send the same again, what is stored already is recognised.`,
    args: { events: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(input))) } },
    resolve: (_source, { events }: { readonly events?: readonly unknown[] }) => sink.accept(source.name, events ?? [], { origin: 'graphql' }),
  };
}

function resultType(types: SchemaTypes): GraphQLObjectType {
  const rejected = new GraphQLObjectType({
    name: types.claim('RejectedEvent', DECLARATION),
    description: 'An event that is not stored; it is among the dead letters of the source.',
    fields: {
      index: { type: new GraphQLNonNull(GraphQLInt), description: 'Among the events sent, from 0.' },
      code: { type: new GraphQLNonNull(GraphQLString), description: 'INVALID_EVENT: it is not as its source declares. CONFLICTING_EVENT: its id is that of a stored event with other content, which stays.' },
      reason: { type: new GraphQLNonNull(GraphQLString) },
    },
  });
  return new GraphQLObjectType({
    name: types.claim('IngestResult', DECLARATION),
    fields: {
      accepted: { type: new GraphQLNonNull(GraphQLInt) },
      duplicates: { type: GraphQLInt, description: 'How many of the accepted were stored before, with the same content; null where that shows only later.' },
      rejected: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(rejected))) },
    },
  });
}
