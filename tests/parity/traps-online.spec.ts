import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backfill } from '@granary/jobs';
import { OfflineStore } from '@granary/offline-store';
import { openOnlineStore, type OnlineStore } from '@granary/online-store';
import { startRedis, whyNoRedis, type TestRedis } from '@granary/online-store/testing';
import { openRegistry, resolveSnapshot } from '@granary/registry';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DAY, HOUR, T, answerOf, worldIn, type Answer, type Pair, type ServiceName, type World } from './trap-world.js';

const folder = mkdtempSync(join(tmpdir(), 'granary-traps-online-'));
let offline: OfflineStore;
let online: OnlineStore[];
let redis: TestRedis | null = null;
let worlds = 0;

beforeAll(async () => {
  offline = await OfflineStore.open({ kind: 'embedded', path: join(folder, 'db') });
  online = [await openOnlineStore({ kind: 'lmdb', path: join(folder, 'online') })];
  if (whyNoRedis() !== null) return;
  redis = await startRedis();
  online.push(await openOnlineStore({ kind: 'redis', url: redis.url }));
});
afterAll(async () => {
  for (const store of online) await store.close();
  await redis?.stop();
  await offline.close();
  rmSync(folder, { recursive: true, force: true });
});

const newWorld = (): World => worldIn({ offline, online, folder }, `w${++worlds}`);

/** Materialises and reads as of `at`; training sets must say the same. */
async function everywhere(world: World, service: ServiceName, pairs: readonly Pair[], at: number): Promise<Answer[]> {
  await world.put(service, at);
  const read = await world.read(service, pairs, at);
  expect(await world.train(service, pairs.map((pair) => [...pair, at]))).toEqual(read);
  return read;
}

const present = (value: unknown) => ({ value, state: 'present' });
const absent = (state: 'null' | 'missing' | 'expired') => ({ value: null, state });

