import { createHash } from 'node:crypto';
import { GranaryError } from '@granary/contracts';
import { Redis } from 'ioredis';
import { metaKey, metaText } from './meta.js';
import { assertPacked, ORDER_BYTES, ORDER_OFFSET } from './order.js';
import type { OnlineStore, PackedRow } from './store.js';

export interface RedisOptions {
  /** `redis://[[user]:password@]host[:port][/db]`, or `rediss://` for TLS. */
  readonly url: string;
  /** How long opening may take, and each attempt to reconnect. Default 2000. */
  readonly connectTimeoutMs?: number;
  /** How long one command may take. Default 2000. */
  readonly commandTimeoutMs?: number;
}

// One script call blocks the server for its whole chunk: 500 rows take it about a millisecond.
const ROWS_PER_CHUNK = 500;
const KEYS_PER_DELETE = 5_000;
// Chunks under way at once: enough to keep the server busy, few enough to bound memory and each command's wait.
const CHUNKS_IN_FLIGHT = 4;
const MAX_RECONNECT_DELAY_MS = 1_000;

// Lua compares strings by the server's locale, so order bytes are compared as numbers. Only they leave the stored value.
const WRITE_NEWEST = `
local written = 0
for i = 1, #KEYS do
  local stored = redis.call('GETRANGE', KEYS[i], ${ORDER_OFFSET}, ${ORDER_OFFSET + ORDER_BYTES - 1})
  local newer = #stored < ${ORDER_BYTES}
  if not newer then
    for b = 1, ${ORDER_BYTES} do
      local old, new = string.byte(stored, b), string.byte(ARGV[i], ${ORDER_OFFSET} + b)
      if old ~= new then
        newer = new > old
        break
      end
    end
  end
  if newer then
    redis.call('SET', KEYS[i], ARGV[i])
    written = written + 1
  end
end
return written`;
const WRITE_NEWEST_SHA = createHash('sha1').update(WRITE_NEWEST).digest('hex');

export async function openRedisStore(options: RedisOptions): Promise<OnlineStore> {
  const address = publicAddress(options.url);
  const client = await connect(options, address);
  let closed = false;

  async function guarded<T>(action: () => Promise<T>): Promise<T> {
    if (closed) throw unavailable(address, 'it has been closed', undefined);
    try {
      return await action();
    } catch (error) {
      if (error instanceof TypeError) throw error;
      throw unavailable(address, (error as Error).message, error);
    }
  }

  async function writeChunk(rows: readonly PackedRow[]): Promise<number> {
    const keys = rows.map((row) => row.key);
    const values = rows.map(({ value }) => Buffer.from(value.buffer, value.byteOffset, value.byteLength));
    try {
      return Number(await client.evalsha(WRITE_NEWEST_SHA, keys.length, ...keys, ...values));
    } catch (error) {
      // The server has restarted, or has never seen the script: EVAL runs and keeps it.
      if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
      return Number(await client.eval(WRITE_NEWEST, keys.length, ...keys, ...values));
    }
  }

  return {
    kind: 'redis',
    read: (keys) => guarded(async () => (keys.length === 0 ? [] : await client.mgetBuffer(keys as string[]))),
    async write(rows) {
      assertPacked(rows);
      return guarded(async () => {
        const written = await sumOverChunks(rows, ROWS_PER_CHUNK, writeChunk);
        return { written, stale: rows.length - written };
      });
    },
    delete: (keys) => guarded(() => sumOverChunks(keys, KEYS_PER_DELETE, (chunk) => client.unlink(chunk as string[]))),
    readMeta: (name) =>
      guarded(async (): Promise<unknown> => {
        const text = await client.get(metaKey(name));
        return text === null ? null : JSON.parse(text);
      }),
    async writeMeta(name, json) {
      const text = metaText(name, json);
      return guarded(async () => void (await (json === null ? client.unlink(metaKey(name)) : client.set(metaKey(name), text))));
    },
    ping: () => guarded(async () => void (await client.ping())),
    async close() {
      if (closed) return;
      closed = true;
      await client.quit().catch(() => undefined);
      client.disconnect();
    },
  };
}

/** Chunks go out in groups, so that the server works on one while the next one travels. */
async function sumOverChunks<T>(items: readonly T[], size: number, send: (chunk: readonly T[]) => Promise<number>): Promise<number> {
  let sum = 0;
  for (let from = 0; from < items.length; from += size * CHUNKS_IN_FLIGHT) {
    const group: Promise<number>[] = [];
    for (let at = from; at < Math.min(items.length, from + size * CHUNKS_IN_FLIGHT); at += size) {
      group.push(send(items.slice(at, at + size)));
    }
    for (const count of await Promise.all(group)) sum += count;
  }
  return sum;
}

async function connect({ url, connectTimeoutMs = 2_000, commandTimeoutMs = 2_000 }: RedisOptions, address: string): Promise<Redis> {
  let opened = false;
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: connectTimeoutMs,
    // It holds the process open for this long when a store is closed whose server is gone.
    disconnectTimeout: 200,
    commandTimeout: commandTimeoutMs,
    // A server that accepts commands and never answers: drop the connection and start again.
    socketTimeout: 2 * commandTimeoutMs,
    // Without a connection a command fails at once; a caller in a hurry has its own fallback.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // An attempt to open is one attempt; only an open store comes back by itself.
    retryStrategy: (attempt) => (opened ? Math.min(50 * 2 ** Math.min(attempt, 10), MAX_RECONNECT_DELAY_MS) : null),
    // After a failover the old primary is a replica: reconnecting finds the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  let lastError: Error | undefined;
  client.on('error', (error: Error) => (lastError = error));
  let timer: NodeJS.Timeout | undefined;
  try {
    const deadline = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${connectTimeoutMs} ms`)), connectTimeoutMs);
    });
    await Promise.race([client.connect(), deadline]);
    opened = true;
    return client;
  } catch (error) {
    // Disconnecting what has ended already would keep the process alive for ioredis's disconnectTimeout.
    if (client.status !== 'end') client.disconnect();
    const cause = lastError ?? (error as Error);
    throw unavailable(address, cause.message, cause);
  } finally {
    clearTimeout(timer);
  }
}

/** The address without its password, for messages. Throws CONFIG_INVALID. */
function publicAddress(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !['redis:', 'rediss:'].includes(parsed.protocol) || parsed.hostname === '') {
    throw new GranaryError('CONFIG_INVALID', 'The URL of the online store is no Redis URL', {
      todo: 'Write redis://[[user]:password@]host[:port][/db], or rediss:// for TLS.',
    });
  }
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
}

function unavailable(address: string, reason: string, cause: unknown): GranaryError {
  return new GranaryError('STORE_UNAVAILABLE', `Redis at ${address} can't be used: ${reason}`, {
    todo: 'Check that the server runs, that this machine can reach it, and that the URL and its password are right.',
    details: { kind: 'redis', address },
    ...(cause === undefined ? {} : { cause }),
  });
}
