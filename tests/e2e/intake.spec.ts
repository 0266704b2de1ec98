import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { prove, type Proof } from '@granary/jobs';
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

/** Reads features one after the other, each with an amount of its own, until told to end; says how many answers were right and which were not. */
function querier(url: () => string): { readonly answered: () => number; stop(): Promise<readonly unknown[]> } {
  let [amount, answered, on] = [0, 0, true];
  const wrong: unknown[] = [];
  const all = (async () => {
    while (on) {
      const query = `{ fraudFeatures(customerId: "${(amount += 1) % 10}", terminalId: "1", amount: ${amount}, at: "${new Date().toISOString()}") { payments30d { value state } } }`;
      const body = await fetch(url(), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query }) }).then((response) => response.json(), () => null);
      const state = (body as { data?: { fraudFeatures: { payments30d: { state: string } } } } | null)?.data?.fraudFeatures.payments30d.state;
      if (state === 'PRESENT') answered += 1;
      else if (body !== null) wrong.push(body);
      await sleep(body === null ? 50 : 5);
    }
  })();
  return { answered: () => answered, stop: async () => ((on = false), await all, wrong) };
}

interface Stored {
  readonly n: number;
  readonly ids: readonly number[];
  readonly sequences: number;
  /** How many payments the ten customers made in the last 30 days, as it is served. */
  readonly served: number;
  /** Rows of the log of what was served, and how many of them are of distinct requests. */
  readonly log: { readonly rows: number; readonly distinct: number };
  readonly proof: Proof;
}

describe('SIGKILL of an intake, or of a reader, under load loses and doubles nothing', () => {
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
    const process = startGranary([...args, '--home', home.path, '--intake-port', '0']);
    running.push(process);
    return { found: (await process.saw(pattern))[1]!, process };
  }

  /** What the table and the online store hold once nobody has them. */
  async function stored(): Promise<Stored> {
    const store = await OfflineStore.open({ kind: 'embedded', path: `${home.path}/clickhouse` });
    const [row] = await store.rows({ sql: 'SELECT count() AS n, groupUniqArray(transactionId) AS ids, uniqExact(__sequence) AS sequences FROM events_payments', params: {} });
    const registry = openRegistry(`${home.path}/registry`);
    const [log] = await store.rows({ sql: 'SELECT count() AS rows, uniqExact(asked) AS distinct FROM granary_served', params: {} });
    const proof = await prove(store, (id) => registry.snapshot(id));
    await store.close();
    const online = await openOnlineStore({ kind: 'lmdb', path: `${home.path}/online` });
    const reader = new FeatureReader(await registry.snapshot((await registry.head())!.snapshotId), online, { project: 'granary' });
    const at = Date.now();
    const rows = await reader.rows('fraud_features', Array.from({ length: 10 }, (_, customerId) => ({ customerId, terminalId: 1, amount: 1, at })));
    await online.close();
    // The request is counted as well.
    const served = rows.reduce((sum, { values }) => sum + (values['payments30d']!.value as number) - 1, 0);
    return { n: Number(row!['n']), ids: (row!['ids'] as bigint[]).map(Number), sequences: Number(row!['sequences']), served, log: { rows: Number(log!['rows']), distinct: Number(log!['distinct']) }, proof };
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

  test('straight into ClickHouse, and what was served is in the log once, and proven', async () => {
    const up = (): ReturnType<typeof start> => start(['up', '--port', '0', '--clickhouse-port', '0', '--log-sample', '1'], /events\s+(http\S+)\/<source>/);
    let at = await up();
    const graphql = async (): Promise<string> => (await at.process.saw(/GraphQL\s+(http\S+)/))[1]!;
    let reads = await graphql();
    const load = sender(() => at.found);
    const queries = querier(() => reads);
    const enough = async (): Promise<void> => {
      const [events, answers] = [load.acknowledged.size + 200, queries.answered() + 50];
      while (load.acknowledged.size < events || queries.answered() < answers) await sleep(20);
    };
    for (let round = 0; round < 2; round += 1) {
      await enough();
      at.process.child.kill('SIGKILL');
      await at.process.ended;
      at = await up();
      reads = await graphql();
    }
    await enough();
    await load.stop();
    expect(await queries.stop()).toEqual([]);
    await end(at.process);
    const found = await stored();
    expectAll(found, load.acknowledged);
    expect(found.log.distinct).toBe(found.log.rows);
    expect(found.log.rows).toBeGreaterThan(0);
    expect(found.proof).toMatchObject({ rows: found.log.rows, matched: found.log.rows, mismatched: 0, missing: 0, mismatches: [] });
  }, 180_000);

  const missing = whyNoRedis();
  (missing === null ? test : test.skip)(`by a Redis Stream, of the edge and of the worker${missing === null ? '' : ` (skipped: ${missing})`}`, async () => {
    const redis: TestRedis = await startRedis(['--appendonly', 'yes']);
    const edge = (): ReturnType<typeof start> => start(['intake', '--role', 'edge', '--stream-url', redis.url], /(http\S+)\/<source>/);
    const worker = (): ReturnType<typeof start> => start(['intake', '--role', 'worker', '--stream-url', redis.url], /streams\s+(\S+)/);
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
