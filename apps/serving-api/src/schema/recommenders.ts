import { GranaryError, REASON_TYPE, graphqlOwnTypes, graphqlRootFields, type Entity, type Recommender as Declaration, type Value } from '@granary/contracts';
import { MAX_ITEMS, type Recommendation, type Recommendations, type Recommender } from '@granary/serving';
import { GraphQLFloat, GraphQLID, GraphQLInt, GraphQLList, GraphQLNonNull, GraphQLObjectType, GraphQLString, type GraphQLFieldConfigArgumentMap } from 'graphql';
import { exampleLiteral } from './examples.js';
import type { SampleKeys } from './feature-services.js';
import { Timestamp } from './scalars.js';
import { joinParts, type BuildSchemaPart, type ExampleQuery, type RootField, type SchemaPart } from './schema-part.js';
import type { SchemaTypes } from './schema-types.js';

/** A declared recommender; `trained` is null until `granary train` has made a model of it. */
export interface ServedRecommender {
  readonly declaration: Declaration;
  readonly user: Entity;
  readonly item: Entity;
  readonly trained: Recommender | null;
}

const DEFAULT_FIRST = 20;

/** `for_you` → `forYou(userId: …, first: Int)`, `forYouSimilar(itemId: …, first: Int)` and `forYouTrending(first: Int)`. */
export function recommenders(served: readonly ServedRecommender[], samples: SampleKeys = {}): BuildSchemaPart {
  return (types): SchemaPart => {
    const reason = reasonType(types);
    return joinParts(served.map((each) => recommender(types, reason, each, samples)));
  };
}

/** Names of ours stand beside the keys of entities. */
function checkKeys(declaration: Declaration, entity: Entity, taken: readonly string[], where: string): void {
  const key = entity.keys.find(({ name }) => taken.includes(name));
  if (key === undefined) return;
  throw new GranaryError('DEFINITION_INVALID', `recommender ${declaration.name}: ${entity.name} has a key "${key.name}", which is ${where}`, { todo: 'Rename the key.' });
}

function reasonType(types: SchemaTypes): GraphQLObjectType {
  return new GraphQLObjectType({
    name: types.claim(REASON_TYPE, 'recommendations'),
    description: 'Why an item is recommended.',
    fields: {
      source: { type: new GraphQLNonNull(GraphQLString), description: 'The generator that ranked it highest: trending, itemToItem or ease.' },
      text: { type: new GraphQLNonNull(GraphQLString) },
    },
  });
}

function recommender(types: SchemaTypes, reason: GraphQLObjectType, { declaration, user, item, trained }: ServedRecommender, samples: SampleKeys): SchemaPart {
  for (const entity of [user, item]) checkKeys(declaration, entity, ['first'], 'an argument of every recommender');
  checkKeys(declaration, item, ['score', 'reason'], 'a field of every recommended item');
  const [forOne, similar, trending] = graphqlRootFields(declaration) as readonly [string, string, string];
  const list = listType(types, reason, declaration, item);
  const ready = (): Recommender => {
    if (trained !== null) return trained;
    throw new GranaryError('MODEL_NOT_TRAINED', `${declaration.name} has not been trained`, { todo: `Run granary train ${declaration.name}, then start serving again.` });
  };
  const root = (description: string, args: GraphQLFieldConfigArgumentMap, answer: (request: Request) => Recommendations | Promise<Recommendations>): RootField => ({
    type: list,
    description,
    args: { ...args, first: { type: GraphQLInt, defaultValue: DEFAULT_FIRST, description: `How many, 1 to ${MAX_ITEMS}.` } },
    // A variable that is null asks for the default too.
    resolve: (_source, request: Arguments) => answer({ ...request, first: request.first ?? DEFAULT_FIRST }),
  });
  return {
    fields: {
      [forOne]: root(`What ${declaration.name} recommends to one ${user.name}.`, keyArguments(types, user), async (request) => ready().recommend(request, request.first)),
      [similar]: root(`Items that the same ${user.name}s chose.`, keyArguments(types, item), (request) => ready().similar(request, request.first)),
      [trending]: root('What is trending, for everyone.', {}, (request) => ready().trending(request.first)),
    },
    examples: examples([forOne, similar, trending], declaration, user, item, samples),
  };
}

type Arguments = Readonly<Record<string, unknown>> & { readonly first: number | null };
type Request = Arguments & { readonly first: number };

function listType(types: SchemaTypes, reason: GraphQLObjectType, declaration: Declaration, item: Entity): GraphQLObjectType {
  const [itemName, listName] = graphqlOwnTypes(declaration) as readonly [string, string];
  const owner = `recommender ${declaration.name}`;
  const itemType = new GraphQLObjectType<Recommendation>({
    name: types.claim(itemName, owner),
    fields: {
      ...Object.fromEntries(
        item.keys.map((key) => [
          key.name,
          { type: new GraphQLNonNull(types.value(key.type, item.name, key.name)), resolve: (source: Recommendation): Value => source.item[key.name]! },
        ]),
      ),
      score: { type: new GraphQLNonNull(GraphQLFloat), description: 'Comparable within one list only.' },
      reason: { type: new GraphQLNonNull(reason) },
    },
  });
  return new GraphQLObjectType({
    name: types.claim(listName, owner),
    fields: {
      recommendationId: { type: new GraphQLNonNull(GraphQLID) },
      items: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(itemType))) },
      degraded: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(GraphQLString))), description: 'What could not be done, and what was done instead.' },
      modelAsOf: { type: new GraphQLNonNull(Timestamp), description: 'The model knows what happened up to this instant.' },
    },
  });
}

function keyArguments(types: SchemaTypes, entity: Entity): GraphQLFieldConfigArgumentMap {
  return Object.fromEntries(
    entity.keys.map((key) => [key.name, { type: new GraphQLNonNull(types.argument(key.type, entity.name, key.name)), description: `Key of ${entity.name}.` }]),
  );
}

function examples([forOne, similar, trending]: readonly [string, string, string], declaration: Declaration, user: Entity, item: Entity, samples: SampleKeys): ExampleQuery[] {
  const keysOf = (entity: Entity): string => entity.keys.map((key, i) => `${key.name}: ${exampleLiteral(key.type, samples[entity.name]?.[i])}`).join(', ');
  const answer = `{\n    items { ${item.keys.map((key) => key.name).join(' ')} score reason { source text } }\n    degraded\n  }`;
  const query = (field: string, args: string): string => `{\n  ${field}(${args}) ${answer}\n}`;
  return [
    { title: `Recommendations for one ${user.name}: ${declaration.name}`, query: query(forOne, `${keysOf(user)}, first: 5`) },
    { title: `Similar to one ${item.name}: ${declaration.name}`, query: query(similar, `${keysOf(item)}, first: 5`) },
    { title: `Trending: ${declaration.name}`, query: query(trending, 'first: 5') },
  ];
}
