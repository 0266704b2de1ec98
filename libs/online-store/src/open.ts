import { withCircuit, type CircuitOptions } from './circuit.js';
import type { LmdbOptions } from './drivers/lmdb.js';
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

/** Loads only the driver that is asked for: many a process opens neither. */
async function openDriver(options: OnlineStoreOptions): Promise<OnlineStore> {
  switch (options.kind) {
    case 'lmdb':
      return (await import('./drivers/lmdb.js')).openLmdbStore(options);
    case 'redis':
      return (await import('./drivers/redis.js')).openRedisStore(options);
  }
}
