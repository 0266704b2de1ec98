import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { representView } from '@granary/aggregates';
import type { Snapshot, VersionedView } from '@granary/contracts';
import { createStateCodec, openOnlineStore, rowKey, type OnlineStore } from '@granary/online-store';
import { reports, sales, shopReports, shopSales, snapshot } from '../testing/shop.js';
import { scratchFolder } from '../testing/stores.js';
import { deleteEntity } from './delete-entity.js';

const folder = scratchFolder();
let online: OnlineStore;
beforeAll(async () => void (online = await openOnlineStore({ kind: 'lmdb', path: folder.dir })));
afterAll(async () => {
  await online.close();
  folder.remove();
});

const [shop] = snapshot.entities;
const before: VersionedView = { ...shopSales, version: 'aaaaaaaaaaaa' };
const former: Snapshot = { ...snapshot, views: [before, shopReports] };
/** A shop was known by its number alone. */
const longAgo: Snapshot = { ...snapshot, entities: [{ ...shop!, keys: shop!.keys.slice(1) }] };

it('deletes the rows of one entity, those of former versions of its views too, and no others', async () => {
  const keys = [['t1', 7n], ['t1', 8n]].flatMap((key) => [shopSales, before, shopReports].map((view) => rowKey('main', shop!, key, view.name, view.version)));
  const rows = keys.map((key, i) => {
    const [view, source] = i % 3 === 2 ? [shopReports, reports] : [shopSales, sales];
    return { key, value: createStateCodec(representView(view, source), view.version).emptyBase() };
  });
  await online.write(rows);
  const options = { project: 'main', entity: 'shop', key: { tenant: 't1', shopId: '7' } };
  expect(await deleteEntity(online, [snapshot, former, longAgo], { ...options, project: 'other' })).toMatchObject({ deleted: 0 });
  expect(await deleteEntity(online, [snapshot, former, longAgo], options)).toEqual({ entity: 'shop', key: { tenant: 't1', shopId: 7n }, views: 3, deleted: 3 });
  expect((await online.read(keys)).map((row) => row !== null)).toEqual([false, false, false, true, true, true]);
  expect(await deleteEntity(online, [snapshot, former], options)).toMatchObject({ deleted: 0 });
});

it.each([
  ['customer', { id: 1 }, 'DEFINITION_NOT_FOUND', 'There is no entity customer'],
  ['shop', { tenant: 't1' }, 'MISSING_KEY', 'shop needs its key shopId'],
  ['shop', { tenant: 't1', shopId: 'seven' }, 'INVALID_KEY', 'shopId of shop'],
  ['shop', { tenant: 't1', shopId: 7, shop: 7 }, 'INVALID_KEY', 'shop has no key shop'],
])('refuses %s %j', async (entity, key, code, message) => {
  await expect(deleteEntity(online, [snapshot], { project: 'main', entity, key })).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
});
