import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { openOnlineStore } from '../open.js';
import type { OnlineStore } from '../store.js';
import { at, frame, packed, parsed } from '../test-support/rows.js';
import { freePort, startRedis, whyNoRedis, type TestRedis } from '../testing/index.js';
import { replaceBase } from '../value.js';

const UNAVAILABLE = { code: 'STORE_UNAVAILABLE', kind: 'unavailable' };
const row = { key: 'k', value: packed(at(1)) };

describe('redis driver without a server', () => {
  it('refuses to open where nothing listens', async () => {
    const url = `redis://:secret-password@127.0.0.1:${await freePort()}`;
    const error = await openOnlineStore({ kind: 'redis', url }).catch((caught: unknown) => caught as Error);
    expect(error).toMatchObject(UNAVAILABLE);
    expect(JSON.stringify([(error as Error).message, error])).not.toContain('secret-password');
  });

  it.each(['', 'localhost', 'http://localhost:6379', 'redis://', '/tmp/socket', 'redis://localhost/x', 'redis://localhost/-1'])('refuses the URL "%s"', async (url) => {
    await expect(openOnlineStore({ kind: 'redis', url })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

const noRedis = whyNoRedis();
if (noRedis === null) describe('redis driver', againstServer);
else describe.skip(`redis driver (skipped: ${noRedis})`, againstServer);

function againstServer(): void {
  let server: TestRedis;
  let store: OnlineStore;
  beforeAll(async () => void (server = await startRedis()));
  afterEach(() => store.close());
  afterAll(() => server.stop());

  async function untilItAnswers(): Promise<void> {
    for (;;) {
      try {
        return await store.ping();
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  it('fails every call at once while the server is gone, and works again by itself when it is back', async () => {
    store = await openOnlineStore({ kind: 'redis', url: server.url });
    await store.write([row]);
    for (let round = 0; round < 3; round++) {
      const underWay = Array.from({ length: 50 }, () => store.read(['k']).catch((error: unknown) => error));
      await server.kill();
      await Promise.all(underWay);
      for (let call = 0; call < 200; call++) await expect(store.read(['k'])).rejects.toMatchObject(UNAVAILABLE);
      await expect(store.write([row])).rejects.toMatchObject(UNAVAILABLE);
      await server.restart();
      await untilItAnswers();
      // Nothing that failed was queued and sent later; the script is new to this server.
      expect(await store.read(['k'])).toEqual([null]);
      expect(await store.write([row])).toEqual({ written: 1, stale: 0 });
    }
  });

  // appendfsync no would do for SIGKILL; everysec would not: it holds writes back while an fsync is under way.
  it('has every append it acknowledged after the server is killed with SIGKILL, given appendonly and appendfsync always', async () => {
    const durable = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always']);
    store = await openOnlineStore({ kind: 'redis', url: durable.url });
    try {
      let acknowledged = 0;
      for (let round = 0; round < 3; round++) {
        const writing = (async () => {
          for (;;) {
            await store.append([{ key: 'k', frame: frame(acknowledged + 1) }], packed(at(0)));
            acknowledged++;
          }
        })().catch((error: unknown) => error);
        while (acknowledged < 50 * (round + 1)) await new Promise(setImmediate);
        await durable.kill();
        expect(await writing).toMatchObject(UNAVAILABLE);
        await durable.restart();
        await untilItAnswers();
        const { frames } = parsed((await store.read(['k']))[0]!)!;
        // The last one may be there though no one was told.
        expect([acknowledged, acknowledged + 1]).toContain(frames.length);
      }
    } finally {
      await durable.stop();
    }
  });

  it('gives up on a server that is connected but never answers, also while opening', async () => {
    const times = { connectTimeoutMs: 300, commandTimeoutMs: 300 };
    store = await openOnlineStore({ kind: 'redis', url: server.url, ...times });
    server.signal('SIGSTOP');
    try {
      await expect(store.read(['k'])).rejects.toMatchObject(UNAVAILABLE);
      await expect(openOnlineStore({ kind: 'redis', url: server.url, ...times })).rejects.toMatchObject(UNAVAILABLE);
    } finally {
      server.signal('SIGCONT');
    }
    await untilItAnswers();
    await expect(store.read(['none'])).resolves.toEqual([null]);
  });

  it('reads on while the connection of its rows is cut, and has another one then', async () => {
    store = await openOnlineStore({ kind: 'redis', url: server.url });
    await store.write([row]);
    const admin = new Redis(server.url);
    /** Connections that have sent nothing but MGET since they were ready. */
    const rowConnections = async (): Promise<string[]> => ((await admin.client('LIST')) as string).split('\n').filter((line) => line.includes(' cmd=mget ')).map((line) => /id=(\d+)/.exec(line)![1]!);
    await store.read(['k']);
    const [before] = await rowConnections();
    const reads = Array.from({ length: 200 }, () => store.read(['k', 'none']).catch((error: unknown) => error));
    const incarnation = store.incarnation();
    await admin.client('KILL', 'ID', before!);
    for (const answer of await Promise.all(reads)) {
      if (answer instanceof Error) expect(answer).toMatchObject(UNAVAILABLE);
      else expect(answer).toEqual([row.value, null]);
    }
    await untilItAnswers();
    expect(store.incarnation()).not.toBe(incarnation);
    for (let now: string[] = []; now.length === 0 || now.includes(before!); now = await rowConnections()) {
      expect(await store.read(['k'])).toEqual([row.value]);
      await store.ping();
    }
    await admin.quit();
  });

  it('can be closed while the server is gone', async () => {
    store = await openOnlineStore({ kind: 'redis', url: server.url });
    await server.kill();
    await store.close();
    await server.restart();
  });

  it('writes on when the server has forgotten its scripts', async () => {
    store = await openOnlineStore({ kind: 'redis', url: server.url });
    await store.write([{ key: 'flushed', value: packed(at(1)) }]);
    const admin = new Redis(server.url);
    await admin.script('FLUSH');
    await admin.quit();
    expect(await store.write([{ key: 'flushed', value: packed(at(2)) }])).toEqual({ written: 1, stale: 0 });
  });

  it('leaves the rest of a damaged tail in place when it writes a base, for whoever decodes it to see', async () => {
    store = await openOnlineStore({ kind: 'redis', url: server.url });
    const torn = frame(9, Buffer.from('torn')).subarray(0, 14);
    const stored = Buffer.concat([packed(at(1)), frame(2), frame(3), torn]);
    const admin = new Redis(server.url);
    await admin.set('torn', stored);
    await admin.quit();
    await store.write([{ key: 'torn', value: packed(at(2)) }]);
    const expected = Buffer.concat([packed(at(2)), frame(3), torn]);
    expect((await store.read(['torn'])).map((value) => value!.toString())).toEqual([expected.toString()]);
    expect(replaceBase(stored, packed(at(2)))!.toString()).toBe(expected.toString());
  });

  it('passes on what the server says when it refuses', async () => {
    store = await openOnlineStore({ kind: 'redis', url: server.url });
    const guarded = await startRedis(['--requirepass', 'right']);
    try {
      const wrong = guarded.url.replace('redis://', 'redis://:wrong@');
      await expect(openOnlineStore({ kind: 'redis', url: wrong })).rejects.toMatchObject({ ...UNAVAILABLE, message: expect.stringMatching(/WRONGPASS|NOAUTH/) as unknown });
      const right = await openOnlineStore({ kind: 'redis', url: guarded.url.replace('redis://', 'redis://:right@') });
      await right.ping();
      await right.close();
    } finally {
      await guarded.stop();
    }
  });

  it('refuses a database that the server has not', async () => {
    await expect(openOnlineStore({ kind: 'redis', url: `${server.url}/99` })).rejects.toMatchObject({ ...UNAVAILABLE, message: expect.stringContaining('DB index is out of range') as unknown });
    store = await openOnlineStore({ kind: 'redis', url: server.url });
  });

  it('leaves no connection behind where it can not have both of its own', async () => {
    const narrow = await startRedis(['--maxclients', '2']);
    const admin = new Redis(narrow.url);
    await admin.ping();
    try {
      await expect(openOnlineStore({ kind: 'redis', url: narrow.url })).rejects.toMatchObject(UNAVAILABLE);
      const clients = async (): Promise<number> => ((await admin.client('LIST')) as string).trim().split('\n').length;
      while ((await clients()) > 1) await new Promise((resolve) => setTimeout(resolve, 10));
    } finally {
      await admin.quit();
      await narrow.stop();
    }
    store = await openOnlineStore({ kind: 'redis', url: server.url });
  });

  it('says when the server may drop rows', async () => {
    store = await openOnlineStore({ kind: 'redis', url: server.url });
    const admin = new Redis(server.url);
    expect(await store.hazards()).toEqual([]);
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
    expect(await store.hazards()).toEqual([]);
    await admin.config('SET', 'maxmemory', '50mb');
    expect(await store.hazards()).toEqual([expect.stringMatching(/52428800 bytes \(maxmemory-policy allkeys-lru\).*set maxmemory-policy noeviction/)]);
    await admin.config('SET', 'maxmemory', '0');
    await admin.config('SET', 'maxmemory-policy', 'noeviction');
    await admin.quit();
  });

  it('keeps rows of two databases of one server apart', async () => {
    store = await openOnlineStore({ kind: 'redis', url: `${server.url}/1` });
    const other = await openOnlineStore({ kind: 'redis', url: `${server.url}/2` });
    await store.write([{ key: 'apart', value: packed(at(1)) }]);
    expect(await other.read(['apart'])).toEqual([null]);
    await other.close();
  });
}
