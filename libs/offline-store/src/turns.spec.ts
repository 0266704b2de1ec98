import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Source } from '@granary/contracts';
import { startHttpFront, type HttpFront } from './http-front/front.js';
import { OfflineStore } from './store.js';
import { tempDirectory } from './testing/stores.js';

const CLICKS: Source = {
  kind: 'source',
  name: 'clicks',
  fields: [{ name: 'id', type: { kind: 'string' }, nullable: false }],
  eventId: ['id'],
  eventTime: 'at',
  knownAt: null,
  file: null,
};

let folder: string;
let own: OfflineStore;
let front: HttpFront;
const others: OfflineStore[] = [];

beforeAll(async () => {
  folder = await tempDirectory();
  own = await OfflineStore.open({ kind: 'embedded', path: join(folder, 'db') });
  front = await startHttpFront({ store: own });
  for (let i = 0; i < 2; i++) others.push(await OfflineStore.open({ kind: 'server', url: front.url }));
});

afterAll(async () => {
  for (const store of others) await store.close();
  await front?.close();
  await own?.close();
  await rm(folder, { recursive: true, force: true });
});

test('appends to one source, from the process that has the directory and through its front, give each event a sequence of its own', async () => {
  await own.ensureSource(CLICKS);
  const stores = [own, ...others];
  const appends = Array.from({ length: 24 }, (_, batch) => {
    const rows = Array.from({ length: 5 }, (_row, i) => ({ eventId: `${batch}:${i}`, eventTime: batch, knownAt: batch, values: [`${batch}:${i}`] }));
    // Every event twice, by two stores at once.
    return [stores[batch % 3]!, stores[(batch + 1) % 3]!].map((store) => store.appendEvents(CLICKS, rows));
  });
  const results = await Promise.all(appends.flat());
  expect(results.reduce((sum, { inserted }) => sum + inserted, 0)).toBe(120);
  expect(await own.rows({ sql: 'SELECT count() AS n, uniqExact(__sequence) AS sequences, uniqExact(id) AS ids FROM events_clicks', params: {} })).toEqual([{ n: 120n, sequences: 120n, ids: 120n }]);
});

test('a caller that is gone gives its turn back', async () => {
  const hold = await fetch(`${front.url}/turn?name=clicks`);
  expect(hold.status).toBe(200);
  const rows = [{ eventId: 'late', eventTime: 1, knownAt: 1, values: ['late'] }];
  let done = false;
  const append = others[0]!.appendEvents(CLICKS, rows).then((result) => ((done = true), result));
  await own.rows({ sql: 'SELECT sleep(0.3)', params: {} });
  expect(done).toBe(false);
  await hold.body!.cancel();
  expect(await append).toMatchObject({ inserted: 1 });
});
