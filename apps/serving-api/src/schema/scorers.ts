import { GranaryError, graphqlOwnTypes, graphqlRootFields, parseInstant, type Scorer as Declaration } from '@granary/contracts';
import { requestTimeField, type FeatureReader, type FeatureRequest, type Score, type Scorer } from '@granary/serving';
import { GraphQLFloat, GraphQLID, GraphQLNonNull, GraphQLObjectType } from 'graphql';
import { argumentsOf, exampleOf, featureFields, type SampleKeys } from './feature-services.js';
import { Timestamp } from './scalars.js';
import { joinParts, type BuildSchemaPart, type SchemaPart } from './schema-part.js';
import type { SchemaTypes } from './schema-types.js';

/** A declared scorer; `trained` is null until `granary train` has made a model of it. */
export interface ServedScorer {
  readonly declaration: Declaration;
  /** Knows the scorer's feature service: its keys and request fields are the arguments. */
  readonly reader: FeatureReader;
  readonly trained: Scorer | null;
}

/** `score_transaction` → `scoreTransaction(customerId: …, terminalId: …, amount: …, at: Timestamp)`. */
export function scorers(served: readonly ServedScorer[], samples: SampleKeys = {}): BuildSchemaPart {
  return (types): SchemaPart => {
    return joinParts(served.map((each) => scorer(types, each, samples)));
  };
}

/** The argument for the time of a request, where the service has no field for it. */
const TIME = 'at';

function scorer(types: SchemaTypes, { declaration, reader, trained }: ServedScorer, samples: SampleKeys): SchemaPart {
  const plan = reader.plan(declaration.service);
  const [field] = graphqlRootFields(declaration);
  const [featuresName, scoreName] = graphqlOwnTypes(declaration) as readonly [string, string];
  const owner = `scorer ${declaration.name}`;
  // Its own type: a model of an older snapshot may have other features than the service has now.
  const features = new GraphQLObjectType({ name: types.claim(featuresName, owner), fields: featureFields(types, plan) });
  const type = new GraphQLObjectType<Score>({
    name: types.claim(scoreName, owner),
    fields: {
      scoreId: { type: new GraphQLNonNull(GraphQLID) },
      probability: { type: new GraphQLNonNull(GraphQLFloat), description: `That ${declaration.label} is true, 0 to 1.` },
      features: { type: new GraphQLNonNull(features), description: 'The features that were used, and their states.' },
    },
  });
  const time = requestTimeField(reader.snapshot, declaration);
  const args = argumentsOf(types, plan);
  if (time === null && args[TIME] !== undefined) {
    throw new GranaryError('DEFINITION_INVALID', `scorer ${declaration.name}: its feature service has an argument "${TIME}", which is the time of the request`, { todo: 'Rename the key or request field.' });
  }
  return {
    fields: {
      [field]: {
        type,
        description: `Scores one request by the model ${declaration.name}: the probability that ${declaration.label} is true.`,
        args: { ...args, [time ?? TIME]: { type: Timestamp, description: 'When it happens; default: now.' } },
        resolve: (_source, { [time ?? TIME]: at, ...request }: FeatureRequest) => {
          if (trained === null) {
            throw new GranaryError('MODEL_NOT_TRAINED', `${declaration.name} has not been trained`, { todo: `Run granary train ${declaration.name}, then start serving again.` });
          }
          return trained.score(request, at === undefined || at === null ? undefined : parseInstant(at));
        },
      },
    },
    examples: [{ title: `Score of one request: ${declaration.name}`, query: exampleOf(plan, field, samples, (selection) => `    probability\n    features {\n${selection.replaceAll(/^/gm, '  ')}\n    }`) }],
  };
}
