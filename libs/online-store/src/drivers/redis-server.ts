import { Redis } from 'ioredis';
import { unavailable, type RedisOptions } from './redis-address.js';
import { reconnectDelay, serverOptions } from './redis-options.js';
import { chunks, inFlight, READ, rowsOf, sendCommand, within, type KeyedCommand, type RedisPort } from './redis-port.js';
import { openRowConnection, type RowConnection } from './row-connection.js';

/** A single server. Throws STORE_UNAVAILABLE. */
export async function connectServer({ url, connectTimeoutMs = 2_000, commandTimeoutMs = 2_000 }: RedisOptions, address: string): Promise<RedisPort> {
  let lost = 0;
  const onClose = (): void => void (lost += 1);
  const client = await connect(url, connectTimeoutMs, commandTimeoutMs, address, onClose);
  const rows = await openRows().catch((error: unknown) => {
    client.disconnect();
    throw error;
  });

  async function openRows(): Promise<RowConnection> {
    const own = await connect(url, connectTimeoutMs, commandTimeoutMs, address, onClose);
    try {
      return await openRowConnection(own, commandTimeoutMs);
    } catch (error) {
      own.disconnect();
      throw unavailable(address, (error as Error).message, error);
    }
  }

  async function run<T, R>(items: readonly T[], command: KeyedCommand<T, R>): Promise<readonly R[]> {
    if (items.length <= command.most && items.length > 0) return await sendCommand(client, command, items);
    return (await inFlight(chunks(items, command.most), (chunk) => sendCommand(client, command, chunk))).flat();
  }

  return {
    run,
    rows: (keys) => (keys.length === 0 ? null : rows.read(keys)) ?? run(keys, READ).then(rowsOf),
    servers: () => [client],
    processes: () => Promise.resolve([]),
    ping: async () => void (await client.ping()),
    lost: () => lost,
    async close() {
      rows.close();
      await client.quit().catch(() => undefined);
      client.disconnect();
    },
  };
}

async function connect(url: string, connectTimeoutMs: number, commandTimeoutMs: number, address: string, onClose: () => void): Promise<Redis> {
  let opened = false;
  const client = new Redis(url, {
    ...serverOptions(connectTimeoutMs, commandTimeoutMs),
    // An attempt to open is one attempt; only an open store comes back by itself.
    retryStrategy: (attempt) => (opened ? reconnectDelay(attempt) : null),
  });
  let lastError: Error | undefined;
  client.on('error', (error: Error) => (lastError = error));
  try {
    await within(connectTimeoutMs, client.connect());
    // Connecting, ioredis goes on with database 0 where the server refuses another one.
    const { db = 0 } = client.options;
    if (db > 0) await within(connectTimeoutMs, client.select(db));
    opened = true;
    client.on('close', onClose);
    return client;
  } catch (error) {
    // Disconnecting what has ended already would keep the process alive for ioredis's disconnectTimeout.
    if (client.status !== 'end') client.disconnect();
    const cause = lastError ?? (error as Error);
    throw unavailable(address, cause.message, cause);
  }
}