describe(`online as in training sets (LMDB${whyNoRedis() === null ? ', Redis' : ''})`, () => {
  it('an unknown entity is missing, never zero', async () => {
    const world = newWorld();
    await world.visits({ id: 'v', pair: [1, 1], at: T - HOUR }, { id: 'future', pair: [2, 2], at: T + HOUR });
    for (const answer of await everywhere(world, 'seen', [[8, 8], [2, 2]], T)) {
      expect(Object.keys(answer)).toHaveLength(7);
      for (const feature of Object.values(answer)) expect(feature).toEqual(absent('missing'));
    }
  });

  it('(1, 12) and (11, 2) are two entities', async () => {
    const world = newWorld();
    await world.visits({ id: 'v1', pair: [1, 12], at: T - HOUR, whole: 5n }, { id: 'v2', pair: [11, 2], at: T - HOUR, whole: 7n });
    const answers = await everywhere(world, 'seen', [[1, 12], [11, 2], [1, 2], [112, 0]], T);
    expect(answers.map(({ total7d }) => total7d)).toEqual([present(5n), present(7n), absent('missing'), absent('missing')]);
  });

  it('equal event time and arrival give one row', async () => {
    const world = newWorld();
    const tie = { pair: [1, 1], at: T - HOUR } as const;
    await world.visits({ ...tie, id: 'v1', whole: 1n }, { ...tie, id: 'v2', whole: 2n });
    expect(await world.put('seen', T)).toMatchObject({ rows: 1, written: 1 });
    expect(await everywhere(world, 'seen', [[1, 1]], T)).toMatchObject([{ whole: present(2n), visits7d: present(2) }]);
  });

  it('windowed max and min are of the window, not of all history, and stddev is not the mean', async () => {
    const world = newWorld();
    await world.visits(...[90, -90, 4, 0.5].map((part, i) => ({ id: `v${i}`, pair: [1, 1], at: T - (5 - i) * DAY + HOUR, part }) as const));
    expect(await everywhere(world, 'seen', [[1, 1]], T)).toMatchObject([{ least2d: present(0.5), most2d: present(0.5), mean7d: present(1.125) }]);
    const [{ mean7d, spread7d } = {}] = await everywhere(world, 'seen', [[1, 1]], T + 4 * DAY);
    expect([mean7d, spread7d]).toEqual([present(2.25), present(1.75)]);
  });

  it('min, max and mean of nulls are null, counts of them are not', async () => {
    const world = newWorld();
    await world.visits({ id: 'v', pair: [1, 1], at: T - HOUR, part: null });
    const none = { least2d: absent('null'), most2d: absent('null'), mean7d: absent('null'), spread7d: absent('null') };
    expect(await everywhere(world, 'seen', [[1, 1]], T)).toEqual([{ ...none, whole: present(1n), visits7d: present(1), total7d: present(1n) }]);
    expect(await everywhere(world, 'seen', [[1, 1]], T + 8 * DAY)).toEqual([{ ...none, whole: present(1n), visits7d: present(0), total7d: present(0n) }]);
  });

  it('ts = 0 is a time', async () => {
    const world = newWorld();
    await world.visits({ id: 'v', pair: [1, 1], at: 0, whole: 7n });
    expect(await everywhere(world, 'seen', [[1, 1]], 0)).toMatchObject([{ whole: present(7n), visits7d: present(0) }]);
    expect(await world.reader(online[0]!).freshness()).toContainEqual(expect.objectContaining({ view: 'seen', asOf: 0, rows: 1 }));
    expect(await everywhere(world, 'seen', [[1, 1]], 1)).toMatchObject([{ whole: present(7n), visits7d: present(1) }]);
  });

  it('ints stay ints (2^53 + 1)', async () => {
    const world = newWorld();
    const great = 2n ** 53n + 1n;
    await world.visits({ id: 'v', pair: [1, 1], at: T - HOUR, whole: great });
    expect(await everywhere(world, 'seen', [[1, 1]], T)).toMatchObject([{ whole: present(great), total7d: present(great) }]);
  });

  it('a TTL holds on online reads as in training sets', async () => {
    const world = newWorld();
    await world.visits({ id: 'v', pair: [1, 1], at: T, whole: 7n });
    await world.put('fresh', T);
    const instants = [T, T + 3 * DAY, T + 3 * DAY + 1];
    const read = await Promise.all(instants.map(async (at) => (await world.read('fresh', [[1, 1]], at))[0]!));
    expect(read.map(({ whole }) => whole)).toEqual([present(7n), present(7n), absent('expired')]);
    expect(await world.train('fresh', instants.map((at) => [1, 1, at]))).toEqual(read);
    // Materialised again it is what it was.
    expect(await everywhere(world, 'fresh', [[1, 1]], T + 3 * DAY + 1)).toEqual([read[2]]);
  });

  it('future rows are invisible', async () => {
    const world = newWorld();
    const soon = { pair: [1, 1], at: T + 1 } as const;
    await world.visits({ id: 'v', pair: [1, 1], at: T - HOUR, whole: 1n }, { ...soon, id: 'soon', whole: 99n });
    await world.reports({ ...soon, id: 'r', at: T - HOUR, whole: 1n, toldAt: T - HOUR }, { ...soon, id: 'r', at: T - HOUR, whole: 99n, toldAt: T + 1 });
    for (const service of ['seen', 'reported'] as const) expect(await everywhere(world, service, [[1, 1]], T)).toMatchObject([{ whole: present(1n) }]);
  });

  it('equal timestamps from two sources are in a fixed order', async () => {
    const answers: Answer[] = [];
    for (const turned of [false, true]) {
      const world = newWorld();
      const arrivals = [
        () => world.visits({ id: 'x', pair: [1, 1], at: T - HOUR, whole: 1n }),
        () => world.reports({ id: 'x', pair: [1, 1], at: T - HOUR, toldAt: T - HOUR, whole: 2n }),
      ];
      for (const arrive of turned ? arrivals.reverse() : arrivals) await arrive();
      answers.push(...(await everywhere(world, 'newest', [[1, 1]], T)));
    }
    expect(new Set(answers.map(({ whole }) => whole!.value))).toEqual(new Set([1n]));
  });

  it('features never look at the next event: what was online before it came is what a training set says afterwards', async () => {
    const world = newWorld();
    const served: Answer[] = [];
    const instants = [0, 1, 30, 80].map((hour) => T + hour * HOUR);
    for (const [i, at] of instants.entries()) {
      await world.visits({ id: `v${i}`, pair: [1, 1], at, whole: BigInt(i), part: i });
      await world.put('seen', at);
      served.push(...(await world.read('seen', [[1, 1]], at)));
    }
    const rows = await world.dataset('seen', { kind: 'source', source: world.source });
    expect(rows.map(answerOf)).toEqual(served);
    expect(served.map(({ visits7d }) => visits7d!.value)).toEqual([0, 1, 2, 3]);
  });

  it("an aggregate's cached intermediate is not counted twice", async () => {
    const world = newWorld();
    await world.visits({ id: 'v1', pair: [1, 1], at: T - HOUR, part: 10 }, { id: 'v2', pair: [2, 2], at: T - HOUR, part: 20 });
    await world.put('scored', T);
    const pairs: Pair[] = [[1, 1], [2, 2], [1, 1], [3, 3], [3, 3]];
    const spent = [11, 21, 11, 1, 1];
    for (let again = 0; again < 3; again++) expect((await world.read('scored', pairs, T, { part: 1 })).map(({ spent7d }) => spent7d)).toEqual(spent.map(present));
    expect((await world.read('scored', pairs, T, { part: 5 })).map(({ spent7d }) => spent7d)).toEqual(spent.map((value) => present(value + 4)));
  });
});

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
    await expect(world.put('seen', T)).rejects.toMatchObject({ code: 'INVALID_USAGE' });
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
    const registry = openRegistry(join(folder, 'registry'));
    await registry.apply(world.snapshot, null);
    await world.visits({ id: 'v', pair: [1, 1], at: T - HOUR });
    await world.put('seen', T);
    const read = await world.read('seen', [[1, 1]], T);
    const { id: _, views, ...rest } = world.snapshot;
    const definitions = [...rest.entities, ...rest.sources, ...views.map(({ version: __, ...view }) => (view.name === 'fresh' ? { ...view, ttlMs: DAY } : view)), ...rest.services.filter(({ name }) => name !== 'newest')];
    await registry.apply(resolveSnapshot(definitions), world.snapshot.id);
    const applied = await registry.snapshot((await registry.head())!.snapshotId);
    expect(applied.id).not.toBe(world.snapshot.id);
    for (const store of online) {
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
    const run = (instants: readonly number[]) => backfill(offline, world.snapshot, { instants, views: ['seen'] });
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
    await backfill(offline, world.snapshot, { instants: days, views: ['seen'] });
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
    await expect(backfill(offline, world.snapshot, { instants: [T], views: ['seen'], chunkRows: 5, concurrency: 1, ...stopAfter(3) })).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(world.put('seen', T, { chunkRows: 5, ...stopAfter(3) })).rejects.toMatchObject({ code: 'CANCELLED' });
    await backfill(offline, world.snapshot, { instants: [T], views: ['seen'] });
    await expect(world.put('seen', T, { chunkRows: 5, ...stopAfter(3) })).rejects.toMatchObject({ code: 'CANCELLED' });
    const left = await world.put('seen', T, { chunkRows: 5 });
    expect(left).toMatchObject({ rows: 40, resumed: true });
    expect(left.written).toBeLessThan(40);
    expect((await everywhere(world, 'seen', pairs, T)).map(({ total7d, visits7d }) => [total7d, visits7d])).toEqual(pairs.map(([i]) => [present(BigInt(i)), present(1)]));
  });
});

