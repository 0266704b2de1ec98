import { openOnlineStore, type OnlineStore, type PackedRow } from '@granary/online-store';
import { startRedis, whyNoRedis } from '@granary/online-store/testing';
import { Redis } from 'ioredis';
import { open } from 'lmdb';
import type { Bench } from './suite.js';

/** A store of ours beside its bare client: the floor of all that goes through it. */
export interface StorePair {
  readonly kind: 'lmdb' | 'redis';
  readonly store: OnlineStore;
  readonly bareRead: (keys: readonly string[]) => Promise<unknown>;
  readonly bareWrite: (rows: readonly PackedRow[]) => Promise<unknown>;
  /** Removes these rows from both. */
  readonly clear: (keys: readonly string[]) => Promise<unknown>;
}

/** As many rows as our drivers put into one transaction or script call. */
const ROWS_PER_WRITE = { lmdb: 2_000, redis: 500 };
/** Pipelines of a bare Redis client under way at once: as many as our driver has. */
const IN_FLIGHT = 4;

/** LMDB, and Redis where there is a redis-server. */
export async function openStores(bench: Bench): Promise<readonly StorePair[]> {
  const lmdb = await openLmdb(bench);
  const why = whyNoRedis();
  if (why === null) return [lmdb, await openRedis(bench)];
  bench.note(`Redis is skipped: ${why}`);
  return [lmdb];
}

/** The bare client has a database of its own: LMDB can't be opened twice in one process. */
export async function openLmdb(bench: Bench): Promise<StorePair> {
  const store = await openOnlineStore({ kind: 'lmdb', path: bench.folder() });
  bench.defer(() => store.close());
  const db = open<Uint8Array, Uint8Array>({ path: bench.folder(), encoding: 'binary', keyEncoding: 'binary', overlappingSync: false });
  bench.defer(() => db.close());
  return {
    kind: 'lmdb',
    store,
    bareRead: async (keys) => Promise.resolve(keys.map((key) => db.getBinary(Buffer.from(key)))),
    async bareWrite(rows) {
      for (const part of chunks(rows, ROWS_PER_WRITE.lmdb)) {
        await db.transaction(() => part.forEach((row) => db.putSync(Buffer.from(row.key), row.value)));
      }
    },
    async clear(keys) {
      await store.delete(keys);
      await db.clearAsync();
    },
  };
}

async function openRedis(bench: Bench): Promise<StorePair> {
  const server = await startRedis();
  bench.defer(() => server.stop());
  const store = await openOnlineStore({ kind: 'redis', url: server.url });
  bench.defer(() => store.close());
  const client = new Redis(server.url, { retryStrategy: () => null });
  // A failed command rejects by itself; this only keeps a lost connection from ending the process.
  client.on('error', () => undefined);
  bench.defer(() => client.disconnect());
  return {
    kind: 'redis',
    store,
    bareRead: (keys) => client.mgetBuffer(...keys),
    async bareWrite(rows) {
      for (const group of chunks(chunks(rows, ROWS_PER_WRITE.redis), IN_FLIGHT)) {
        await Promise.all(
          group.map((part) => {
            const pipeline = client.pipeline();
            for (const { key, value } of part) pipeline.set(key, Buffer.from(value.buffer, value.byteOffset, value.byteLength));
            return pipeline.exec();
          }),
        );
      }
    },
    clear: () => client.flushdb(),
  };
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
