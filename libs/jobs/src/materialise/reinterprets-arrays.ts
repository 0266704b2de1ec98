import { isGranaryError } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';

const ILLEGAL_TYPE_OF_ARGUMENT = 43;
const known = new WeakMap<OfflineStore, Promise<boolean>>();

/** Whether the engine gives the bytes of an array at once, which ClickHouse does since 26.7; it is asked once in a store's life. */
export function reinterpretsArrays(store: OfflineStore): Promise<boolean> {
  const answer = known.get(store) ?? ask(store);
  known.set(store, answer);
  answer.catch(() => known.delete(store));
  return answer;
}

async function ask(store: OfflineStore): Promise<boolean> {
  try {
    await store.rows({ sql: `SELECT length(reinterpret([toUInt8(1), 0], 'String')) AS bytes`, params: {} });
    return true;
  } catch (error) {
    if (isGranaryError(error, 'QUERY_FAILED') && error.details['code'] === ILLEGAL_TYPE_OF_ARGUMENT) return false;
    throw error;
  }
}
