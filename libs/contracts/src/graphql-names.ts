import type { FeatureService, Recommender, Scorer } from './definitions.js';
import type { FieldType, ScalarKind } from './types.js';

/** Root fields that every schema of the serving API has. */
export const FIXED_ROOT_FIELDS = ['status', 'featureServices'] as const;

/** Types that every schema of the serving API has, or would have in its next version: no declaration may bring them. */
export const FIXED_TYPES = [
  'Query',
  'Mutation',
  'Subscription',
  'Int',
  'Float',
  'String',
  'Boolean',
  'ID',
  'Int64',
  'Timestamp',
  'FeatureState',
  'ServingStatus',
  'FeatureViewStatus',
  'FeatureInfo',
  'FeatureServiceInfo',
] as const;

/** The type of why an item is recommended; there is one for all recommenders. */
export const REASON_TYPE = 'RecommendationReason';

/** The root field of a feature service, recommender or scorer, for servers and clients alike: `user_page` → `userPage`. */
export function graphqlFieldName(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The object type of what it gives: `user_page` → `UserPage`; `lastKind` → `LastKind`. */
export function graphqlTypeName(name: string): string {
  const field = graphqlFieldName(name);
  return field.charAt(0).toUpperCase() + field.slice(1);
}

type Served = FeatureService | Recommender | Scorer;

/** All root fields of a declaration, its own one first. */
export function graphqlRootFields({ kind, name }: Pick<Served, 'kind' | 'name'>): readonly [string, ...string[]] {
  const field = graphqlFieldName(name);
  switch (kind) {
    case 'featureService':
      return [field, `${field}Batch`];
    case 'recommender':
      return [field, `${field}Similar`, `${field}Trending`];
    case 'scorer':
      return [field];
  }
}

/** The argument for the instant of a read; a service may have a key or request field of that name itself. */
export function graphqlAsOfName(fields: readonly string[]): string {
  return ['at', 'asOf', 'readAsOf'].find((name) => !fields.includes(name)) ?? 'readAsOf';
}

/** The types that belong to a declaration alone. */
export function graphqlOwnTypes({ kind, name }: Pick<Served, 'kind' | 'name'>): readonly string[] {
  const type = graphqlTypeName(name);
  switch (kind) {
    case 'featureService':
      return [type, `${type}Key`];
    case 'recommender':
      return [`${type}Item`, `${type}Recommendations`];
    case 'scorer':
      return [`${type}Features`, `${type}Score`];
  }
}

const SCALARS: Readonly<Record<ScalarKind, string>> = { bool: 'Boolean', int32: 'Int', int64: 'Int64', float32: 'Float', float64: 'Float', string: 'String', timestamp: 'Timestamp' };
const ENUM_VALUE = /^(?!__)(?!(?:true|false|null)$)[_A-Za-z][_0-9A-Za-z]*$/;

/** The values of an enum that GraphQL can have as one; null for all other types, which are scalars there. Of an array: its elements'. */
export function graphqlEnumValues(type: FieldType): readonly string[] | null {
  const element = type.kind === 'array' ? type.of : type;
  return element.kind === 'enum' && element.values.every((value) => ENUM_VALUE.test(value)) ? element.values : null;
}

/** The type of a value, of an array: of its elements, of a map: of its entries `{ key value }`. An enum is named by its owner: `user_activity`, `lastKind` → `UserActivityLastKind`. */
export function graphqlValueType(type: FieldType, ...owner: readonly string[]): string {
  if (type.kind === 'map') return `${SCALARS[type.of.kind]}Entry`;
  const element = type.kind === 'array' ? type.of : type;
  if (element.kind !== 'enum') return SCALARS[element.kind];
  return graphqlEnumValues(element) === null ? SCALARS.string : owner.map(graphqlTypeName).join('');
}

/** The type of a feature: `{ value state eventTime }`. */
export function graphqlFeatureType(type: FieldType, ...owner: readonly string[]): string {
  return `${graphqlValueType(type, ...owner)}${type.kind === 'array' ? 'List' : type.kind === 'map' ? 'Map' : ''}Feature`;
}