describe('a read', () => {
  it('does not grow with the registry: beside 500 other views the same keys are read, by a plan made once', async () => {
    const world = newWorld();
    await world.visits({ id: 'v', pair: [1, 1], at: T - HOUR });
    await world.put('seen', T);
    const { views, services } = world.snapshot;
    const others = Array.from({ length: 500 }, (_, i) => `other_${i}`);
    const crowded = {
      ...world.snapshot,
      views: [...others.map((name) => ({ ...views[0]!, name })), ...views],
      services: [...others.map((view) => ({ ...services[0]!, name: view, views: [{ ...services[0]!.views[0]!, view }] })), ...services],
    };
    for (const store of online) {
      const asked: (readonly string[])[] = [];
      const watched = new Proxy(store, {
        get(target, name) {
          if (name === 'read') return (keys: readonly string[]) => (asked.push([...keys]), target.read(keys));
          const member: unknown = Reflect.get(target, name);
          return typeof member === 'function' ? (member.bind(target) as unknown) : member;
        },
      });
      const readers = [world.snapshot, crowded].map((snapshot) => world.reader(watched, snapshot));
      const answers = [];
      for (const reader of readers) for (let again = 0; again < 2; again++) answers.push(await reader.rows('seen', [{ a: 1, b: 1 }, { a: 2, b: 2 }], { at: T }));
      expect(answers.slice(1)).toEqual([answers[0], answers[0], answers[0]]);
      expect(asked[0]).toHaveLength(2);
      expect(asked.slice(1)).toEqual([asked[0], asked[0], asked[0]]);
      expect(readers[1]!.plan('seen')).toBe(readers[1]!.plan('seen'));
    }
  });
});
