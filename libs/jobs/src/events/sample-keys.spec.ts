import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { OfflineStore } from '@granary/offline-store';
import { START, append, reports, sales, snapshot, type Sale } from '../testing/shop.js';
import { scratchFolder } from '../testing/stores.js';
import { sampleKeys } from './sample-keys.js';

const folder = scratchFolder();
let store: OfflineStore;
beforeAll(async () => void (store = await OfflineStore.open({ kind: 'embedded', path: join(folder.dir, 'db') })));
afterAll(async () => {
  await store.close();
  folder.remove();
});

test('the key of an entity is that of its newest event by now, of whatever view', async () => {
  const sale = (id: string, shopId: bigint, at: number): Sale => ({ id, tenant: 't', shopId, amount: 1, payment: 'card', tags: [], at });
  expect(await sampleKeys(store, snapshot)).toEqual({});
  await append(store, sales, [sale('a', 2n ** 60n, START + 5), sale('b', 1n, START), sale('c', 3n, START + 20)]);
  expect(await sampleKeys(store, snapshot, START + 10)).toEqual({ shop: ['t', 2n ** 60n] });
  await append(store, reports, [sale('d', 4n, START + 7)]);
  expect(await sampleKeys(store, snapshot, START + 10)).toEqual({ shop: ['t', 4n] });
  expect(await sampleKeys(store, snapshot)).toEqual({ shop: ['t', 3n] });
});
