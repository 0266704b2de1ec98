import { whyNoRedis } from '@granary/online-store/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DAY, HOUR, T, absent, answerOf, everywhere, openStores, present, worldIn, type Answer, type Pair, type World } from './trap-world.js';

let stores: Awaited<ReturnType<typeof openStores>>;
let worlds = 0;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores.close());

const newWorld = (): World => worldIn(stores, `w${++worlds}`);

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
    expect(await world.reader(stores.online[0]!).freshness()).toContainEqual(expect.objectContaining({ view: 'seen', asOf: 0, rows: 1 }));
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
    for (const store of stores.online) {
      const asked: (readonly string[])[] = [];
      const watched = new Proxy(store, {
        get(target, name) {
          if (name === 'readInPlace') return (keys: readonly string[]) => (asked.push([...keys]), target.readInPlace(keys));
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
