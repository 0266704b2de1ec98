import { openLmdbStore, type LmdbOptions } from './drivers/lmdb.js';
import { openRedisStore } from './drivers/redis.js';
import type { RedisOptions } from './drivers/redis-address.js';
import type { OnlineStore } from './store.js';

export type OnlineStoreOptions = ({ readonly kind: 'lmdb' } & LmdbOptions) | ({ readonly kind: 'redis' } & RedisOptions);

/** Resolves when the store answers. Throws STORE_UNAVAILABLE and CONFIG_INVALID. */
export function openOnlineStore(options: OnlineStoreOptions): Promise<OnlineStore> {
  switch (options.kind) {
    case 'lmdb':
      return openLmdbStore(options);
    case 'redis':
      return openRedisStore(options);
  }
}
