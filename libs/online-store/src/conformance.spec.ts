import { beforeEach, expect, it } from '@jest/globals';
import { entityRowKeys } from './keyspace.js';
import { memoryByEntity } from './memory.js';
import type { OnlineStore, PackedRow } from './store.js';
import { runChild } from './test-support/child.js';
import { describeDrivers, type Subject } from './test-support/drivers.js';
import { testSeed } from './test-support/environment.js';
import { at, frame, packed, randomFrom, shuffled } from './test-support/rows.js';
import { outranks } from './value.js';

const seed = testSeed('conformance.spec');

describeDrivers(conformance);

function conformance(subject: Subject): void {
  const { open, closeAll } = subject;
  let store: OnlineStore;
  beforeEach(() => void (store = subject.store()));

  it('reads in the order of the keys, null for what is missing, duplicates as often as asked', async () => {
    const [a, b] = [packed(at(1), Buffer.from('a')), packed(at(1), Buffer.from('b'))];
    expect(await store.write([{ key: 'a', value: a }, { key: 'b', value: b }])).toEqual({ written: 2, stale: 0 });
    expect((await store.read(['b', 'none', 'a', 'b'])).map(hex)).toEqual([hex(b), null, hex(a), hex(b)]);
  });

  it('takes empty inputs', async () => {
    expect(await store.read([])).toEqual([]);
    expect(await store.write([])).toEqual({ written: 0, stale: 0 });
    expect(await store.delete([])).toBe(0);
    await store.ping();
  });

  it('keeps bytes exactly, of any size, and hands out bytes that no later call changes', async () => {
    const random = randomFrom(seed);
    const sizes = [0, 1, 2, 100, 4_000, 40_000, 1_000_000];
    const rows = sizes.map((size) => ({ key: `size ${size}`, value: packed(at(1), Buffer.alloc(size, `${random()}`)) }));
    await store.write(rows);
    const first = await store.read(rows.map((row) => row.key));
    await store.read(rows.map((row) => row.key).reverse());
    await store.write(rows.map((row) => ({ key: row.key, value: packed(at(2), row.value) })));
    expect(first.map(hex)).toEqual(rows.map((row) => hex(row.value)));
  });

  it('gives values in place one after the other, of any size and in any order, as read gives them', async () => {
    const rows = [0, 1, 100, 40_000, 1_000_000, 3].map((size, i) => ({ key: `size ${size}`, value: packed(at(1), Buffer.alloc(size, `${i}`)) }));
    await store.write(rows);
    const inPlace = await store.readInPlace([...rows.map(({ key }) => key), 'none']);
    for (const i of [5, 0, 4, 3, 3, 1, 2]) expect(hex(inPlace.at(i))).toBe(hex(rows[i]!.value));
    expect(inPlace.at(rows.length)).toBeNull();
  });

  it('writes each row as if alone, whatever lies around it, of any text, and comes twice', async () => {
    const random = randomFrom(seed);
    const texts = ['', 'a', 'ab', 'é', '\ud7ff', '\ue000', '\uffff', '👩‍👧', 'k'.repeat(2_500)];
    const keys = Array.from({ length: 300 }, (_key, i) => `around ${'a'.repeat(Math.floor(random() * 2))}${texts[i % texts.length]!}${Math.floor(random() * 60)}`);
    const there = new Map<string, Buffer>();
    for (let round = 0; round < 12; round++) {
      const rows = shuffled(keys, random).slice(0, Math.floor(random() * 200)).map((key) => ({ key, value: packed(at(Math.floor(random() * 6)), Buffer.from(`${random()}`)) }));
      let written = 0;
      for (const { key, value } of rows) {
        const stored = there.get(key);
        if (stored !== undefined && !outranks(value, stored)) continue;
        there.set(key, value);
        written++;
      }
      expect(await store.write(rows)).toEqual({ written, stale: rows.length - written });
      const gone = keys.filter(() => random() < 0.1);
      await store.delete(gone);
      for (const key of gone) there.delete(key);
    }
    expect((await store.read(keys)).map(hex)).toEqual(keys.map((key) => hex(there.get(key) ?? null)));
  });

  it('tells apart keys of any text and length', async () => {
    const long = 'k'.repeat(5_000);
    const keys = ['{}', 'a:b', 'a|b', 'a\0', 'a', 'é', 'e\u0301', '👩‍👧', long, `${long}k`, `!meta:${long}`];
    await store.write(keys.map((key, i) => ({ key, value: packed(at(1), Buffer.from(`${i}`)) })));
    expect((await store.read(keys)).map((bytes) => bytes?.at(-1))).toEqual(keys.map((_key, i) => `${i}`.charCodeAt(`${i}`.length - 1)));
    expect(await store.delete([long])).toBe(1);
    expect((await store.read([long, `${long}k`])).map((bytes) => bytes === null)).toEqual([true, false]);
  });

  it('keeps the greatest write order: sequence, then instant; an equal one changes nothing', async () => {
    const ascending = [at(Number.MIN_SAFE_INTEGER), at(-5), at(-1), at(0, -1), at(0), at(255), at(256), at(256, 300), at(257, 0), at(2 ** 40), at(Number.MAX_SAFE_INTEGER)];
    for (const order of ascending) {
      expect(await store.write([{ key: 'k', value: packed(order) }])).toEqual({ written: 1, stale: 0 });
      expect(await store.write([{ key: 'k', value: packed(order, Buffer.from('other')) }])).toEqual({ written: 0, stale: 1 });
    }
    for (const order of ascending.slice(0, -1)) expect(await store.write([{ key: 'k', value: packed(order) }])).toEqual({ written: 0, stale: 1 });
    expect((await store.read(['k'])).map(hex)).toEqual([hex(packed(ascending.at(-1)!))]);
  });

  it('decides between rows of the same key within one write', async () => {
    const rows = [3, 1, 5, 2, 5, 4].map((time) => ({ key: 'k', value: packed(at(time)) }));
    expect(await store.write(rows)).toEqual({ written: 2, stale: 4 });
    expect((await store.read(['k'])).map(hex)).toEqual([hex(packed(at(5)))]);
  });

  it('ends like a plain map after thousands of shuffled concurrent writes from two clients', async () => {
    const random = randomFrom(seed);
    const rows = shuffled(randomRows(random, 6_000, 150), random);
    const clients = [store, await open()];
    const writes: Promise<{ written: number; stale: number }>[] = [];
    for (let from = 0; from < rows.length; ) {
      const size = 1 + Math.floor(random() * random() * 200);
      writes.push(clients[writes.length % 2]!.write(rows.slice(from, from + size)));
      from += size;
      if (random() < 0.1) await writes.at(-1);
    }
    const results = await Promise.all(writes);
    expect(results.reduce((sum, { written, stale }) => sum + written + stale, 0)).toBe(rows.length);
    await expectState(store, rows);
    await expectState(clients[1]!, rows);
  });

  it('ends like a plain map after a race of three processes, all of which others see at once', async () => {
    const random = randomFrom(seed + 1);
    const orders = Array.from({ length: 3_000 }, () => [`k${Math.floor(random() * 40)}`, Math.floor(random() * 500)] as const);
    const body = `
      for (let from = 0; from < argument.length; from += 7) {
        await store.write(argument.slice(from, from + 7).map(([key, time]) => ({
          key, value: packed({ h: time, t: time }) })));
      }
      await print('done');`;
    const children = [0, 1, 2].map((part) => runChild(subject.options(), orders.filter((_order, i) => i % 3 === part), body));
    const rows = orders.map(([key, time]) => ({ key, value: packed(at(time)) }));
    for (const child of children) expect((await child.lines.next()).value).toBe('done');
    await expectState(store, rows);
    expect(await Promise.all(children.map((child) => child.ended))).toEqual([0, 0, 0]);
  });

  it('sees another process\'s write as soon as that one is told of it, even in the middle of a turn', async () => {
    const child = runChild(subject.options(), null, `
      for (let time = 1; time <= 20; time++) {
        await store.write([{ key: 'k', value: packed({ h: time, t: time }) }]);
        await print(String(time));
        await new Promise((resolve) => process.stdin.once('data', resolve));
      }
      process.stdin.destroy();`);
    for (let time = 1; time <= 20; time++) {
      await store.read(['k']);
      expect((await child.lines.next()).value).toBe(`${time}`);
      expect((await store.read(['k'])).map(hex)).toEqual([hex(packed(at(time)))]);
      child.process.stdin!.write('next\n');
    }
    expect(await child.ended).toBe(0);
  });

  it('writes, reads and deletes 10,000 rows at once', async () => {
    const rows = randomRows(randomFrom(seed + 2), 10_000, Infinity);
    const keys = rows.map((row) => row.key);
    expect(await store.write(rows)).toEqual({ written: 10_000, stale: 0 });
    expect(await store.write(rows)).toEqual({ written: 0, stale: 10_000 });
    await expectState(store, rows);
    expect(await store.delete(keys)).toBe(10_000);
    expect((await store.read(keys)).every((bytes) => bytes === null)).toBe(true);
  });

  it('deletes what is there, counts it once, and forgets its order', async () => {
    await store.write([{ key: 'a', value: packed(at(9)) }]);
    expect(await store.delete(['a', 'none', 'a'])).toBe(1);
    expect(await store.write([{ key: 'a', value: packed(at(1)) }])).toEqual({ written: 1, stale: 0 });
  });

  it('keeps JSON beside the rows, apart from them', async () => {
    expect(await store.readMeta('watermark')).toBeNull();
    await store.writeMeta('watermark', { at: 5, of: ['é', null] });
    await store.writeMeta('other', false);
    await store.write([{ key: 'watermark', value: packed(at(1)) }]);
    expect(await store.readMeta('watermark')).toEqual({ at: 5, of: ['é', null] });
    await store.writeMeta('watermark', 6);
    expect(await (await open()).readMeta('watermark')).toBe(6);
    await store.writeMeta('watermark', null);
    expect(await store.readMeta('watermark')).toBeNull();
    expect(await store.readMeta('other')).toBe(false);
    await expect(store.writeMeta('watermark', undefined)).rejects.toThrow("can't be written as JSON");
  });

  it('has everything after being closed and opened again', async () => {
    const rows = randomRows(randomFrom(seed + 3), 100, Infinity);
    await store.write(rows);
    await store.writeMeta('watermark', 1);
    await closeAll();
    const again = await open();
    await expectState(again, rows);
    expect(await again.readMeta('watermark')).toBe(1);
    expect(await again.write(rows)).toEqual({ written: 0, stale: rows.length });
  });

  it('finishes what it was asked before closing, and refuses everything afterwards', async () => {
    const writing = store.write([{ key: 'a', value: packed(at(1)) }]);
    await store.close();
    expect(await writing).toEqual({ written: 1, stale: 0 });
    await store.close();
    const row = { key: 'a', value: packed(at(2)) };
    for (const use of [() => store.read(['a']), () => store.write([row]), () => store.delete(['a']), () => store.append([{ key: 'a', frame: frame(1) }], packed(at(-1))), () => store.readMeta('m'), () => store.swapMeta('m', 1, 2), () => store.sampleMemory(''), () => store.writeMeta('m', 1), () => store.ping()]) {
      await expect(use()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', kind: 'unavailable' });
    }
    const [stored] = await (await open()).read(['a']);
    expect(hex(stored ?? null)).toBe(hex(packed(at(1))));
  });

  it('tells what an entity takes up, of all rows of a project or of a sample, and forgets an entity', async () => {
    const entity = { name: 'user', keys: [{ name: 'id', type: { kind: 'int64' as const } }] };
    const views = [{ name: 'small', version: '00000000000a' }, { name: 'large', version: '00000000000b' }];
    const keysOf = (id: number, project = 'shop') => entityRowKeys(project, entity, [BigInt(id)], views);
    const payloads = [100, 20_000].map((size) => Buffer.alloc(size));
    const rowsOf = (id: number, project?: string) => keysOf(id, project).map((key, i) => ({ key, value: packed(at(1), payloads[i]) }));
    const heaviest = { key: keysOf(7)[1]!, value: packed(at(2), Buffer.alloc(90_000)) };
    await store.write([...Array.from({ length: 60 }, (_id, id) => rowsOf(id)).flat(), ...rowsOf(1, 'shopping'), heaviest]);

    const all = await memoryByEntity(store, 'shop');
    expect(all).toMatchObject({ complete: true, entities: [{ entity: 'user', views: [{ view: 'large', version: '00000000000b', rows: 60, largest: { key: heaviest.key } }, { view: 'small', rows: 60 }] }] });
    const [large, small] = all.entities[0]!.views;
    expect(large!.meanBytes).toBeGreaterThan(20_000);
    expect(large!.largest.bytes).toBeGreaterThan(90_000);
    expect(small!.meanBytes).toBeGreaterThan(100);
    expect(small!.meanBytes).toBeLessThan(1_000);
    expect(all.entities[0]!.bytesPerEntity).toBe(large!.meanBytes + small!.meanBytes);

    const sample = await store.sampleMemory('shop:{', { rows: 30 });
    expect(sample.complete).toBe(false);
    expect(sample.rows.length).toBeGreaterThan(10);
    expect(sample.rows.length).toBeLessThanOrEqual(32);
    expect((await store.sampleMemory('shop:{', { budgetMs: 0 })).rows.length).toBeLessThan(121);

    expect(await store.delete(keysOf(7))).toBe(2);
    expect((await memoryByEntity(store, 'shop')).entities[0]!.views.map(({ rows }) => rows)).toEqual([59, 59]);
    expect((await memoryByEntity(store, 'shopping')).entities[0]!.views.map(({ rows }) => rows)).toEqual([1, 1]);
    expect(await memoryByEntity(store, 'nothing')).toEqual({ entities: [], complete: true });
  });

  it('swaps JSON only for what it was: one of many that try wins', async () => {
    const clients = [store, await open()];
    const race = (from: unknown, round: number) => Promise.all(Array.from({ length: 8 }, (_try, i) => clients[i % 2]!.swapMeta('cursor', from, { round, by: i })));
    for (let round = 0; round < 5; round++) {
      const won = await race(await store.readMeta('cursor'), round);
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await store.readMeta('cursor')).toEqual({ round, by: won.indexOf(true) });
    }
    expect(await store.swapMeta('cursor', { by: 99 }, null)).toBe(false);
    expect(await store.swapMeta('cursor', null, 1)).toBe(false);
    expect(await store.swapMeta('cursor', await store.readMeta('cursor'), null)).toBe(true);
    expect(await store.readMeta('cursor')).toBeNull();
    expect(await store.swapMeta('cursor', null, null)).toBe(true);
  });

  it('treats bytes without a write order as a bug', async () => {
    await expect(store.write([{ key: 'a', value: new Uint8Array(30) }])).rejects.toThrow('is no base');
  });
}

/** Orders collide often; the same key and order always carry the same bytes, as in a replay. */
function randomRows(random: () => number, count: number, keys: number): PackedRow[] {
  return Array.from({ length: count }, (_row, i) => {
    const key = `granary:{user|l1:${Math.min(i, Math.floor(random() * keys))}}:v:000000000000`;
    const order = at(Math.floor(random() * 300) - 10, Math.floor(random() * 900));
    return { key, value: packed(order, Buffer.alloc(order.t % 300, `${order.h}:${order.t}`)) };
  });
}

async function expectState(store: OnlineStore, rows: readonly PackedRow[]): Promise<void> {
  const expected = new Map<string, Uint8Array>();
  for (const { key, value } of rows) if (!expected.has(key) || outranks(value, expected.get(key)!)) expected.set(key, value);
  const found = await store.read([...expected.keys()]);
  expect(found.map(hex)).toEqual([...expected.values()].map(hex));
}

function hex(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('hex');
}
