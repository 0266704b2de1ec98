import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { OfflineStore } from '@granary/offline-store';
import { openOnlineStore } from '@granary/online-store';
import { startRedis, whyNoRedis, type TestRedis } from '@granary/online-store/testing';
import { openRegistry } from '@granary/registry';
import { FeatureReader } from '@granary/serving';
import { granaryJson, startGranary, temporaryFolder, type Running } from './granary.js';

/** Recent, so that every window of a month holds them. */
const AT = Date.now();

/** Sends payments, ten a request, until told to end; a request without an answer is sent again, to whoever listens then. */
function sender(url: () => string): { readonly acknowledged: Set<number>; stop(): Promise<void> } {
  const acknowledged = new Set<number>();
  let [next, on] = [0, true];
  const one = async (): Promise<void> => {
    while (on) {
      const from = (next += 10) - 10;
      const body = JSON.stringify(Array.from({ length: 10 }, (_, i) => ({ transactionId: from + i, customerId: i, terminalId: 1, amount: 1, fraud: false, at: AT })));
      for (let done = false; on && !done; ) {
        done = await fetch(`${url()}/payments`, { method: 'POST', headers: { 'content-type': 'application/json' }, body }).then(({ status }) => status === 200, () => false);
        if (done) for (let i = 0; i < 10; i += 1) acknowledged.add(from + i);
        else await sleep(50);
      }
    }
  };
  const all = Promise.all(Array.from({ length: 4 }, one));
  return { acknowledged, stop: async () => ((on = false), void (await all)) };
}

interface Stored {
  readonly n: number;
  readonly ids: readonly number[];
  readonly sequences: number;
  /** How many payments the ten customers made in the last 30 days, as it is served. */
  readonly served: number;
}

describe('SIGKILL of an intake under load loses and doubles nothing', () => {
  let home: Awaited<ReturnType<typeof temporaryFolder>>;
  const running: Running[] = [];
  beforeAll(async () => {
    home = await temporaryFolder();
    await granaryJson(['apply', '--home', home.path, '--defs', 'feature-defs/payments']);
  });
  afterAll(async () => {
    for (const { child, ended } of running) {
      child.kill('SIGKILL');
      await ended;
    }
    await home?.remove();
  });

  async function start(args: readonly string[], pattern: RegExp): Promise<{ readonly found: string; readonly process: Running }> {
    const process = startGranary(['intake', '--home', home.path, '--intake-port', '0', ...args]);
    running.push(process);
    return { found: (await process.saw(pattern))[1]!, process };
  }

  /** What the table and the online store hold once nobody has them. */
  async function stored(): Promise<Stored> {
    const store = await OfflineStore.open({ kind: 'embedded', path: `${home.path}/clickhouse` });
    const [row] = await store.rows({ sql: 'SELECT count() AS n, groupUniqArray(transactionId) AS ids, uniqExact(__sequence) AS sequences FROM events_payments', params: {} });
    await store.close();
    const registry = openRegistry(`${home.path}/registry`);
    const online = await openOnlineStore({ kind: 'lmdb', path: `${home.path}/online` });
    const reader = new FeatureReader(await registry.snapshot((await registry.head())!.snapshotId), online, { project: 'granary' });
    const at = Date.now();
    const rows = await reader.rows('fraud_features', Array.from({ length: 10 }, (_, customerId) => ({ customerId, terminalId: 1, amount: 1, at })));
    await online.close();
    // The request is counted as well.
    const served = rows.reduce((sum, { values }) => sum + (values['payments30d']!.value as number) - 1, 0);
    return { n: Number(row!['n']), ids: (row!['ids'] as bigint[]).map(Number), sequences: Number(row!['sequences']), served };
  }

  async function end({ child, ended }: Running): Promise<void> {
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
  }

  function expectAll({ n, ids, sequences, served }: Stored, acknowledged: ReadonlySet<number>): void {
    expect(acknowledged.size).toBeGreaterThan(0);
    expect([ids.length, sequences, served]).toEqual([n, n, n]);
    const known = new Set(ids);
    expect([...acknowledged].filter((id) => !known.has(id))).toEqual([]);
  }

  test('straight into ClickHouse', async () => {
    let at = await start([], /(http\S+)\/<source>/);
    const load = sender(() => at.found);
    for (let round = 0; round < 2; round += 1) {
      const before = load.acknowledged.size;
      while (load.acknowledged.size < before + 200) await sleep(20);
      at.process.child.kill('SIGKILL');
      await at.process.ended;
      at = await start([], /(http\S+)\/<source>/);
    }
    const before = load.acknowledged.size;
    while (load.acknowledged.size < before + 50) await sleep(20);
    await load.stop();
    await end(at.process);
    expectAll(await stored(), load.acknowledged);
  }, 180_000);

  const missing = whyNoRedis();
  (missing === null ? test : test.skip)(`by a Redis Stream, of the edge and of the worker${missing === null ? '' : ` (skipped: ${missing})`}`, async () => {
    const redis: TestRedis = await startRedis(['--appendonly', 'yes']);
    const edge = (): ReturnType<typeof start> => start(['--role', 'edge', '--stream-url', redis.url], /(http\S+)\/<source>/);
    const worker = (): ReturnType<typeof start> => start(['--role', 'worker', '--stream-url', redis.url], /streams\s+(\S+)/);
    let at = await edge();
    let stores = await worker();
    const load = sender(() => at.found);
    while (load.acknowledged.size < 200) await sleep(20);
    stores.process.child.kill('SIGKILL');
    at.process.child.kill('SIGKILL');
    await Promise.all([stores.process.ended, at.process.ended]);
    [at, stores] = await Promise.all([edge(), worker()]);
    const before = load.acknowledged.size;
    while (load.acknowledged.size < before + 50) await sleep(20);
    await load.stop();
    await end(at.process);
    const { Redis } = await import('ioredis');
    const client = new Redis(redis.url);
    while ((await client.xlen('granary:intake:payments')) > 0) await sleep(50);
    client.disconnect();
    await end(stores.process);
    expectAll(await stored(), load.acknowledged);
    await redis.stop();
  }, 180_000);
});
