import { setTimeout as sleep } from 'node:timers/promises';
import { isGranaryError } from '@granary/contracts';
import { OfflineStore } from '@granary/offline-store';
import { openOnlineStore, readWatermark, wereReplaced, type OnlineStore } from '@granary/online-store';
import { startRedisCluster, whyNoRedis, type TestRedisCluster } from '@granary/online-store/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { materialise } from '../materialise/materialise.js';
import { DAY, START, append, naiveRows, randomFrom, randomSales, sales, shopSales, snapshot } from '../testing/shop.js';
import { onlineRows, rounded, scratchFolder } from '../testing/stores.js';
import { createPublisher } from './publisher.js';

const missing = whyNoRedis();
const seed = Number(process.env['SEED']);
const NOW = START + 30 * DAY;
const VIEWS = { ...snapshot, views: [shopSales] };

(missing === null ? describe : describe.skip)(`a server of a cluster that comes back with less than it had (seed ${seed})${missing === null ? '' : `: ${missing}`}`, () => {
  const folder = scratchFolder();
  let cluster: TestRedisCluster;
  let offline: OfflineStore;
  let online: OnlineStore;
  beforeAll(async () => {
    cluster = await startRedisCluster();
    offline = await OfflineStore.open({ kind: 'embedded', path: folder.dir });
    online = await openOnlineStore({ kind: 'redis', url: cluster.url, commandTimeoutMs: 500 });
  });
  afterAll(async () => {
    await online?.close();
    await offline?.close();
    await cluster?.stop();
    folder.remove();
  });

  const events = randomSales(randomFrom(seed), 300, 40);
  const SHOPS = [...naiveRows(events, NOW).keys()];
  const rows = async (project: string): Promise<unknown> => rounded(await onlineRows(online, shopSales, project, SHOPS, NOW));
  /** Until the cluster takes calls again. */
  async function patiently<T>(call: () => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries += 1) {
      try {
        return await call();
      } catch (error) {
        if (tries > 200 || !isGranaryError(error, 'STORE_UNAVAILABLE')) throw error;
        await sleep(50);
      }
    }
  }

  it('is noticed, and its rows are written anew: by a publisher, and by materialise', async () => {
    await offline.ensureSource(sales);
    await append(offline, sales, events);
    const wanted = rounded(naiveRows(events, NOW));
    const publisher = createPublisher(offline, online, VIEWS, { project: 'followed', now: () => NOW });
    const run = () => materialise(offline, online, VIEWS, { at: NOW, now: () => NOW, project: 'by_hand' });
    await publisher.catchUp();
    expect(await run()).toMatchObject([{ recovered: false }]);
    expect(await run()).toMatchObject([{ written: 0, recovered: false }]);
    let noticed = 0;
    // With one of the three the notes are lost as well.
    for (const server of cluster.servers) {
      await server.kill();
      await server.restart();
      const notes = await patiently(() => readWatermark(online, 'by_hand', shopSales));
      if (notes !== null) {
        noticed += 1;
        expect(wereReplaced(notes, await patiently(() => online.servers()))).toBe(true);
        expect(await rows('by_hand')).not.toEqual(wanted);
        expect(await patiently(run)).toMatchObject([{ recovered: true }]);
      } else await patiently(run);
      await patiently(() => publisher.catchUp());
      expect(await patiently(() => rows('by_hand'))).toEqual(wanted);
      expect(await patiently(() => rows('followed'))).toEqual(wanted);
    }
    expect(noticed).toBeGreaterThan(0);
  }, 60_000);
});
