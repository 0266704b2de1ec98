export { FeatureReader } from './features/feature-reader.js';
export type { FeatureReaderOptions, FeatureRow, ReadOptions, ViewFreshness } from './features/feature-reader.js';
export type { FeatureMatrix } from './features/matrix.js';
export { planService } from './features/plan.js';
export type { PlannedFeature, PlannedView, ServicePlan } from './features/plan.js';
export type { FeatureRequest } from './features/request.js';
