import { GranaryError, isGranaryError } from '@granary/contracts';

const MEMORY_LIMIT_EXCEEDED = 241;
const MOST_CHUNKS = 4_096;

/** Runs with more and more chunks until every statement stays within its memory. */
export async function withinMemory<T>(chunks: number, run: (chunks: number) => Promise<T>): Promise<T> {
  try {
    return await run(chunks);
  } catch (error) {
    if (!meetsMemoryLimit(error)) throw error;
    if (chunks < MOST_CHUNKS) return withinMemory(chunks * 4, run);
    throw new GranaryError('QUERY_FAILED', `${error.message} (in one of ${chunks} chunks)`, { todo: 'Give the run more memory (maxMemoryBytes, --max-memory): a single entity needs more.', details: error.details, cause: error });
  }
}

/** Whether a statement was stopped by its memory limit; one that had begun to answer says so in words only. */
function meetsMemoryLimit(error: unknown): error is GranaryError {
  return isGranaryError(error, 'QUERY_FAILED') && (error.details['code'] === MEMORY_LIMIT_EXCEEDED || /memory limit exceeded|Code: 241\./.test(error.message));
}
