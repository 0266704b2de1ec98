import { withCircuit, type CircuitOptions } from './circuit.js';
import { openLmdbStore, type LmdbOptions } from './drivers/lmdb.js';
import { openRedisStore } from './drivers/redis.js';
import type { RedisOptions } from './drivers/redis-address.js';
import type { OnlineStore } from './store.js';

export type OnlineStoreOptions = (({ readonly kind: 'lmdb' } & LmdbOptions) | ({ readonly kind: 'redis' } & RedisOptions)) & {
  /** When calls fail at once instead of waiting for a store that is gone. */
  readonly circuit?: CircuitOptions;
};

/** Resolves when the store answers. It comes back by itself after a failure. Throws STORE_UNAVAILABLE and CONFIG_INVALID. */
export async function openOnlineStore(options: OnlineStoreOptions): Promise<OnlineStore> {
  return withCircuit(await openDriver(options), options.circuit);
}

function openDriver(options: OnlineStoreOptions): Promise<OnlineStore> {
  switch (options.kind) {
    case 'lmdb':
      return openLmdbStore(options);
    case 'redis':
      return openRedisStore(options);
  }
}
