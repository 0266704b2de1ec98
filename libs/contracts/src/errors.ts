/** Every way a user's request can fail. A bug is a plain `Error`; a user's mistake or an unavailable store never is. */
export const ERROR_CODES = [
  // declarations and registry
  'DEFINITION_INVALID',
  'DEFINITION_NOT_FOUND',
  'REGISTRY_CONFLICT',
  'REGISTRY_EMPTY',
  'SNAPSHOT_NOT_FOUND',
  'SOURCE_CHANGED',
  // values and input
  'INVALID_VALUE',
  'INVALID_TIMESTAMP',
  'INVALID_DURATION',
  'INVALID_KEY',
  'MISSING_KEY',
  'TOO_MANY_ENTITIES',
  'UNKNOWN_SERVICE',
  'UNKNOWN_RECOMMENDER',
  'UNKNOWN_SCORER',
  'FILE_NOT_FOUND',
  'FILE_UNREADABLE',
  'INVALID_USAGE',
  'CONFIG_INVALID',
  // state of the system
  'NOT_MATERIALISED',
  'MODEL_NOT_TRAINED',
  'NOT_ENOUGH_DATA',
  'ARTIFACT_CORRUPT',
  'SCHEMA_MISMATCH',
  'STORE_UNAVAILABLE',
  'STORE_LOCKED',
  'QUERY_FAILED',
  'CANCELLED',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** What a failure means to a caller; the transports (CLI exit code, GraphQL, HTTP) map from this and from nothing else. */
export type ErrorKind = 'no' | 'input' | 'unavailable' | 'cancelled';

const KINDS: Partial<Record<ErrorCode, ErrorKind>> = {
  REGISTRY_CONFLICT: 'no',
  STORE_UNAVAILABLE: 'unavailable',
  STORE_LOCKED: 'unavailable',
  QUERY_FAILED: 'unavailable',
  CANCELLED: 'cancelled',
};

export interface GranaryErrorOptions {
  /** What the reader should do next, as a sentence. */
  readonly todo?: string;
  /** Structured facts: names, positions, both values. Must be JSON-serialisable. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** An error that its reader can act on: a stable code, what happened, and what to do. */
export class GranaryError extends Error {
  readonly code: ErrorCode;
  readonly todo: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: GranaryErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'GranaryError';
    this.code = code;
    this.todo = options.todo;
    this.details = options.details ?? {};
  }

  get kind(): ErrorKind {
    return KINDS[this.code] ?? 'input';
  }
}

export function isGranaryError(error: unknown, code?: ErrorCode): error is GranaryError {
  return error instanceof GranaryError && (code === undefined || error.code === code);
}
