import { FIXED_TYPES, GranaryError, graphqlEnumValues, graphqlFeatureType, graphqlValueType, type FieldType } from '@granary/contracts';
import {
  GraphQLBoolean,
  GraphQLEnumType,
  GraphQLFloat,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
  type GraphQLScalarType,
} from 'graphql';
import { Int64, Timestamp } from './scalars.js';

export type ValueType = GraphQLScalarType | GraphQLEnumType | GraphQLList<GraphQLNonNull<GraphQLScalarType | GraphQLEnumType>>;

/** The GraphQL types of declared field types; each is made once for a schema. */
export interface SchemaTypes {
  /** `owner` names an enum's type, if that is what it is: `user_activity`, `lastKind` → `UserActivityLastKind`. */
  value(type: FieldType, ...owner: readonly string[]): ValueType;
  /** `{ value state eventTime }` of one feature. */
  feature(type: FieldType, ...owner: readonly string[]): GraphQLObjectType;
  /** Takes a type name for a declaration. Throws DEFINITION_INVALID when another one has it. */
  claim(name: string, declaration: string): string;
}

export const FeatureStateType = new GraphQLEnumType({
  name: 'FeatureState',
  description: 'Why a feature has a value, or has none.',
  values: {
    PRESENT: { value: 'present', description: 'There is a value.' },
    NULL: { value: 'null', description: 'The entity is known; this value is not.' },
    MISSING: { value: 'missing', description: 'The entity has never been seen.' },
    EXPIRED: { value: 'expired', description: 'What is known is older than the TTL of its feature view.' },
  },
});

const SCALARS = { bool: GraphQLBoolean, int32: GraphQLInt, int64: Int64, float32: GraphQLFloat, float64: GraphQLFloat, string: GraphQLString, timestamp: Timestamp } as const;

export function createSchemaTypes(): SchemaTypes {
  const claimed = new Map<string, string>(FIXED_TYPES.map((name) => [name, 'Granary itself']));
  const enums = new Map<string, GraphQLEnumType>();
  const features = new Map<string, GraphQLObjectType>();

  function claim(name: string, declaration: string): string {
    const holder = claimed.get(name);
    if (holder !== undefined && holder !== declaration) {
      throw new GranaryError('DEFINITION_INVALID', `The GraphQL type ${name} of ${declaration} is already that of ${holder}`, {
        todo: 'Rename one of them.',
        details: { name, declarations: [holder, declaration] },
      });
    }
    claimed.set(name, declaration);
    return name;
  }

  function element(type: Exclude<FieldType, { kind: 'array' | 'map' }>, owner: readonly string[]): GraphQLScalarType | GraphQLEnumType {
    if (type.kind !== 'enum') return SCALARS[type.kind];
    const values = graphqlEnumValues(type);
    if (values === null) return GraphQLString;
    const name = graphqlValueType(type, ...owner);
    const known = enums.get(name);
    // The same name for the same values is one type; for other values the claim is refused.
    claim(name, `the values ${values.join(', ')}`);
    if (known !== undefined) return known;
    const made = new GraphQLEnumType({ name, values: Object.fromEntries(values.map((value) => [value, { value }])) });
    enums.set(name, made);
    return made;
  }

  function value(type: FieldType, ...owner: readonly string[]): ValueType {
    if (type.kind === 'map') throw new Error('maps are not served yet');
    return type.kind === 'array' ? new GraphQLList(new GraphQLNonNull(element(type.of, owner))) : element(type, owner);
  }

  function feature(type: FieldType, ...owner: readonly string[]): GraphQLObjectType {
    const valueType = value(type, ...owner);
    const name = graphqlFeatureType(type, ...owner);
    claim(name, `features of type ${String(valueType)}`);
    const known = features.get(name);
    if (known !== undefined) return known;
    const made = new GraphQLObjectType({
      name,
      fields: {
        value: { type: valueType, description: 'Null unless the state is PRESENT.' },
        state: { type: new GraphQLNonNull(FeatureStateType) },
        eventTime: { type: Timestamp, description: "The newest event of the entity in the feature's view; null when it has none." },
      },
    });
    features.set(name, made);
    return made;
  }

  return { value, feature, claim };
}
