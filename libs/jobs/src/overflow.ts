import { GranaryError, isGranaryError } from '@granary/contracts';

/** What ClickHouse says when `accurateCast` meets a count that int32 can't hold. */
const OVERFLOW = /cannot be safely converted into type/;

/** Runs a statement over `what`; a count that outgrows its type is reported as what it is, not as a failing store. */
export async function explainOverflow<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!isGranaryError(error, 'QUERY_FAILED') || !OVERFLOW.test(error.message)) throw error;
    throw new GranaryError('INVALID_VALUE', `${what}: a count leaves int32 for at least one entity`, {
      todo: 'Shorten the window, or count fewer events with where(…).',
      details: error.details,
      cause: error,
    });
  }
}
