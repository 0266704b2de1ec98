/**
 * What a failure means, whoever meets it. The transports (CLI exit code, GraphQL, HTTP) map from this and from nothing else.
 * - `input`: the request itself is wrong; who sent it can mend it.
 * - `setup`: the declarations, files or configuration are wrong; who runs Granary can mend it, a caller of a server can't.
 * - `notReady`: a job has to run first.
 * - `unreadable`: what is stored is damaged, or of another version.
 * - `unavailable`: a store or service can't be reached; the same request may succeed later.
 * - `busy`: there is more to do than is taken in; the same request succeeds later (`details.retryAfterMs`).
 * - `no`: the answer is no, such as a conflict.
 */
export type ErrorKind = 'input' | 'setup' | 'notReady' | 'unreadable' | 'unavailable' | 'busy' | 'no' | 'cancelled';

/** Every way a user's request can fail. A bug is a plain `Error`; a user's mistake or an unavailable store never is. */
const KINDS = {
  // declarations and registry
  DEFINITION_INVALID: 'setup',
  DEFINITION_NOT_FOUND: 'setup',
  CHECK_FAILED: 'no',
  REGISTRY_CONFLICT: 'no',
  REGISTRY_EMPTY: 'setup',
  SNAPSHOT_NOT_FOUND: 'setup',
  SOURCE_CHANGED: 'setup',
  // values and input
  INVALID_VALUE: 'input',
  INVALID_TIMESTAMP: 'input',
  INVALID_DURATION: 'input',
  INVALID_KEY: 'input',
  MISSING_KEY: 'input',
  TOO_MANY_ENTITIES: 'input',
  /** Asked as of an instant before the one from which the online rows can answer. */
  PAST_NOT_ONLINE: 'input',
  TOO_MANY_EVENTS: 'input',
  UNKNOWN_SOURCE: 'input',
  UNKNOWN_SERVICE: 'input',
  UNKNOWN_RECOMMENDER: 'input',
  UNKNOWN_SCORER: 'input',
  UNKNOWN_MODEL: 'input',
  UNKNOWN_DATASET: 'input',
  INVALID_USAGE: 'input',
  FILE_NOT_FOUND: 'setup',
  FILE_UNREADABLE: 'setup',
  CONFIG_INVALID: 'setup',
  // state of the system
  MODEL_NOT_TRAINED: 'notReady',
  /** A view of which nothing is online: it was never materialised, or the online store has lost what it held. */
  NOT_MATERIALISED: 'notReady',
  NOT_ENOUGH_DATA: 'notReady',
  ARTIFACT_CORRUPT: 'unreadable',
  SCHEMA_MISMATCH: 'unreadable',
  STORE_UNAVAILABLE: 'unavailable',
  STORE_LOCKED: 'unavailable',
  QUERY_FAILED: 'unavailable',
  BUSY: 'busy',
  CANCELLED: 'cancelled',
} as const satisfies Readonly<Record<string, ErrorKind>>;

export type ErrorCode = keyof typeof KINDS;

export const ERROR_CODES = Object.keys(KINDS) as readonly ErrorCode[];

/** The kind of a code that came as text, from another process for example; undefined for one that is not ours. */
export function errorKind(code: unknown): ErrorKind | undefined {
  return typeof code === 'string' && Object.hasOwn(KINDS, code) ? KINDS[code as ErrorCode] : undefined;
}

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
    return KINDS[this.code];
  }
}

export function isGranaryError(error: unknown, code?: ErrorCode): error is GranaryError {
  return error instanceof GranaryError && (code === undefined || error.code === code);
}
