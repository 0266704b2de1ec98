import { Redis } from 'ioredis';
import { unavailable, type RedisOptions } from './redis-address.js';
import { reconnectDelay, serverOptions } from './redis-options.js';
import { chunks, inFlight, READ, rowsOf, sendCommand, within, type KeyedCommand, type RedisPort } from './redis-port.js';
import { openRowConnection } from './row-connection.js';

/** A single server. Throws STORE_UNAVAILABLE. */
export async function connectServer({ url, connectTimeoutMs = 2_000, commandTimeoutMs = 2_000 }: RedisOptions, address: string): Promise<RedisPort> {
  const client = await connect(url, connectTimeoutMs, commandTimeoutMs, address);
  let lost = 0;
  client.on('close', () => (lost += 1));
  const rows = await openRowConnection(await connect(url, connectTimeoutMs, commandTimeoutMs, address), commandTimeoutMs);

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

async function connect(url: string, connectTimeoutMs: number, commandTimeoutMs: number, address: string): Promise<Redis> {
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
    opened = true;
    return client;
  } catch (error) {
    // Disconnecting what has ended already would keep the process alive for ioredis's disconnectTimeout.
    if (client.status !== 'end') client.disconnect();
    const cause = lastError ?? (error as Error);
    throw unavailable(address, cause.message, cause);
  }
}
