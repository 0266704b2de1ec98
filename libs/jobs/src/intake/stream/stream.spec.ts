import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isGranaryError } from '@granary/contracts';
import { OfflineStore } from '@granary/offline-store';
import { startRedis, whyNoRedis, type TestRedis } from '@granary/online-store/testing';
import { sales, snapshot } from '../../testing/shop.js';
import { scratchFolder } from '../../testing/stores.js';
import type { EventSink } from '../event-sink.js';
import { createIntake } from '../intake.js';
import { noPublisher } from '../publisher.js';
import { openStreamSink } from './stream-sink.js';
import { startStreamWorker } from './stream-worker.js';

const missing = whyNoRedis();
const sale = (id: string): object => ({ saleId: id, owner: 'o', tenant: 't', shopId: '9007199254740993', amount: 1, payment: 'card', tags: [], at: 1_700_000_000_000 });

(missing === null ? describe : describe.skip)(`events on a Redis Stream${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  const folder = scratchFolder();
  let redis: TestRedis;
  let store: OfflineStore;
  let intake: EventSink;
  beforeAll(async () => {
    redis = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always']);
    store = await OfflineStore.open({ kind: 'embedded', path: join(folder.dir, 'db') });
    await store.ensureSource(sales);
    intake = createIntake({ store, snapshot, publisher: noPublisher });
  });
  afterAll(async () => {
    for (const each of open) await each.close();
    await intake?.close();
    await store?.close();
    await redis?.stop();
    folder.remove();
  });

  // Closed whatever becomes of a test: they would keep the process.
  const open: { close(): Promise<void> }[] = [];
  const opened = async <T extends { close(): Promise<void> }>(made: Promise<T>): Promise<T> => {
    open.push(await made);
    return made;
  };

  const place = (project: string): { readonly url: string; readonly project: string } => ({ url: redis.url, project });
  async function stored(count: number): Promise<void> {
    for (let tries = 0; (await store.countEvents(sales)) < count && tries < 400; tries += 1) await sleep(50);
    const [row] = await store.rows({ sql: 'SELECT count() AS n, uniqExact(__event_id) AS ids, uniqExact(__sequence) AS sequences FROM events_sales', params: {} });
    expect(row).toEqual({ n: BigInt(count), ids: BigInt(count), sequences: BigInt(count) });
  }

  test('come to the store once, bad ones to the dead letters; those of a worker that is gone are claimed; a full stream says so', async () => {
    const project = 'way';
    const edge = await opened(openStreamSink({ ...place(project), snapshot, maxWaiting: 10 }));
    expect(await edge.accept('sales', [sale('a'), { saleId: 'b' }, sale('c')], { origin: 'http' })).toEqual({ accepted: 2, duplicates: null, rejected: [{ index: 1, code: 'INVALID_EVENT', reason: 'owner: missing value, wanted string' }] });
    await expect(edge.accept('sales', Array.from({ length: 8 }, (_, i) => sale(`x${i}`)), { origin: 'http' })).rejects.toMatchObject({ code: 'BUSY' });

    // Takes what there is and never gives it back.
    const failing: EventSink = { ...intake, accept: () => Promise.reject(new Error('stuck')) };
    let tell = (): void => undefined;
    const troubled = new Promise<void>((resolve) => (tell = resolve));
    const broken = await opened(startStreamWorker({ ...place(project), snapshot, sink: failing, leaseMs: 400, onTrouble: () => tell() }));
    await troubled;
    await broken.close();

    const worker = await opened(startStreamWorker({ ...place(project), snapshot, sink: intake, leaseMs: 400 }));
    const standby = await opened(startStreamWorker({ ...place(project), snapshot, sink: intake, leaseMs: 400 }));
    await stored(2);
    // Again and again while the stream is full, as its users do.
    const send = async (row: object): Promise<unknown> => {
      for (;;) {
        const answer = await edge.accept('sales', [row], { origin: 'http' }).catch((error: unknown) => (isGranaryError(error, 'BUSY') ? null : Promise.reject(error as Error)));
        if (answer !== null) return answer;
        await sleep(20);
      }
    };
    for (let i = 0; i < 20; i += 1) await send(sale(`s${i % 10}`));
    await stored(12);
    // What contradicts a stored event shows only here.
    expect(await send({ ...sale('s0'), amount: 7 })).toEqual({ accepted: 1, duplicates: null, rejected: [] });
    for (let tries = 0; (await store.countQuarantined(sales)) < 2 && tries < 400; tries += 1) await sleep(50);
    expect((await store.listQuarantine(sales, 9, { reason: 'conflict' })).map(({ file, text }) => [file, JSON.parse(text)])).toEqual([['http', { ...sale('s0'), amount: 7 }]]);
    await store.dropQuarantined(sales, 'conflict');
    await worker.close();
    await send(sale('last'));
    await stored(13);
    await standby.close();
    expect((await store.listQuarantine(sales)).map(({ file, text }) => [file, text])).toEqual([['http', '{"saleId":"b"}']]);
    await edge.close();
  });

  test('survive SIGKILL of Redis once they are acknowledged; while it is away nothing is', async () => {
    const project = 'killed';
    const before = await store.countEvents(sales);
    const edge = await opened(openStreamSink({ ...place(project), snapshot }));
    const worker = await opened(startStreamWorker({ ...place(project), snapshot, sink: intake, leaseMs: 400 }));
    const acknowledged = new Set<string>();
    let refused = 0;
    let on = true;
    const load = (async () => {
      for (let i = 0; on || refused === 0; i += 1) {
        const ids = [`k${i}`, `l${i}`];
        await edge.accept('sales', ids.map(sale), { origin: 'http' }).then(() => ids.forEach((id) => acknowledged.add(id)), async () => { refused += 1; await sleep(20); });
      }
    })();
    await sleep(300);
    await redis.kill();
    await sleep(200);
    await redis.restart();
    await sleep(1_500);
    on = false;
    await load;
    expect(refused).toBeGreaterThan(0);
    const found = async (): Promise<Set<string>> => new Set((await store.rows({ sql: 'SELECT saleId FROM events_sales', params: {} })).map((row) => row['saleId'] as string));
    for (let tries = 0; tries < 200 && ![...acknowledged].every((id) => seen.has(id)); tries += 1) { await sleep(50); seen = await found(); }
    expect([...acknowledged].filter((id) => !seen.has(id))).toEqual([]);
    expect(await store.countEvents(sales)).toBeGreaterThanOrEqual(before + acknowledged.size);
    await stored(await store.countEvents(sales));
    await worker.close();
    await edge.close();
  });
  let seen = new Set<string>();

  test('are not taken by a Redis that would forget them', async () => {
    const volatile = await startRedis();
    await expect(openStreamSink({ url: volatile.url, project: 'p', snapshot })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await volatile.stop();
  });
});
