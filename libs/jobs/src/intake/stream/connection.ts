import { GranaryError, type Source } from '@granary/contracts';
import { reconnectDelay, redisServerOptions } from '@granary/online-store';
import type { Redis } from 'ioredis';

export interface StreamOptions {
  /** `redis://[[user]:password@]host[:port][/db]`, or `rediss://` for TLS. */
  readonly url: string;
  /** Streams of one project are `<project>:intake:<source>`. */
  readonly project: string;
}

/** The consumer group of all workers. */
export const GROUP = 'granary';
/** The one field of an entry: the event as JSON text, as it came. */
export const ROW = 'row';
export const ORIGIN = 'origin';

const CONNECT_TIMEOUT_MS = 2_000;

export function streamKey({ project }: Pick<StreamOptions, 'project'>, source: Pick<Source, 'name'>): string {
  return `${project}:intake:${source.name}`;
}

/** A connection that comes back by itself; while it is away a command fails at once. `commandTimeoutMs` 0: none, for commands that wait. */
export async function connectStream({ url }: StreamOptions, commandTimeoutMs: number): Promise<Redis> {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !['redis:', 'rediss:'].includes(parsed.protocol)) {
    throw new GranaryError('CONFIG_INVALID', 'The URL of the streams is no Redis URL', { todo: 'Write redis://[[user]:password@]host[:port][/db], or rediss:// for TLS.' });
  }
  const { Redis } = await import('ioredis');
  const client = new Redis(url, {
    ...redisServerOptions(CONNECT_TIMEOUT_MS, commandTimeoutMs),
    retryStrategy: reconnectDelay,
  });
  // What fails is told by the command that fails.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    client.disconnect();
    throw streamError(error);
  }
}

/** OOM is a stream that has no room in Redis; all else is Redis away. */
export function streamError(error: unknown): GranaryError {
  if (error instanceof GranaryError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (message.startsWith('OOM')) {
    return new GranaryError('BUSY', 'The stream has no room', { todo: 'Send the same again later; if it lasts, give Redis more memory or look after the worker.', details: { retryAfterMs: 5_000 }, cause: error });
  }
  return new GranaryError('STORE_UNAVAILABLE', `The streams can't be used: ${message}`, { todo: 'Check that Redis runs and that its URL and password are right.', cause: error });
}

/** Throws CONFIG_INVALID where Redis is known to forget what it acknowledged when it ends. */
export async function requireAppendOnly(client: Redis): Promise<void> {
  let answer: unknown;
  try {
    answer = await client.config('GET', 'appendonly');
  } catch (error) {
    // Managed servers don't tell.
    if (/unknown command|NOPERM|ERR/.test((error as Error).message)) return;
    throw streamError(error);
  }
  if (Array.isArray(answer) && answer[1] === 'no') {
    throw new GranaryError('CONFIG_INVALID', 'The Redis of the streams keeps nothing on disk: an acknowledged event would be lost with it', {
      todo: 'Start it with appendonly yes (and appendfsync always, where the machine itself may fail).',
    });
  }
}
