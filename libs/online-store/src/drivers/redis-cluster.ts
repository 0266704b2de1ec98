import keySlot from 'cluster-key-slot';
import { Cluster, type Redis } from 'ioredis';
import { groupBy } from '../group-by.js';
import { clusterAddress, unavailable, type RedisOptions } from './redis-address.js';
import { connectionOptions, reconnectDelay } from './redis-options.js';
import { chunks, inFlight, isUnknownScript, READ, rowsOf, sendCommand, within, type KeyedCommand, type RedisPort } from './redis-port.js';
import { connectServer } from './redis-server.js';

/** The items of one slot, by their positions among all: what one command may name. */
interface SlotPart {
  readonly server: Redis | undefined;
  readonly positions: readonly number[];
}

// Of one server's pipeline: enough that a round trip costs nothing, few enough that other commands get their turn.
const COMMANDS_PER_PIPELINE = 250;
const MAX_REDIRECTIONS = 8;
const RETRY_DELAY_MS = 50;

/**
 * Commands go by slot, in one pipeline per server, to where ioredis knew the slot last. What a server refuses because the
 * slot moves or has moved is sent again key by key, and ioredis follows the redirections: a key that is on its way is
 * with one server or the other at any moment, and commands about one key are never refused halfway (TRYAGAIN).
 *
 * Throws STORE_UNAVAILABLE and CONFIG_INVALID.
 */
export async function connectCluster({ url, connectTimeoutMs = 2_000, commandTimeoutMs = 2_000 }: RedisOptions, address: string): Promise<RedisPort> {
  const cluster = await connect(url, connectTimeoutMs, commandTimeoutMs, address);
  let lost = 0;
  // A node's connection has ended: ioredis makes another one when it finds the node again.
  cluster.on('-node', () => (lost += 1));

  function partsBySlot(keys: readonly string[], most: number): SlotPart[] {
    const bySlot = groupBy(Array.from(keys.keys()), (position) => keySlot(keys[position]!));
    const servers = new Map(cluster.nodes('master').map((server) => [`${server.options.host}:${server.options.port}`, server]));
    return Array.from(bySlot, ([slot, positions]) => {
      const server = servers.get(cluster.slots[slot]?.[0] ?? '');
      return chunks(positions, most).map((part) => ({ server, positions: part }));
    }).flat();
  }

  /** Fills in the answers it gets; returns the positions of the items that another server must be asked about. */
  async function pipeline<T, R>(server: Redis, parts: readonly SlotPart[], items: readonly T[], command: KeyedCommand<T, R>, answers: R[]): Promise<number[]> {
    const batch = server.pipeline();
    const itemsOf = (part: SlotPart) => part.positions.map((position) => items[position]!);
    for (const part of parts) batch.callBuffer(command.name, ...command.say(itemsOf(part)));
    const replies = (await batch.exec()) ?? [];
    const refused: number[] = [];
    const unknown: SlotPart[] = [];
    replies.forEach(([error, reply], i) => {
      const part = parts[i]!;
      if (error === null) command.answers(reply, itemsOf(part)).forEach((answer, j) => (answers[part.positions[j]!] = answer));
      else if (isRedirection(error)) refused.push(...part.positions);
      else if (isUnknownScript(error)) unknown.push(part);
      else throw error;
    });
    if (command.script === undefined || unknown.length === 0) return refused;
    await server.script('LOAD', command.script.source);
    return [...refused, ...(await pipeline(server, unknown, items, command, answers))];
  }

  async function run<T, R>(items: readonly T[], command: KeyedCommand<T, R>): Promise<readonly R[]> {
    const answers = new Array<R>(items.length);
    const parts = partsBySlot(items.map((item) => command.key(item)), command.most);
    const again = await Promise.all(
      Array.from(groupBy(parts, (part) => part.server), async ([server, ofServer]) => {
        if (server === undefined) return ofServer.flatMap((part) => part.positions);
        return (await inFlight(chunks(ofServer, COMMANDS_PER_PIPELINE), (batch) => pipeline(server, batch, items, command, answers))).flat();
      }),
    );
    await Promise.all(
      again.flat().map(async (position) => {
        [answers[position]] = (await sendCommand(cluster, command, [items[position]!])) as [R];
      }),
    );
    return answers;
  }

  return {
    run,
    rows: async (keys) => rowsOf(await run(keys, READ)),
    servers: () => cluster.nodes('master'),
    async processes() {
      const slots = new Map((await cluster.cluster('SLOTS')).map(([slot, , master]) => [master![2], slot]));
      // By a key each: ioredis finds a server again that it has lost sight of, only when it is sent something.
      const infos = await Promise.all([...slots.values()].map((slot) => cluster.eval("return redis.call('INFO', 'server')", 1, keyOfSlot(slot))));
      return infos.map((info) => /^run_id:(\w+)/m.exec(String(info))![1]!).sort();
    },
    lost: () => lost,
    async ping() {
      const info = (await cluster.cluster('INFO')) as string;
      if (!info.includes('cluster_state:ok')) throw new Error('the cluster says that some of its slots have no server');
    },
    async close() {
      await cluster.quit().catch(() => undefined);
      cluster.disconnect();
    },
  };
}

function keyOfSlot(slot: number): string {
  for (let i = 0; ; i++) if (keySlot(`${i}`) === slot) return `${i}`;
}

function isRedirection(error: Error): boolean {
  return /^(MOVED|ASK|TRYAGAIN)\b/.test(error.message);
}

async function connect(url: string, connectTimeoutMs: number, commandTimeoutMs: number, address: string): Promise<Cluster> {
  const { nodes, tls, username, password, first } = clusterAddress(url);
  let opened = false;
  const cluster = new Cluster([...nodes], {
    lazyConnect: true,
    // Without a connection a command fails at once; a caller in a hurry has its own fallback.
    enableOfflineQueue: false,
    maxRedirections: MAX_REDIRECTIONS,
    retryDelayOnTryAgain: RETRY_DELAY_MS,
    retryDelayOnClusterDown: RETRY_DELAY_MS,
    retryDelayOnFailover: RETRY_DELAY_MS,
    slotsRefreshTimeout: connectTimeoutMs,
    // An attempt to open is one attempt; only an open store comes back by itself.
    clusterRetryStrategy: (attempt) => (opened ? reconnectDelay(attempt) : null),
    redisOptions: {
      ...connectionOptions(connectTimeoutMs, commandTimeoutMs),
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(tls ? { tls: {} } : {}),
    },
    // A certificate names hosts, so they must not be replaced by their addresses.
    ...(tls ? { dnsLookup: (host, done) => done(null, host) } : {}),
  });
  // Without a listener Node would end the process; what fails says so to its caller.
  cluster.on('error', () => undefined);
  try {
    await within(connectTimeoutMs, cluster.connect());
    opened = true;
    return cluster;
  } catch (error) {
    cluster.disconnect();
    const cause = await reasonOf(first, connectTimeoutMs, error as Error);
    throw unavailable(address, cause.message, cause);
  }
}

/** ioredis says only that no node could be used: one of them by itself says why. */
async function reasonOf(url: string, timeoutMs: number, otherwise: Error): Promise<Error> {
  try {
    const server = await connectServer({ url, connectTimeoutMs: timeoutMs }, url);
    await server.close();
    return otherwise;
  } catch (error) {
    return (error as { readonly cause?: Error }).cause ?? otherwise;
  }
}
