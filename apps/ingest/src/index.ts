export { createIngestApp, DEFAULT_BODY_LIMITS } from './create-ingest-app.js';
export type { BodyLimits, IngestApp, IngestAppOptions } from './create-ingest-app.js';
export { logToStderr } from './errors.js';
export type { InternalError, LogInternalError } from './errors.js';
