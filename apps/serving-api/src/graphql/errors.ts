import { randomUUID } from 'node:crypto';
import { errorKind, isGranaryError, type GranaryError } from '@granary/contracts';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { QUERY_TOO_LARGE } from './limits.js';

/** What went wrong inside, for the server's log only. */
export interface InternalError {
  /** The caller was given it too. */
  readonly id: string;
  readonly code: string;
  readonly path: string;
  readonly error: unknown;
}

export type LogInternalError = (entry: InternalError) => void;

const INTERNAL = 'INTERNAL_SERVER_ERROR';

/** The HTTP status for a GraphQL error code, where no part of the answer could be given. */
export function statusOf(code: unknown): 400 | 429 | 500 | 503 {
  const kind = errorKind(code);
  if (kind === 'busy') return 429;
  if (kind === 'unavailable' || kind === 'notReady') return 503;
  return code === INTERNAL ? 500 : 400;
}

/**
 * Apollo's `formatError`: the one place where errors become answers. A caller's mistake, and what is not ready yet, keeps
 * its code, message and todo; GraphQL's own errors keep Apollo's codes; anything else gets an id, and its details go to the
 * log only.
 */
export function errorFormatter(log: LogInternalError): (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError {
  return (formatted, error) => {
    const cause = rootCause(error);
    if (isGranaryError(cause)) return fromGranary(formatted, cause, log);
    const code = cause instanceof GraphQLError && cause.extensions['code'] === QUERY_TOO_LARGE ? QUERY_TOO_LARGE : formatted.extensions?.['code'];
    if (typeof code === 'string' && code !== INTERNAL) return { ...placeOf(formatted), message: formatted.message, extensions: { code } };
    return hidden(formatted, cause, INTERNAL, 'Something went wrong on our side', log);
  };
}

function fromGranary(formatted: GraphQLFormattedError, error: GranaryError, log: LogInternalError): GraphQLFormattedError {
  const { code, kind, message, todo } = error;
  switch (kind) {
    case 'input':
    // Names only things of the registry, no hosts and paths.
    case 'notReady':
    case 'busy':
      return { ...placeOf(formatted), message, extensions: { code, ...(todo === undefined ? {} : { todo }), details: error.details } };
    case 'unavailable':
      return hidden(formatted, error, code, 'A store that this answer needs is unavailable', log);
    case 'setup':
    case 'unreadable':
    case 'no':
    case 'cancelled':
      return hidden(formatted, error, INTERNAL, 'Something went wrong on our side', log);
  }
}

function hidden(formatted: GraphQLFormattedError, error: unknown, code: string, message: string, log: LogInternalError): GraphQLFormattedError {
  const id = randomUUID();
  log({ id, code, path: formatted.path?.join('.') ?? '', error });
  return { ...placeOf(formatted), message: `${message}; the server's log has the details under ${id}`, extensions: { code, id } };
}

function placeOf({ locations, path }: GraphQLFormattedError): Pick<GraphQLFormattedError, 'locations' | 'path'> {
  return { ...(locations === undefined ? {} : { locations }), ...(path === undefined ? {} : { path }) };
}

/** GraphQL wraps what a resolver throws, sometimes twice. */
function rootCause(error: unknown): unknown {
  let cause = error;
  while (cause instanceof Error && 'originalError' in cause && cause.originalError instanceof Error) cause = cause.originalError;
  return cause;
}

/** One line of JSON on stderr. */
export function logToStderr({ id, code, path, error }: InternalError): void {
  const stack = error instanceof Error ? error.stack : String(error);
  const cause = error instanceof Error && error.cause !== undefined ? { cause: String(error.cause) } : {};
  process.stderr.write(`${JSON.stringify({ level: 'error', time: new Date().toISOString(), id, code, path, stack, ...cause })}\n`);
}
