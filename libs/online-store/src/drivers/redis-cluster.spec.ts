import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import keySlot from 'cluster-key-slot';
import { openOnlineStore } from '../open.js';
import type { OnlineStore } from '../store.js';
import { testSeed } from '../test-support/environment.js';
import { at, frame, packed, randomFrom, readParsed } from '../test-support/rows.js';
import { freePort, startRedisCluster, whyNoRedis, type TestRedisCluster } from '../testing/index.js';

const seed = testSeed('redis-cluster.spec');
const EMPTY = packed(at(Number.MIN_SAFE_INTEGER));

describe('redis cluster driver without a server', () => {
  it('refuses to open where nothing listens, and does not tell the password', async () => {
    const url = `redis+cluster://user:secret-password@127.0.0.1:${await freePort()},127.0.0.1:${await freePort()}`;
    const error = await openOnlineStore({ kind: 'redis', url }).catch((caught: unknown) => caught as Error);
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining('ECONNREFUSED') as unknown });
    expect(JSON.stringify([(error as Error).message, error])).not.toContain('secret-password');
  });

  it.each(['redis+cluster://', 'redis+cluster://a:x', 'redis+cluster://a,,b', 'redis+cluster://a:1/2', 'redis+cluster:a'])('refuses the URL "%s"', async (url) => {
    await expect(openOnlineStore({ kind: 'redis', url })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

const noRedis = whyNoRedis();
if (noRedis === null) describe('redis cluster driver', againstCluster);
else describe.skip(`redis cluster driver (skipped: ${noRedis})`, againstCluster);

function againstCluster(): void {
  let cluster: TestRedisCluster;
  let store: OnlineStore;
  const others: OnlineStore[] = [];
  beforeAll(async () => void (cluster = await startRedisCluster()));
  afterEach(async () => {
    for (const each of [store, ...others.splice(0)]) await each.close();
  });
  afterAll(() => cluster.stop());

  it('gives no wrong answer and loses nothing while a slot moves, to and fro, under reads, appends and writes', async () => {
    store = await openOnlineStore({ kind: 'redis', url: cluster.url });
    const other = await openOnlineStore({ kind: 'redis', url: cluster.url });
    others.push(other);
    const random = randomFrom(seed);
    const slot = keySlot('{moving}');
    const there = Array.from({ length: 40 }, (_key, i) => `p:{moving}:${i}`);
    const missing = Array.from({ length: 10 }, (_key, i) => `p:{moving}:never ${i}`);
    const elsewhere = Array.from({ length: 40 }, (_key, i) => `p:{stays ${i}}`);
    const keys = [...there, ...missing, ...elsewhere];
    const wanted = keys.map((key) => (missing.includes(key) ? null : { base: packed(at(0), Buffer.from(key)), frames: [] as Buffer[] }));
    await store.write(keys.flatMap((key, i) => (wanted[i] === null ? [] : [{ key, value: wanted[i]!.base }])));

    let moving = true;
    let sequence = 0;
    let reads = 0;
    /** What was acknowledged before the read began must be in it. */
    const reader = async (client: OnlineStore) => {
      while (moving) {
        const least = wanted.map((value) => value?.frames.length ?? null);
        const found = await readParsed(client, keys);
        expect(found.map((value) => value?.base ?? null)).toEqual(wanted.map((value) => value?.base.toString('hex') ?? null));
        expect(found.every((value, i) => value === null || value.frames.length >= least[i]!)).toBe(true);
        reads++;
      }
    };
    const writer = async (client: OnlineStore) => {
      while (moving) {
        const positions = keys.flatMap((_key, i) => (wanted[i] !== null && random() < 0.3 ? [i] : []));
        const rows = positions.map((i) => ({ key: keys[i]!, frame: frame(++sequence, Buffer.from(keys[i]!)) }));
        await client.append(rows, EMPTY);
        expect(await client.write(positions.map((i) => ({ key: keys[i]!, value: packed(at(-1)) })))).toEqual({ written: 0, stale: positions.length });
        positions.forEach((i, row) => wanted[i]!.frames.push(rows[row]!.frame));
      }
    };
    const working = Promise.all([reader(store), reader(other), writer(store), writer(other)]);
    working.catch(() => (moving = false));
    for (const to of [0, 1, 2]) await cluster.moveSlot(slot, to, 3);
    moving = false;
    await working;

    expect(reads).toBeGreaterThan(3);
    const found = await readParsed(store, keys);
    expect(found.map((value) => value?.frames ?? null)).toEqual(wanted.map((value) => value?.frames.map((bytes) => bytes.toString('hex')).sort() ?? null));
  });

  it('says of one server with a plain URL that it is a node of a cluster', async () => {
    store = await openOnlineStore({ kind: 'redis', url: cluster.servers[0]!.url });
    await expect(store.read(['a', 'b', 'c', 'd'])).rejects.toMatchObject({ code: 'CONFIG_INVALID', todo: expect.stringContaining('redis+cluster://') as unknown });
  });

  it('finds all servers from one of them, fails while one of them is gone, and works again by itself when it is back', async () => {
    store = await openOnlineStore({ kind: 'redis', url: `redis+cluster://127.0.0.1:${cluster.servers[0]!.port}`, commandTimeoutMs: 500 });
    const keys = Array.from({ length: 30 }, (_key, i) => `k${i}`);
    await store.write(keys.map((key) => ({ key, value: packed(at(1)) })));
    await cluster.servers[0]!.kill();
    await expect(store.read(keys)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await cluster.servers[0]!.restart();
    for (;;) {
      const found = await store.read(keys).catch(() => null);
      if (found === null) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        continue;
      }
      // That server keeps nothing on disk; the rows of the two others are there.
      expect(found.filter((value) => value !== null).length).toBeGreaterThan(5);
      expect(found.some((value) => value === null)).toBe(true);
      break;
    }
  });
}
