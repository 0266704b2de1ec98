export { ERROR_CODES, GranaryError, errorKind, isGranaryError } from './errors.js';
export type { ErrorCode, ErrorKind, GranaryErrorOptions } from './errors.js';
export { EARLIEST, LATEST, durationText, formatDuration, formatInstant, parseDuration, parseInstant } from './time.js';
export type { DurationText, Instant } from './time.js';
export { clickhouseType, fieldTypeSchema, formatType, isInteger, isNumeric } from './types.js';
export type { ElementType, FieldType, Scalar, ScalarKind, Value, ValueMap } from './types.js';
export { expressionFunctions, expressionSchema, fieldReferences, literalSchema, replaceFields } from './expression.js';
export type { Expression, ExpressionFunction, FieldReference, Literal } from './expression.js';
export { fieldsRead } from './fields-read.js';
export { formatExpression } from './format-expression.js';
export { callType, expressionType } from './expression-types.js';
export { aggregateType } from './aggregate-types.js';
export { formatWindow, hopProblem, takesHop, windowReach } from './windows.js';
export { computedInputs, inputSources, named, resolveService, servedName, storedSources, viewId } from './resolve.js';
export type { ResolvedService, ResolvedView, ServedFeature } from './resolve.js';
export {
  FIELD_NAME,
  NAME,
  aggregateFunctions,
  boundsKinds,
  derivedSchema,
  entitySchema,
  featureServiceSchema,
  featureViewSchema,
  fileFormats,
  recommenderSchema,
  scorerSchema,
  snapshotSchema,
  sourceSchema,
  versionedViewSchema,
} from './definitions.js';
export type {
  Aggregate,
  AggregateFunction,
  Bounds,
  ComputedSource,
  Definition,
  Derived,
  DerivedFeature,
  Entity,
  Feature,
  FeatureService,
  FeatureView,
  FileFormat,
  Generator,
  Key,
  Recommender,
  RequestField,
  Rule,
  Scorer,
  Site,
  Snapshot,
  Source,
  SourceField,
  VersionedView,
  ViewFeatures,
  Window,
} from './definitions.js';
export { frameSite } from './site.js';
export { encodeKey, parseKey } from './keys.js';
export type { EntityKey } from './keys.js';
export { misfit, parseValue, toJson, valueMap } from './values.js';
export { featureStates } from './features.js';
export type { FeatureState, FeatureValue } from './features.js';
export type { ServedRow } from './served.js';
export { BACKFILL, EVENT, LOG, backfillTable, eventsTable, latestRun, quarantineTable, runsOf } from './tables.js';
export { identifier } from './sql.js';
export type { Statement, StatementParam } from './sql.js';
export type { JobOptions, Progress } from './progress.js';
export {
  graphqlAsOfName,
  FIXED_ROOT_FIELDS,
  FIXED_TYPES,
  REASON_TYPE,
  graphqlEnumValues,
  graphqlFeatureType,
  graphqlFieldName,
  graphqlOwnTypes,
  graphqlRootFields,
  graphqlTypeName,
  graphqlValueType,
} from './graphql-names.js';
