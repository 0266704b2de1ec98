import { beforeEach, expect, it } from '@jest/globals';
import type { FrameRow, OnlineStore, PackedRow } from './store.js';
import { describeDrivers, type Subject } from './test-support/drivers.js';
import { testSeed } from './test-support/environment.js';
import { at, frame, packed, parsed, randomFrom, readParsed, shuffled, type Order } from './test-support/rows.js';
import { outranks } from './value.js';

const seed = testSeed('tails.spec');

const EMPTY = packed(at(Number.MIN_SAFE_INTEGER), Buffer.from('empty'));
const OLD = Buffer.concat([Buffer.of(1), packed(at(9)).subarray(1)]);

describeDrivers(tails);

function tails(subject: Subject): void {
  const { open } = subject;
  let store: OnlineStore;
  beforeEach(() => void (store = subject.store()));

  it('begins a row with the empty base, adds to its tail, and says how long both are', async () => {
    const [one, two] = [frame(5, Buffer.from('one')), frame(7)];
    const rows = [{ key: 'a', frame: one }, { key: 'b', frame: two }, { key: 'a', frame: two }];
    expect(await store.append(rows, EMPTY)).toEqual([
      { key: 'a', bytes: EMPTY.length + one.length + two.length, tailBytes: one.length + two.length },
      { key: 'b', bytes: EMPTY.length + two.length, tailBytes: two.length },
    ]);
    expect(await store.append([{ key: 'b', frame: one }], EMPTY)).toEqual([{ key: 'b', bytes: EMPTY.length + two.length + one.length, tailBytes: two.length + one.length }]);
    expect((await store.read(['a', 'b'])).map(hex)).toEqual([hex(Buffer.concat([EMPTY, one, two])), hex(Buffer.concat([EMPTY, two, one]))]);
    expect(await store.append([], EMPTY)).toEqual([]);
  });

  it('keeps the frames beyond a new base, drops those it has folded, and changes nothing for an older or equal one', async () => {
    const frames = [3, 256, 5, 300, -1, 4].map((sequence) => ({ key: 'k', frame: frame(sequence, Buffer.from(`${sequence}`)) }));
    await store.append(frames, EMPTY);
    const base = packed(at(5, 50), Buffer.from('base'));
    expect(await store.write([{ key: 'k', value: base }])).toEqual({ written: 1, stale: 0 });
    const kept = Buffer.concat([base, frames[1]!.frame, frames[3]!.frame]);
    expect((await store.read(['k'])).map(hex)).toEqual([hex(kept)]);
    for (const order of [at(5, 50), at(5, 49), at(4, 99)]) expect(await store.write([{ key: 'k', value: packed(order) }])).toEqual({ written: 0, stale: 1 });
    expect(await store.append(frames.slice(4), EMPTY)).toEqual([{ key: 'k', bytes: kept.length, tailBytes: kept.length - base.length }]);
    expect((await store.read(['k'])).map(hex)).toEqual([hex(kept)]);
  });

  it('ends the same whatever the order of appends, replays and bases from two clients', async () => {
    const random = randomFrom(seed);
    const clients = [store, await open()];
    const keys = Array.from({ length: 20 }, (_key, i) => `granary:{user|l2:${i}}:v:000000000000`);
    const frames = Array.from({ length: 1_500 }, (): FrameRow => ({ key: pick(keys, random), frame: randomFrame(Math.floor(random() * 600)) }));
    const bases = Array.from({ length: 150 }, (): PackedRow => ({ key: pick(keys, random), value: randomBase(at(Math.floor(random() * 500), Math.floor(random() * 3))) }));
    const expected = expectedState(keys, frames, bases);
    for (let round = 0; round < 3; round++) {
      await store.delete(keys);
      const replayed = frames.filter(() => random() < 0.3);
      const steps = shuffled([...frames, ...replayed, ...bases], random);
      const underWay: Promise<unknown>[] = [];
      while (steps.length > 0) {
        const part = steps.splice(0, 1 + Math.floor(random() * 60));
        const client = clients[underWay.length % 2]!;
        underWay.push(client.append(part.filter(isFrame), EMPTY), client.write(part.filter(isBase)));
        if (random() < 0.2) await Promise.all(underWay.slice(-2));
      }
      await Promise.all(underWay);
      expect(await readParsed(clients[round % 2]!, keys)).toEqual(expected);
    }
  });

  it('appends to and folds thousands of rows at once, and rows of a megabyte', async () => {
    const rows = Array.from({ length: 5_000 }, (_row, i) => ({ key: `row ${i}`, frame: frame(i) }));
    expect((await store.append(rows, EMPTY)).map(({ key }) => key)).toEqual(rows.map(({ key }) => key));
    await store.write(rows.map(({ key }) => ({ key, value: packed(at(2_499)) })));
    const found = await readParsed(store, rows.map(({ key }) => key));
    expect(found.map((value) => value!.frames.length)).toEqual(rows.map((_row, i) => (i > 2_499 ? 1 : 0)));

    const large = Array.from({ length: 100 }, (_frame, i) => ({ key: 'large', frame: frame(i, Buffer.alloc(10_000, i)) }));
    await store.append(large, EMPTY);
    await store.write([{ key: 'large', value: packed(at(49), Buffer.alloc(500_000, 1)) }]);
    expect((await readParsed(store, ['large']))[0]!.frames).toEqual(large.slice(50).map(({ frame: bytes }) => bytes.toString('hex')).sort());
  });

  it('refuses to append to a row of the older format; a base replaces it', async () => {
    await store.write([{ key: 'old', value: OLD }]);
    await expect(store.append([{ key: 'new', frame: frame(1) }, { key: 'old', frame: frame(1) }], EMPTY)).rejects.toMatchObject({
      code: 'SCHEMA_MISMATCH',
      todo: expect.stringContaining('Materialise the view again') as unknown,
    });
    expect((await store.read(['old', 'new'])).map(hex)).toEqual([hex(OLD), hex(Buffer.concat([EMPTY, frame(1)]))]);
    expect(await store.write([{ key: 'old', value: packed(at(-7)) }])).toEqual({ written: 1, stale: 0 });
    expect(await store.write([{ key: 'old', value: OLD }])).toEqual({ written: 0, stale: 1 });
    await store.append([{ key: 'old', frame: frame(1) }], EMPTY);
    expect((await store.read(['old'])).map(hex)).toEqual([hex(Buffer.concat([packed(at(-7)), frame(1)]))]);
  });

  it('treats bytes that are no frame, and a base with more behind it, as a bug', async () => {
    await expect(store.append([{ key: 'k', frame: frame(1).subarray(0, 11) }], EMPTY)).rejects.toThrow('is none');
    await expect(store.append([{ key: 'k', frame: frame(1) }], EMPTY.subarray(0, 20))).rejects.toThrow('is no base');
    await expect(store.write([{ key: 'k', value: Buffer.concat([EMPTY, frame(1)]) }])).rejects.toThrow('is no base');
  });
}

/** The greatest base of each key, and every frame beyond it. */
function expectedState(keys: readonly string[], frames: readonly FrameRow[], bases: readonly PackedRow[]) {
  return keys.map((key) => {
    const base = bases.filter((row) => row.key === key).reduce((best, { value }) => (outranks(value, best) ? value : best), EMPTY as Uint8Array);
    const folded = Buffer.from(base).readBigUInt64BE(7);
    const beyond = frames.filter((row) => row.key === key && Buffer.from(row.frame).readBigUInt64BE(4) > folded);
    return parsed(Buffer.concat([base, ...beyond.map((row) => row.frame)]));
  });
}

function randomFrame(sequence: number): Buffer {
  return frame(sequence, Buffer.alloc(sequence % 50, sequence));
}

function randomBase(order: Order): Buffer {
  return packed(order, Buffer.alloc((order.h * 3 + order.t) % 100, order.h));
}

function isFrame(step: FrameRow | PackedRow): step is FrameRow {
  return 'frame' in step;
}

function isBase(step: FrameRow | PackedRow): step is PackedRow {
  return 'value' in step;
}

function pick<T>(items: readonly T[], random: () => number): T {
  return items[Math.floor(random() * items.length)]!;
}

function hex(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('hex');
}
