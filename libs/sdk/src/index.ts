export type { DurationText, FeatureState } from '@granary/contracts';
export {
  approxCountDistinct,
  approxPercentile,
  avg,
  count,
  countBy,
  countDistinct,
  decayedCount,
  decayedSum,
  first,
  last,
  lastN,
  latest,
  max,
  min,
  percentile,
  rate,
  ratio,
  stddevPopulation,
  stddevSample,
  sum,
  timeSinceLast,
  topK,
  variancePopulation,
  varianceSample,
} from './aggregates.js';
export type { Aggregation, FeatureDeclaration, OpenAggregation, WindowOptions, WindowText } from './aggregation.js';
export { connect } from './client.js';
export type { ConnectOptions, FeatureClient, GranaryClient, ReadOptions } from './client.js';
export { enriched, sqlSource } from './computed-source.js';
export type { SqlSourceOptions } from './computed-source.js';
export type { Declaration } from './declaration.js';
export { derived } from './derived.js';
export type { DerivedDeclaration, DerivedInput, DerivedPick } from './derived.js';
export { entity } from './entity.js';
export type { EntityDeclaration, Fields, ObjectOf } from './entity.js';
export type { AnyExpression, BoolExpression, Column, ExpressionOf, Field, NumberExpression, TextExpression, TimeExpression } from './expression.js';
export { haversineKm, oneHot, when } from './expression-functions.js';
export type { OneHot } from './expression-functions.js';
export { featureService } from './feature-service.js';
export type { FeatureServiceDeclaration, RequestFor, RowOf, ServicePart } from './feature-service.js';
export { featureView } from './feature-view.js';
export type { EventFields, FeaturesOf, FeatureViewDeclaration } from './feature-view.js';
export type { ArrayOf, EnumOf, Kind, MapOf, ValueFor } from './kinds.js';
export { ease, itemToItem, notSeen, recommender, trending } from './recommender.js';
export type { RecommenderDeclaration, RecommenderOptions } from './recommender.js';
export { request } from './request.js';
export type { RequestDeclaration } from './request.js';
export { scorer } from './scorer.js';
export type { ScorerDeclaration, ScorerOptions } from './scorer.js';
export { source, timeless } from './source.js';
export type { SourceDeclaration, SourceOptions } from './source.js';
export { t } from './types.js';
export type { Type, ValueOf } from './types.js';
export type { FeatureViewPick, ViewUse } from './view-use.js';
