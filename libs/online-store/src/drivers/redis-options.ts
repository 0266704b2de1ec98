const MAX_RECONNECT_DELAY_MS = 1_000;

/** ioredis's options for a connection to one server. `commandTimeoutMs` 0: none, for commands that wait. */
export function connectionOptions(connectTimeoutMs: number, commandTimeoutMs: number) {
  return {
    connectTimeout: connectTimeoutMs,
    // It holds the process open for this long when a store is closed whose server is gone.
    disconnectTimeout: 200,
    // A server that accepts commands and never answers: drop the connection and start again.
    ...(commandTimeoutMs > 0 && { commandTimeout: commandTimeoutMs, socketTimeout: 2 * commandTimeoutMs }),
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
  } as const;
}

/** The same, to a server of its own, which is not connected to yet. */
export function serverOptions(connectTimeoutMs: number, commandTimeoutMs: number) {
  return {
    ...connectionOptions(connectTimeoutMs, commandTimeoutMs),
    lazyConnect: true,
    // Without a connection a command fails at once; a caller in a hurry has its own fallback.
    enableOfflineQueue: false,
    // After a failover the old primary is a replica: reconnecting finds the new one.
    reconnectOnError: (error: Error): boolean => error.message.startsWith('READONLY'),
  } as const;
}

/** Milliseconds before the n-th attempt to connect again: doubling, and spread, so that many clients don't come back in one moment. */
export function reconnectDelay(attempt: number): number {
  const longest = Math.min(50 * 2 ** Math.min(attempt, 10), MAX_RECONNECT_DELAY_MS);
  return longest * (0.5 + Math.random() / 2);
}
