import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRedis, whyNoRedis, type TestRedis } from '@granary/online-store/testing';
import { granaryJson, startGranary, temporaryFolder, type Running } from './granary.js';

/** Sends payments, ten a request, until told to end; a request without an answer is sent again, to whoever listens then. */
function sender(url: () => string): { readonly acknowledged: Set<number>; stop(): Promise<void> } {
  const acknowledged = new Set<number>();
  let [next, on] = [0, true];
  const one = async (): Promise<void> => {
    while (on) {
      const from = (next += 10) - 10;
      const body = JSON.stringify(Array.from({ length: 10 }, (_, i) => ({ transactionId: from + i, customerId: i, terminalId: 1, amount: 1, fraud: false, at: 1_700_000_000_000 })));
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

  /** What the table holds once nobody has it. */
  async function stored(): Promise<Stored> {
    const { OfflineStore } = await import('@granary/offline-store');
    const store = await OfflineStore.open({ kind: 'embedded', path: `${home.path}/clickhouse` });
    const [row] = await store.rows({ sql: 'SELECT count() AS n, groupUniqArray(transactionId) AS ids, uniqExact(__sequence) AS sequences FROM events_payments', params: {} });
    await store.close();
    return { n: Number(row!['n']), ids: (row!['ids'] as bigint[]).map(Number), sequences: Number(row!['sequences']) };
  }

  async function end({ child, ended }: Running): Promise<void> {
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
  }

  function expectAll({ n, ids, sequences }: Stored, acknowledged: ReadonlySet<number>): void {
    expect(acknowledged.size).toBeGreaterThan(0);
    expect([ids.length, sequences]).toEqual([n, n]);
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
