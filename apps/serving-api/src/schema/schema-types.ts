import { FIXED_TYPES, GranaryError, formatType, graphqlEnumValues, graphqlFeatureType, graphqlValueType, type FieldType, type FeatureValue, type Scalar, type ValueMap } from '@granary/contracts';
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

type Element = GraphQLScalarType | GraphQLEnumType;
export type ArgumentType = Element | GraphQLList<GraphQLNonNull<Element>>;
export type ValueType = ArgumentType | GraphQLList<GraphQLNonNull<GraphQLObjectType>>;

/** The GraphQL types of declared field types; each is made once for a schema. */
export interface SchemaTypes {
  /** `owner` names an enum's type, if that is what it is: `user_activity`, `lastKind` → `UserActivityLastKind`. */
  value(type: FieldType, ...owner: readonly string[]): ValueType;
  /** The same for what is asked. Throws DEFINITION_INVALID for a map, of which GraphQL has no arguments. */
  argument(type: FieldType, ...owner: readonly string[]): ArgumentType;
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
  const entries = new Map<string, GraphQLObjectType>();
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

  function argument(type: FieldType, ...owner: readonly string[]): ArgumentType {
    if (type.kind !== 'map') return type.kind === 'array' ? new GraphQLList(new GraphQLNonNull(element(type.of, owner))) : element(type, owner);
    throw new GranaryError('DEFINITION_INVALID', `${owner.join(' ')} is a ${formatType(type)}, which GraphQL has no arguments of`, { todo: 'Ask for its values in fields of their own.' });
  }

  function value(type: FieldType, ...owner: readonly string[]): ValueType {
    return type.kind === 'map' ? new GraphQLList(new GraphQLNonNull(entry(type))) : argument(type, ...owner);
  }

  function entry(type: Extract<FieldType, { kind: 'map' }>): GraphQLObjectType {
    const name = graphqlValueType(type);
    claim(name, `entries of ${formatType(type)}`);
    const known = entries.get(name);
    if (known !== undefined) return known;
    const made = new GraphQLObjectType({ name, fields: { key: { type: new GraphQLNonNull(GraphQLString) }, value: { type: new GraphQLNonNull(SCALARS[type.of.kind]) } } });
    entries.set(name, made);
    return made;
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
        value: { type: valueType, description: 'Null unless the state is PRESENT.', ...(type.kind === 'map' && { resolve: sortedEntries }) },
        state: { type: new GraphQLNonNull(FeatureStateType) },
        eventTime: { type: Timestamp, description: "The newest event of the entity in the feature's view, of a derived feature in the views that it reads; null when there is none." },
      },
    });
    features.set(name, made);
    return made;
  }

  return { value, argument, feature, claim };
}

function sortedEntries({ value }: FeatureValue): readonly { readonly key: string; readonly value: Scalar }[] | null {
  if (value === null) return null;
  const map = value as ValueMap;
  return Object.keys(map).sort().map((key) => ({ key, value: map[key]! }));
}
