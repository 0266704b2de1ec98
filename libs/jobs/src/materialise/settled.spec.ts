import { compileExtent, logsAreEmpty } from '@granary/compiler';
import type { Feature, Source, VersionedView } from '@granary/contracts';
import { OfflineStore } from '@granary/offline-store';
import { openOnlineStore, type OnlineStore, type PackedRow } from '@granary/online-store';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DAY, START, append, randomFrom, randomSales, sales, shopSales, snapshot } from '../testing/shop.js';
import { scratchFolder } from '../testing/stores.js';
import { baseWriter, computeBases, type BasesOf } from './bases.js';

const seed = Number(process.env['SEED']);
const random = randomFrom(seed);
const COUNT = 300;
const AFTER_ALL = START + 40 * DAY;

const newest = shopSales.features.filter(({ aggregate }) => aggregate.fn === 'latest');
const total: Feature = { name: 'sales', type: { kind: 'int32' }, aggregate: { fn: 'count', column: null, where: null, window: { sizeMs: null, delayMs: 0, bounds: '[]', includeRequest: false }, default: null } };
const things: Source = { ...sales, name: 'things', eventId: ['shopId'], eventTime: null };

describe(`bases of settled events (seed ${seed})`, () => {
  const folders = [scratchFolder(), scratchFolder()] as const;
  let offline: OfflineStore;
  let online: OnlineStore;
  beforeAll(async () => {
    offline = await OfflineStore.open({ kind: 'embedded', path: folders[0].dir });
    online = await openOnlineStore({ kind: 'lmdb', path: folders[1].dir });
    for (const source of [sales, things]) await append(offline, source, randomSales(random, COUNT, 20));
    await offline.command({ sql: 'CREATE TABLE some ENGINE = Memory AS SELECT DISTINCT owner AS tenant, shopId FROM events_sales WHERE shopId % 3 = 1', params: {} });
  });
  afterAll(async () => {
    await online.close();
    await offline.close();
    folders.forEach((folder) => folder.remove());
  });

  it.each([
    ['the newest event', sales, newest],
    ['the newest event and a total', sales, [...newest, total]],
    ['a total', sales, [total]],
    ['the newest version of a thing', things, newest],
  ])('of %s alone (%#) are those that any base of theirs would be', async (_, source, features) => {
    const view: VersionedView = { ...shopSales, source: source.name, features: [...features] };
    const writer = baseWriter(offline, online, { view, source, entity: snapshot.entities[0]! }, 'main');
    const base = async (settled: boolean, scope: BasesOf['scope']): Promise<readonly string[]> => {
      const rows: PackedRow[] = [];
      const batches = computeBases(writer, { sequence: COUNT, asOf: AFTER_ALL, scope: { horizon: new Map([[source.name, COUNT]]), ...scope, settled }, candidates: null, limits: {} });
      for await (const batch of batches) rows.push(...batch);
      return rows.map(({ key, value }) => `${key} ${Buffer.from(value).toString('hex')}`).sort();
    };
    for (const scope of [{}, { chunk: { index: 1, count: 3 } }, { keysIn: 'some' }]) {
      const [any, settled] = [await base(false, scope), await base(true, scope)];
      expect(settled.length).toBeGreaterThan(0);
      expect(settled).toEqual(any);
    }
  });

  it('are told from others by counting events that are still to come', async () => {
    const { kept } = baseWriter(offline, online, { view: { ...shopSales, features: newest }, source: sales, entity: snapshot.entities[0]! }, 'main');
    const unsettled = async (at: number): Promise<number> => Number((await offline.rows(compileExtent(shopSales, sales, at, {})))[0]!['unsettled']);
    expect(logsAreEmpty(kept, await unsettled(AFTER_ALL))).toBe(true);
    expect(await unsettled(START - 1)).toBe(COUNT);
    expect(logsAreEmpty(kept, await unsettled(START + DAY))).toBe(false);
  });
});
