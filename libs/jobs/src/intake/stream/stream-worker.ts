import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isGranaryError, type Snapshot, type Source } from '@granary/contracts';
import type { Redis } from 'ioredis';
import type { EventSink } from '../event-sink.js';
import { readLine } from '../read-rows.js';
import { GROUP, ORIGIN, ROW, connectStream, streamError, streamKey, type StreamOptions } from './connection.js';

export interface StreamWorkerOptions extends StreamOptions {
  readonly snapshot: Pick<Snapshot, 'sources'>;
  /** Where events go; whoever made it closes it, after the worker. */
  readonly sink: EventSink;
  /** Events that are stored at once. Default 2,000. */
  readonly batchRows?: number;
  /** How long a worker that ended without a word keeps others from its sources. Default 10,000. */
  readonly leaseMs?: number;
  /** Told of what fails and will be tried again. Default: nobody. */
  readonly onTrouble?: (source: string, error: unknown) => void;
}

export interface StreamWorker {
  /** Finishes the batches under way and lets go of the sources. */
  close(): Promise<void>;
}

const BLOCK_MS = 500;
const COMMAND_TIMEOUT_MS = 5_000;
const LONGEST_PAUSE_MS = 5_000;

/** Entry id and fields; the fields of one that was deleted are null. */
type Entry = readonly [id: string, fields: readonly string[] | null];

const RENEW = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0`;
const RELEASE = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

/**
 * Stores what stands on the streams of all stored sources: reads with a consumer group, hands to the sink, and acknowledges
 * and deletes what is stored. What another worker took and did not acknowledge is claimed. An event may be handed on
 * twice, and is the same event then. One worker at a time has a source (a lease in Redis), as appends to one
 * source from two processes at once could give two events one sequence; others stand by. Throws STORE_UNAVAILABLE.
 */
export async function startStreamWorker(options: StreamWorkerOptions): Promise<StreamWorker> {
  const stop = new AbortController();
  const sources = options.snapshot.sources.filter(({ computed }) => computed === undefined);
  const client = await connectStream(options, COMMAND_TIMEOUT_MS);
  const loops = sources.map((source) => work(options, source, client, stop.signal));
  return {
    async close() {
      stop.abort();
      await Promise.all(loops);
      client.disconnect();
    },
  };
}

async function work(options: StreamWorkerOptions, source: Source, client: Redis, stop: AbortSignal): Promise<void> {
  const { leaseMs = 10_000, onTrouble = () => undefined } = options;
  const key = streamKey(options, source);
  const lease = `${key}:worker`;
  const me = randomUUID();
  let reader: Redis | undefined;
  let failures = 0;
  while (!stop.aborted) {
    let renewing: NodeJS.Timeout | undefined;
    try {
      if ((await client.set(lease, me, 'PX', leaseMs, 'NX')) === null) {
        await pause(leaseMs / 5, stop);
        continue;
      }
      const held = { until: Date.now() + leaseMs };
      renewing = setInterval(() => {
        const asked = Date.now();
        client.eval(RENEW, 1, lease, me, leaseMs).then((kept) => { held.until = kept === 1 ? asked + leaseMs : 0; }, () => undefined);
      }, leaseMs / 4);
      reader ??= await connectStream(options, 0);
      await client.xgroup('CREATE', key, GROUP, '0', 'MKSTREAM').catch((error: Error) => {
        if (!error.message.startsWith('BUSYGROUP')) throw error;
      });
      await consume(options, source, key, me, reader, client, () => !stop.aborted && Date.now() < held.until, () => (failures = 0));
    } catch (error) {
      onTrouble(source.name, isGranaryError(error) ? error : streamError(error));
      failures += 1;
      const asked = isGranaryError(error, 'BUSY') ? Number(error.details['retryAfterMs']) : 50 * 2 ** Math.min(failures, 8);
      await pause(Math.min(asked, LONGEST_PAUSE_MS), stop);
    } finally {
      clearInterval(renewing);
      // If Redis is away the lease ends by itself.
      await client.eval(RELEASE, 1, lease, me).catch(() => undefined);
    }
  }
  reader?.disconnect();
}

async function consume(options: StreamWorkerOptions, source: Source, key: string, me: string, reader: Redis, client: Redis, mayGoOn: () => boolean, onStored: () => void): Promise<void> {
  const { sink, batchRows = 2_000 } = options;
  const store = async (entries: readonly Entry[]): Promise<void> => {
    for (const [origin, rows] of byOrigin(entries)) await sink.accept(source.name, rows, { origin });
    const ids = entries.map(([id]) => id);
    await client.multi().xack(key, GROUP, ...ids).xdel(key, ...ids).exec();
    onStored();
  };
  // With the lease all that is pending is that of others who are gone, or this one's own from before a failure.
  for (let from = '0-0'; mayGoOn(); ) {
    const [next, entries] = (await client.xautoclaim(key, GROUP, me, 0, from, 'COUNT', batchRows)) as [string, Entry[]];
    if (entries.length > 0) await store(entries);
    if (next === '0-0') break;
    from = next;
  }
  while (mayGoOn()) {
    const answer = (await reader.xreadgroup('GROUP', GROUP, me, 'COUNT', batchRows, 'BLOCK', BLOCK_MS, 'STREAMS', key, '>')) as [string, Entry[]][] | null;
    if (answer !== null) await store(answer[0]![1]);
  }
}

function byOrigin(entries: readonly Entry[]): Map<string, unknown[]> {
  const rows = new Map<string, unknown[]>();
  for (const [, fields] of entries) {
    if (fields === null) continue;
    const origin = fields[fields.indexOf(ORIGIN) + 1]!;
    const list = rows.get(origin) ?? [];
    list.push(readLine(fields[fields.indexOf(ROW) + 1]!));
    rows.set(origin, list);
  }
  return rows;
}

async function pause(ms: number, stop: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: stop }).catch(() => undefined);
}
