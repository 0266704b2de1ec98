import { types } from 'node:util';
import { ClickHouseError } from '@clickhouse/client';
import { GranaryError } from '@granary/contracts';

const UNREACHABLE = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EPIPE']);
const REFUSED_LOGIN = new Set(['192', '193', '194', '516']);
const TODO: Readonly<Record<string, string>> = {
  '159': 'Give the statement more time (maxExecutionSeconds) or less to do.',
  '241': 'Give the statement more memory (maxMemoryBytes) or less to do.',
};

export interface Failure {
  readonly queryId: string;
  readonly comment: string;
  readonly signal: AbortSignal | undefined;
  /** How to name the store: its directory or its URL. */
  readonly where: string;
}

/** The one place where what the client throws becomes CANCELLED, STORE_UNAVAILABLE or QUERY_FAILED. */
export function storeError(cause: unknown, failure: Failure): GranaryError {
  if (cause instanceof GranaryError) return cause;
  const { queryId, comment } = failure;
  if (failure.signal?.aborted) return new GranaryError('CANCELLED', `${comment} was cancelled`, { details: { queryId }, cause });
  // Not instanceof: errors of Node itself may come from another realm.
  const error = types.isNativeError(cause) ? cause : new Error(String(cause));
  const errno = (error as NodeJS.ErrnoException).code ?? '';
  if (error instanceof ClickHouseError && !REFUSED_LOGIN.has(error.code)) {
    return new GranaryError('QUERY_FAILED', error.message, {
      todo: TODO[error.code] ?? 'Read what ClickHouse says; the statement is found in its log by the query id.',
      details: { code: Number(error.code), type: error.type ?? null, queryId, comment },
      cause,
    });
  }
  if (error instanceof ClickHouseError || UNREACHABLE.has(errno) || /^(Timeout error|socket hang up)/.test(error.message)) {
    return new GranaryError('STORE_UNAVAILABLE', `ClickHouse at ${failure.where}: ${error.message || errno}`, {
      todo: 'Check that it runs and that the URL, the user and the password are right.',
      details: { where: failure.where, queryId },
      cause,
    });
  }
  return new GranaryError('QUERY_FAILED', error.message, { details: { queryId, comment }, cause });
}
