import { join } from 'node:path';
import { backfill } from '@granary/jobs';
import { openRegistry, resolveSnapshot } from '@granary/registry';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DAY, HOUR, T, absent, answerOf, everywhere, openStores, present, worldIn, type Pair, type World } from './trap-world.js';

let stores: Awaited<ReturnType<typeof openStores>>;
let worlds = 0;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores.close());

const newWorld = (): World => worldIn(stores, `w${++worlds}`);

describe('backfill and materialise', () => {
  it('a correction with the same event time wins offline and online', async () => {
    const world = newWorld();
    const report = { id: 'r', pair: [1, 1], at: T - DAY, whole: 1n, toldAt: T - DAY } as const;
    await world.reports(report);
    expect(await everywhere(world, 'reported', [[1, 1]], T)).toMatchObject([{ whole: present(1n), total7d: present(1n) }]);
    await world.reports({ ...report, whole: 2n, toldAt: T + HOUR });
    // Another report of the same instant, known later, is newer too.
    await world.reports({ ...report, id: 's', pair: [2, 2], whole: 5n, toldAt: T + 1 }, { ...report, id: 'q', pair: [2, 2], whole: 4n });
    expect(await everywhere(world, 'reported', [[1, 1], [2, 2]], T + 2 * HOUR)).toEqual([
      { whole: present(2n), reports7d: present(1), total7d: present(2n) },
      { whole: present(5n), reports7d: present(2), total7d: present(9n) },
    ]);
    expect(await world.train('reported', [[1, 1, T]])).toMatchObject([{ whole: present(1n) }]);
  });

  it('late data changes what an incremental run left', async () => {
    const world = newWorld();
    await world.visits({ id: 'v1', pair: [1, 1], at: T - HOUR }, { id: 'v2', pair: [2, 2], at: T - HOUR });
    await world.put('seen', T);
    await world.visits({ id: 'late', pair: [1, 1], at: T - 3 * DAY, whole: 10n });
    expect(await world.put('seen', T + HOUR)).toMatchObject({ written: 1 });
    expect(await everywhere(world, 'seen', [[1, 1], [2, 2]], T + HOUR)).toMatchObject([{ whole: present(1n), total7d: present(11n) }, { total7d: present(1n) }]);
  });

  it('corrected data can be materialised again, as of the same instant', async () => {
    const world = newWorld();
    const report = { id: 'r', pair: [1, 1], at: T - DAY, whole: 1n, toldAt: T - DAY } as const;
    await world.reports(report, { ...report, id: 'moved', pair: [2, 2] });
    await world.put('reported', T);
    await world.reports({ ...report, whole: 3n, toldAt: T - HOUR }, { ...report, id: 'moved', pair: [4, 4], toldAt: T - HOUR });
    await world.put('reported', T);
    expect((await everywhere(world, 'reported', [[1, 1], [2, 2], [4, 4]], T)).map(({ total7d }) => total7d)).toEqual([present(3n), absent('missing'), present(1n)]);
  });

  it('a stale end of a batch is not counted twice: what two runs overlap in counts once', async () => {
    const world = newWorld();
    const visits = [T - HOUR, T, T + HOUR].map((at, i) => ({ id: `v${i}`, pair: [1, 1], at }) as const);
    await world.visits(...visits);
    const counted = [];
    for (const at of [T, T + 1, T + HOUR, T + HOUR, T + HOUR + 1]) {
      // The same events told again are the same events.
      await world.visits(...visits);
      counted.push(...(await everywhere(world, 'seen', [[1, 1]], at)).map(({ visits7d }) => visits7d!.value));
    }
    expect(counted).toEqual([1, 2, 2, 2, 3]);
    await expect(world.put('seen', T - 1)).rejects.toMatchObject({ code: 'INVALID_USAGE' });
    expect(await world.read('seen', [[1, 1]], T + HOUR + 1)).toMatchObject([{ visits7d: present(3) }]);
  });

  it('a future end date does not poison the next incremental run', async () => {
    const world = newWorld();
    const now = Date.now();
    await world.visits({ id: 'v', pair: [1, 1], at: now - HOUR });
    await expect(world.put('seen', now + 365 * DAY)).rejects.toMatchObject({ code: 'INVALID_USAGE', todo: expect.stringContaining('now') });
    expect(await everywhere(world, 'seen', [[1, 1]], now)).toMatchObject([{ visits7d: present(1) }]);
    await world.visits({ id: 'w', pair: [1, 1], at: now - 1 });
    expect(await everywhere(world, 'seen', [[1, 1]], now)).toMatchObject([{ visits7d: present(2) }]);
  });

  it('apply leaves the watermark of what is online', async () => {
    const world = newWorld();
    const registry = openRegistry(join(stores.folder, 'registry'));
    await registry.apply(world.snapshot, null);
    await world.visits({ id: 'v', pair: [1, 1], at: T - HOUR });
    await world.put('seen', T);
    const read = await world.read('seen', [[1, 1]], T);
    const { id: _, views, ...rest } = world.snapshot;
    const definitions = [...rest.entities, ...rest.sources, ...views.map(({ version: __, ...view }) => (view.name === 'fresh' ? { ...view, ttlMs: DAY } : view)), ...rest.services.filter(({ name }) => name !== 'newest')];
    await registry.apply(resolveSnapshot(definitions), world.snapshot.id);
    const applied = await registry.snapshot((await registry.head())!.snapshotId);
    expect(applied.id).not.toBe(world.snapshot.id);
    for (const store of stores.online) {
      const reader = world.reader(store, applied);
      expect(await reader.freshness()).toContainEqual(expect.objectContaining({ view: 'seen', asOf: T, rows: 1 }));
      expect((await reader.rows('seen', [{ a: 1, b: 1 }], { at: T }))[0]!.values).toMatchObject(read[0]!);
    }
    expect(await world.put('seen', T)).toMatchObject({ written: 0, deleted: 0 });
  });

  it('a partition is not skipped silently: days without events have rows, days that come last count', async () => {
    const world = newWorld();
    const days = Array.from({ length: 6 }, (_, day) => T + day * DAY);
    const visit = (day: number) => ({ id: `day ${day}`, pair: [1, 1], at: T + day * DAY - HOUR }) as const;
    await world.visits(visit(0), visit(4));
    const run = (instants: readonly number[]) => backfill(stores.offline, world.snapshot, { instants, views: ['seen'] });
    expect((await run(days)).map(({ rows, computed }) => [rows, computed])).toEqual(days.map(() => [1, true]));
    // The second day's file comes after that of the fifth.
    await world.visits(visit(1));
    await run(days);
    const counted = [];
    for (const at of days.slice(0, 5)) counted.push(...(await everywhere(world, 'seen', [[1, 1]], at)).map(({ visits7d }) => visits7d!.value));
    expect(counted).toEqual([1, 2, 2, 2, 3]);
  });

  it('the first windows of a backfill are not truncated', async () => {
    const world = newWorld();
    const days = [T, T + DAY];
    await world.visits(...[-7 * DAY - 1, -7 * DAY, -1, 0].map((age, i) => ({ id: `v${i}`, pair: [1, 1], at: T + age }) as const));
    await backfill(stores.offline, world.snapshot, { instants: days, views: ['seen'] });
    expect(await everywhere(world, 'seen', [[1, 1]], T)).toMatchObject([{ visits7d: present(2) }]);
    // Neither are those of a training set whose questions begin late.
    const rows = await world.dataset('seen', { kind: 'source', source: world.source, from: T });
    expect(rows.map(answerOf)).toMatchObject([{ visits7d: present(2) }]);
  });

  it('an interrupted run neither doubles nor loses rows', async () => {
    const world = newWorld();
    const pairs = Array.from({ length: 40 }, (_, i): Pair => [i, 1]);
    await world.visits(...pairs.map((pair, i) => ({ id: `v${i}`, pair, at: T - HOUR, whole: BigInt(i) })));
    const stopAfter = (chunks: number) => {
      const stop = new AbortController();
      let reports = 0;
      return { signal: stop.signal, onProgress: () => void (++reports > chunks && stop.abort()) };
    };
    await expect(backfill(stores.offline, world.snapshot, { instants: [T], views: ['seen'], chunkRows: 5, concurrency: 1, ...stopAfter(3) })).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(world.put('seen', T, { chunkRows: 5, ...stopAfter(3) })).rejects.toMatchObject({ code: 'CANCELLED' });
    await backfill(stores.offline, world.snapshot, { instants: [T], views: ['seen'] });
    await expect(world.put('seen', T, { chunkRows: 5, ...stopAfter(3) })).rejects.toMatchObject({ code: 'CANCELLED' });
    const left = await world.put('seen', T, { chunkRows: 5 });
    expect(left).toMatchObject({ rows: 40, resumed: true });
    expect(left.written).toBeLessThan(40);
    expect((await everywhere(world, 'seen', pairs, T)).map(({ total7d, visits7d }) => [total7d, visits7d])).toEqual(pairs.map(([i]) => [present(BigInt(i)), present(1)]));
  });
});
