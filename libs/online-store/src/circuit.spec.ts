import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withCircuit, type CircuitClock } from './circuit.js';
import { openLmdbStore } from './drivers/lmdb.js';
import { openRedisStore } from './drivers/redis.js';
import type { OnlineStore } from './store.js';
import { at, packed } from './test-support/rows.js';
import { startRedis, whyNoRedis, type TestRedis } from './testing/index.js';

/** Time that passes when it is told to. */
function handClock() {
  let time = 1_000;
  let waiting: { readonly at: number; readonly action: () => void } | null = null;
  const clock: CircuitClock = {
    now: () => time,
    after: (ms, action) => {
      waiting = { at: time + ms, action };
      return () => (waiting = null);
    },
  };
  return {
    clock,
    /** How long until the next try; null: none. */
    wait: () => (waiting === null ? null : waiting.at - time),
    pass(ms: number) {
      time += ms;
      if (waiting === null || waiting.at > time) return;
      const { action } = waiting;
      waiting = null;
      action();
    },
  };
}

/** Counts what gets through to the store. */
function counted(store: OnlineStore) {
  const calls = { reads: 0, pings: 0 };
  const counting: OnlineStore = {
    ...store,
    read: (keys) => {
      calls.reads++;
      return store.read(keys);
    },
    ping: () => {
      calls.pings++;
      return store.ping();
    },
  };
  return { calls, counting };
}

const noRedis = whyNoRedis();
if (noRedis === null) describe('circuit', circuit);
else describe.skip(`circuit (skipped: ${noRedis})`, circuit);

function circuit(): void {
  let server: TestRedis;
  let redis: OnlineStore;
  beforeEach(async () => {
    server = await startRedis();
    redis = await openRedisStore({ url: server.url, commandTimeoutMs: 500 });
  });
  afterEach(async () => {
    await redis.close();
    await server.stop();
  });

  async function untilPinged(): Promise<void> {
    while (!(await redis.ping().then(() => true, () => false))) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  it('opens after failures in a row, says when it tries again, waits longer each time, and closes when a ping is answered', async () => {
    const { clock, wait, pass } = handClock();
    const { calls, counting } = counted(redis);
    const store = withCircuit(counting, { failures: 3, waitMs: 100, longestMs: 300, clock });
    await server.kill();
    for (let call = 0; call < 3; call++) await expect(store.read(['k'])).rejects.toThrow("can't be used");
    expect(calls).toEqual({ reads: 3, pings: 0 });
    pass(40);
    await expect(store.read(['k'])).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/failed 3 times in a row.*tried again in 60 ms.*last failure: Redis at /) as unknown,
      details: { failures: 3, triedAgainAt: 1_100, kind: 'redis' },
    });
    expect(calls.reads).toBe(3);
    for (const next of [200, 300, 300]) {
      pass(wait()!);
      while (wait() === null) await new Promise(setImmediate);
      expect(wait()).toBe(next);
    }
    expect(calls).toEqual({ reads: 3, pings: 3 });
    await server.restart();
    await untilPinged();
    pass(wait()!);
    await expect(untilItReads(store)).resolves.toEqual([null]);
    expect(wait()).toBeNull();
    await server.kill();
    await expect(store.read(['k'])).rejects.toThrow("can't be used");
    await expect(store.read(['k'])).rejects.toThrow("can't be used");
    await expect(store.read(['k'])).rejects.toThrow("can't be used");
    expect(wait()).toBe(100);
    await store.close();
    expect(wait()).toBeNull();
  });

  it('stays closed for failures that an answer lies between, and for what is no failure of the store', async () => {
    const { clock, wait } = handClock();
    let failing = false;
    const store = withCircuit({ ...redis, read: (keys) => (failing ? Promise.reject(new TypeError('a bug')) : redis.read(keys)) }, { failures: 2, clock });
    failing = true;
    for (let call = 0; call < 5; call++) await expect(store.read(['k'])).rejects.toThrow('a bug');
    failing = false;
    for (let round = 0; round < 3; round++) {
      await server.kill();
      await expect(store.read(['k'])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      await server.restart();
      await untilPinged();
      await store.read(['k']);
    }
    expect(wait()).toBeNull();
  });

  it('is over any store', async () => {
    const path = mkdtempSync(join(tmpdir(), 'granary-circuit-'));
    const store = withCircuit(await openLmdbStore({ path }), { failures: 1 });
    await store.write([{ key: 'k', value: packed(at(1)) }]);
    expect(await store.read(['k'])).toHaveLength(1);
    await store.close();
    await expect(store.read(['k'])).rejects.toThrow('it has been closed');
    rmSync(path, { recursive: true });
  });

  async function untilItReads(store: OnlineStore): Promise<unknown> {
    for (;;) {
      try {
        return await store.read(['k']);
      } catch {
        await new Promise(setImmediate);
      }
    }
  }
}
