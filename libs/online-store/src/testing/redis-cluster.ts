import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort, startRedis, type TestRedis } from './redis-server.js';

/** A real Redis Cluster of three servers on loopback, without replicas. */
export interface TestRedisCluster {
  /** `redis+cluster://` with all three. */
  readonly url: string;
  readonly servers: readonly TestRedis[];
  flushAll(): Promise<void>;
  /**
   * Moves a slot to the server at this position, as `redis-cli --cluster reshard` does, key by key, with a pause after each
   * one; both servers hold a part of it meanwhile.
   */
  moveSlot(slot: number, to: number, pauseMs: number): Promise<void>;
  stop(): Promise<void>;
}

const SLOTS = 16_384;
const SERVERS = 3;
const DEADLINE_MS = 20_000;

export async function startRedisCluster(): Promise<TestRedisCluster> {
  const busPorts = await Promise.all(Array.from({ length: SERVERS }, () => freePort()));
  const servers = await Promise.all(busPorts.map((busPort) => startRedis(['--cluster-enabled', 'yes', '--cluster-port', `${busPort}`, '--cluster-node-timeout', '5000'])));
  const admins = servers.map(({ url }) => new Redis(url));
  // A server that the test has ended is no failure of the cluster's.
  for (const admin of admins) admin.on('error', () => undefined);
  const ids = await Promise.all(admins.map(async (admin) => String(await admin.call('CLUSTER', 'MYID'))));

  async function stop(): Promise<void> {
    for (const admin of admins) admin.disconnect();
    await Promise.all(servers.map((server) => server.stop()));
  }
  try {
    await Promise.all(
      admins.map(async (admin, i) => {
        await admin.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
        await admin.call('CLUSTER', 'ADDSLOTSRANGE', Math.ceil((SLOTS * i) / SERVERS), Math.ceil((SLOTS * (i + 1)) / SERVERS) - 1);
      }),
    );
    for (let i = 1; i < SERVERS; i++) await admins[0]!.call('CLUSTER', 'MEET', '127.0.0.1', servers[i]!.port, busPorts[i]!);
    await untilWhole(admins);
  } catch (error) {
    await stop();
    throw error;
  }

  async function ownerOf(slot: number): Promise<number> {
    const ranges = (await admins[0]!.call('CLUSTER', 'SLOTS')) as [number, number, [string, number, string]][];
    const [, , [, , id]] = ranges.find(([first, last]) => first <= slot && slot <= last)!;
    return ids.indexOf(id);
  }

  return {
    url: `redis+cluster://${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    servers,
    flushAll: async () => void (await Promise.all(admins.map((admin) => admin.flushall()))),
    async moveSlot(slot, to, pauseMs) {
      const from = await ownerOf(slot);
      const [source, target] = [admins[from]!, admins[to]!];
      await target.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', ids[from]!);
      await source.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', ids[to]!);
      for (;;) {
        const [key] = (await source.call('CLUSTER', 'GETKEYSINSLOT', slot, 1)) as string[];
        if (key === undefined) break;
        await source.call('MIGRATE', '127.0.0.1', servers[to]!.port, key, 0, 5_000);
        await sleep(pauseMs);
      }
      for (const admin of [target, source, ...admins]) await admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', ids[to]!);
    },
    stop,
  };
}

/** Every server says that every slot has a server, and knows all of them. */
async function untilWhole(admins: readonly Redis[]): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (Date.now() < deadline) {
    const infos = await Promise.all(admins.map(async (admin) => String(await admin.call('CLUSTER', 'INFO'))));
    if (infos.every((info) => info.includes('cluster_state:ok') && info.includes(`cluster_size:${admins.length}`))) return;
    await sleep(50);
  }
  throw new Error('the Redis Cluster did not come up');
}
