import { GranaryError } from '@granary/contracts';
import type { OnlineStore, PackedRow } from '../store.js';
import { assertBases, assertFrames } from '../value.js';
import { framesByKey, olderFormat, type KeyFrames } from './frames.js';
import { metaKey, metaText } from './meta.js';
import { clusterRefusal, isClusterRefusal, isClusterUrl, publicAddress, unavailable, type RedisOptions } from './redis-address.js';
import { connectCluster } from './redis-cluster.js';
import type { Argument, KeyedCommand } from './redis-port.js';
import { evictions } from './redis-hazards.js';
import { sampleServers } from './redis-sample.js';
import { APPEND_FRAMES, SWAP, WRITE_BASES, type Script } from './redis-scripts.js';
import { connectServer } from './redis-server.js';

// One script call blocks the server for its whole chunk: 500 rows take it about a millisecond.
const ROWS_PER_SCRIPT = 500;
const KEYS_PER_DELETE = 5_000;

/** Answers how many of the keys there were, at the first one. */
const DELETE: KeyedCommand<string, number> = {
  most: KEYS_PER_DELETE,
  name: 'unlink',
  key: (key) => key,
  say: (keys) => [...keys],
  answers: (reply, keys) => keys.map((_key, i) => (i === 0 ? (reply as number) : 0)),
};

const WRITE = scriptCommand<PackedRow, number>(WRITE_BASES, [], (row) => row.value, (reply) => reply as number[]);

export async function openRedisStore(options: RedisOptions): Promise<OnlineStore> {
  const address = publicAddress(options.url);
  const redis = await (isClusterUrl(options.url) ? connectCluster(options, address) : connectServer(options, address));
  let closed = false;

  async function guarded<T>(action: () => Promise<T>): Promise<T> {
    if (closed) throw unavailable(address, 'it has been closed', undefined);
    try {
      return await action();
    } catch (error) {
      if (error instanceof TypeError || error instanceof GranaryError) throw error;
      if (!isClusterUrl(options.url) && isClusterRefusal(error as Error)) throw clusterRefusal(address, error);
      throw unavailable(address, (error as Error).message, error);
    }
  }

  /** One command about one key. */
  async function single(key: string, name: string, ...args: Argument[]): Promise<unknown> {
    const [reply] = await redis.run([key], { most: 1, name, key: () => key, say: () => [key, ...args], answers: (answer) => [answer] });
    return reply;
  }

  return {
    kind: 'redis',
    read: (keys) =>
      guarded(async () => {
        const rows = await redis.rows(keys);
        return keys.map((_key, position) => copied(rows.at(position)));
      }),
    readInPlace: (keys) => guarded(() => redis.rows(keys)),
    async write(rows) {
      assertBases(rows);
      const written = sum(await guarded(() => redis.run(rows, WRITE)));
      return { written, stale: rows.length - written };
    },
    async append(rows, emptyBase) {
      assertFrames(rows);
      assertBases([{ key: 'an empty base', value: emptyBase }]);
      const keys = framesByKey(rows);
      const lengths = await guarded(() => redis.run(keys, scriptCommand(APPEND_FRAMES, [buffer(emptyBase)], ({ frames }: KeyFrames) => frames, pairs)));
      return olderFormat(lengths.map(([bytes, baseBytes], i) => ({ key: keys[i]!.key, bytes, tailBytes: bytes - baseBytes })));
    },
    delete: async (keys) => sum(await guarded(() => redis.run(keys, DELETE))),
    readMeta: (name) =>
      guarded(async (): Promise<unknown> => {
        const text = (await single(metaKey(name), 'get')) as Buffer | null;
        return text === null ? null : JSON.parse(text.toString('utf8'));
      }),
    async writeMeta(name, json) {
      const text = metaText(name, json);
      return guarded(async () => void (await (json === null ? single(metaKey(name), 'unlink') : single(metaKey(name), 'set', text))));
    },
    async swapMeta(name, from, to) {
      const texts = [from, to].flatMap((json) => [json === null ? '0' : '1', metaText(name, json)]);
      const swap = scriptCommand<string, number>(SWAP, texts.slice(0, -1), () => Buffer.from(texts[3]!), (reply) => [reply as number]);
      return guarded(async () => (await redis.run([metaKey(name)], swap))[0] === 1);
    },
    sampleMemory: (prefix, limits) => guarded(() => sampleServers(redis.servers(), prefix, limits)),
    ping: () => guarded(() => redis.ping()),
    incarnation: () => redis.lost(),
    servers: () => guarded(() => redis.processes()),
    hazards: () => guarded(() => evictions(redis.servers())),
    async close() {
      if (closed) return;
      closed = true;
      await redis.close();
    },
  };
}

/** A script's keys, the arguments for all of them, and one argument for each. */
function scriptCommand<T, R>(script: Script, shared: readonly Argument[], argument: (item: T) => Uint8Array, answers: (reply: unknown) => readonly R[]): KeyedCommand<T, R> {
  const key = (item: T) => (typeof item === 'string' ? item : (item as { readonly key: string }).key);
  return {
    most: ROWS_PER_SCRIPT,
    script,
    key,
    name: 'evalsha',
    say: (items) => [script.sha, items.length, ...items.map(key), ...shared, ...items.map((item) => buffer(argument(item)))],
    answers,
  };
}

function pairs(reply: unknown): (readonly [number, number])[] {
  const numbers = reply as number[];
  return Array.from({ length: numbers.length / 2 }, (_pair, i) => [numbers[2 * i]!, numbers[2 * i + 1]!]);
}

function copied(bytes: Uint8Array | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes);
}

function buffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
