import { GranaryError, isGranaryError } from '@granary/contracts';

/** What ClickHouse says when `accurateCast` meets a sum that int64, or a count that int32, can't hold. */
const OVERFLOW = /cannot be safely converted into type/;

/** Runs a statement over `what`; an integer that outgrows its type is reported as what it is, not as a failing store. */
export async function explainOverflow<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!isGranaryError(error, 'QUERY_FAILED') || !OVERFLOW.test(error.message)) throw error;
    throw new GranaryError('INVALID_VALUE', `${what}: an integer sum leaves int64 for at least one entity`, {
      todo: 'Declare the summed field as float64, or shorten the window; the event with the absurd value can be found in the events table.',
      details: error.details,
      cause: error,
    });
  }
}
