import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe } from '@jest/globals';
import { Redis } from 'ioredis';
import { openOnlineStore, type OnlineStoreOptions } from '../open.js';
import type { OnlineStore } from '../store.js';
import { startRedis, startRedisCluster, whyNoRedis, type TestRedis, type TestRedisCluster } from '../testing/index.js';

interface Driver {
  options(): OnlineStoreOptions;
  start(): Promise<void>;
  wipe(): Promise<void>;
  stop(): Promise<void>;
}

/** What a conformance suite works with: for each test an empty store. */
export interface Subject {
  readonly options: () => OnlineStoreOptions;
  /** The first one opened. */
  readonly store: () => OnlineStore;
  /** Another client of the same store; closed after the test. */
  readonly open: () => Promise<OnlineStore>;
  readonly closeAll: () => Promise<void>;
}

/** Runs the suite against every driver; without redis-server those of Redis are skipped, and says so. */
export function describeDrivers(suite: (subject: Subject) => void): void {
  describe('online store: lmdb', () => suite(subjectOf(lmdb())));
  const noRedis = whyNoRedis();
  for (const [name, driver] of [['redis', redis], ['redis cluster', redisCluster]] as const) {
    if (noRedis === null) describe(`online store: ${name}`, () => suite(subjectOf(driver())));
    else describe.skip(`online store: ${name} (skipped: ${noRedis})`, () => suite(subjectOf(driver())));
  }
}

function subjectOf(driver: Driver): Subject {
  let store: OnlineStore;
  const opened: OnlineStore[] = [];

  async function open(): Promise<OnlineStore> {
    const another = await openOnlineStore(driver.options());
    opened.push(another);
    return another;
  }
  async function closeAll(): Promise<void> {
    for (const one of opened.splice(0)) await one.close();
  }

  beforeAll(() => driver.start());
  beforeEach(async () => {
    await closeAll();
    await driver.wipe();
    store = await open();
  });
  afterAll(async () => {
    await closeAll();
    await driver.stop();
  });
  return { options: () => driver.options(), store: () => store, open, closeAll };
}

function lmdb(): Driver {
  let root: string;
  let round = 0;
  return {
    options: () => ({ kind: 'lmdb', path: join(root, `store-${round}`) }),
    start: () => Promise.resolve(void (root = mkdtempSync(join(tmpdir(), 'granary-lmdb-')))),
    wipe: () => Promise.resolve(void round++),
    stop: () => Promise.resolve(rmSync(root, { recursive: true, force: true })),
  };
}

function redis(): Driver {
  let server: TestRedis;
  return {
    options: () => ({ kind: 'redis', url: server.url }),
    start: async () => void (server = await startRedis()),
    wipe: async () => {
      const client = new Redis(server.url);
      await client.flushall();
      await client.quit();
    },
    stop: () => server.stop(),
  };
}

function redisCluster(): Driver {
  let cluster: TestRedisCluster;
  return {
    options: () => ({ kind: 'redis', url: cluster.url }),
    start: async () => void (cluster = await startRedisCluster()),
    wipe: () => cluster.flushAll(),
    stop: () => cluster.stop(),
  };
}
