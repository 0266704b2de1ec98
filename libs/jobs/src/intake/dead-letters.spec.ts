import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { OfflineStore } from '@granary/offline-store';
import { sales, snapshot } from '../testing/shop.js';
import { scratchFolder } from '../testing/stores.js';
import { replayDeadLetters } from './dead-letters.js';
import { createIntake } from './intake.js';
import { noPublisher } from './publisher.js';

const folder = scratchFolder();
let store: OfflineStore;
beforeAll(async () => {
  store = await OfflineStore.open({ kind: 'embedded', path: join(folder.dir, 'db') });
});
afterAll(async () => {
  await store?.close();
  folder.remove();
});

test('dead letters are read again with fields corrected; what is right now leaves them, what is not stays', async () => {
  const intake = createIntake({ store, snapshot, publisher: noPublisher });
  const sale = (id: string, changes: object): object => ({ saleId: id, owner: 'o', tenant: 't', shopId: '9007199254740993', amount: 1, payment: 'card', tags: [], at: 1_700_000_000_000, ...changes });
  const bad = [...Array.from({ length: 600 }, (_, i) => sale(`n${i}`, { payment: 'coins' })), sale('x', { amount: 'much' }), 'neither'];
  expect(await intake.accept('sales', [...bad, sale('good', {})], { origin: 'http' })).toMatchObject({ accepted: 1 });
  expect(await store.countQuarantined(sales)).toBe(602);

  expect(await replayDeadLetters(store, sales, intake)).toMatchObject({ replayed: 0, stillWrong: 602, reasons: [{ count: 600 }, { count: 1 }, { count: 1 }] });
  await expect(replayDeadLetters(store, sales, intake, { set: { price: 1 } })).rejects.toMatchObject({ code: 'INVALID_USAGE' });
  expect(await replayDeadLetters(store, sales, intake, { reason: 'PAYMENT', set: { payment: 'cash' } })).toEqual({ replayed: 600, duplicates: 0, stillWrong: 0, reasons: [] });
  expect(await store.countEvents(sales)).toBe(601);
  expect((await store.listQuarantine(sales)).map(({ text }) => text)).toEqual(['"neither"', JSON.stringify(bad[600])]);
  expect(await store.dropQuarantined(sales, 'not a json object')).toBe(1);
  expect(await store.countQuarantined(sales)).toBe(1);
  await intake.close();
});
