import { compileEvaluate, representView } from '@granary/aggregates';
import type { Snapshot, Source, VersionedView } from '@granary/contracts';
import { OfflineStore } from '@granary/offline-store';
import { createStateCodec, openOnlineStore, rowKey } from '@granary/online-store';
import { describe, expect, it } from '@jest/globals';
import { DAY, START, append, sales, shopSales, snapshot, type Sale } from '../testing/shop.js';
import { OFFLINE, scratchFolder } from '../testing/stores.js';
import { createPublisher } from '../publish/publisher.js';
import { materialise } from './materialise.js';

/** Shops with a single sale: a second one takes the event away. */
const singles: Source = {
  ...sales,
  name: 'singles',
  fields: sales.fields.filter(({ name }) => ['owner', 'shopId', 'amount', 'at'].includes(name)),
  eventId: [],
  computed: { kind: 'sql', inputs: ['sales'], sql: 'SELECT owner, shopId, any(amount) AS amount, max(at) AS at FROM {{sales}} GROUP BY owner, shopId HAVING count() = 1' },
};
const view: VersionedView = { ...shopSales, name: 'single_sales', source: 'singles', version: 'aaaaaaaaaaaa', features: shopSales.features.filter(({ name }) => name === 'amount' || name === 'sales1d') };
const world: Snapshot = { ...snapshot, sources: [...snapshot.sources, singles], views: [view], services: [] };

describe('materialise of a view over a computed source', () => {
  it('writes it whole when an input has grown, and takes offline who has no event any more', async () => {
    const [target, folder] = [await OFFLINE.embedded(), scratchFolder()];
    const offline = await OfflineStore.open(target.options);
    const online = await openOnlineStore({ kind: 'lmdb', path: folder.dir });
    try {
      const sale = (id: string, shopId: bigint): Sale => ({ id, tenant: 't', shopId, amount: Number(shopId), payment: 'cash', tags: [], at: START });
      const kept = representView(view, singles);
      const [codec, evaluate] = [createStateCodec(kept, view.version), compileEvaluate(kept)];
      const amounts = async (): Promise<unknown[]> => {
        const rows = await online.read([1n, 2n, 3n].map((shop) => rowKey('main', snapshot.entities[0]!, ['t', shop], view.name, view.version)));
        return rows.map((bytes) => {
          const { parts, eventTime } = evaluate(bytes === null ? null : codec.decode(bytes), START + DAY);
          return eventTime === null ? 'missing' : parts.flat();
        });
      };
      const run = (at: number) => materialise(offline, online, world, { at, project: 'main' });
      await append(offline, sales, [sale('a', 1n), sale('b', 2n)]);
      expect(await run(START)).toMatchObject([{ rows: 2, written: 2, deleted: 0 }]);
      expect(await amounts()).toEqual([[1, 1], [1, 2], 'missing']);
      await append(offline, sales, [sale('c', 2n), sale('d', 3n)]);
      expect(createPublisher(offline, online, world, { project: 'main' }).left).toEqual(['single_sales']);
      expect(await run(START + 1)).toMatchObject([{ rows: 2, written: 2, deleted: 1 }]);
      expect(await amounts()).toEqual([[1, 1], 'missing', [1, 3]]);
      expect(await run(START + 2)).toMatchObject([{ rows: 2, written: 0, deleted: 0 }]);
    } finally {
      await online.close();
      await offline.close();
      await target.stop();
      folder.remove();
    }
  });
});
