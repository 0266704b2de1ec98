import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { Source, Value } from '@granary/contracts';
import { OfflineStore } from '../store.js';
import { tempDirectory } from '../testing/stores.js';
import type { EventRow } from './append.js';

const FIELDS: Source['fields'] = [
  { name: 'id', type: { kind: 'string' }, nullable: false },
  { name: 'score', type: { kind: 'float32' }, nullable: true },
  { name: 'amount', type: { kind: 'float64' }, nullable: true },
  { name: 'units', type: { kind: 'int64' }, nullable: false },
  { name: 'since', type: { kind: 'timestamp' }, nullable: true },
  { name: 'steps', type: { kind: 'array', of: { kind: 'timestamp' } }, nullable: false },
  { name: 'words', type: { kind: 'array', of: { kind: 'string' } }, nullable: false },
  { name: 'weights', type: { kind: 'array', of: { kind: 'float32' } }, nullable: false },
  { name: 'at', type: { kind: 'timestamp' }, nullable: false },
  { name: 'reportedAt', type: { kind: 'timestamp' }, nullable: true },
];
const base = { kind: 'source', fields: FIELDS, file: null } as const;
const KINDS: Readonly<Record<string, Omit<Source, 'name'>>> = {
  'declared ids': { ...base, eventId: ['id'], eventTime: 'at', knownAt: null },
  'ids of the content': { ...base, eventId: [], eventTime: 'at', knownAt: null },
  'corrections': { ...base, eventId: ['id'], eventTime: 'at', knownAt: 'reportedAt' },
  'versions of things': { ...base, eventId: ['id'], eventTime: null, knownAt: null },
};
const START = Date.UTC(1969, 11, 31, 23, 59, 59, 990);

const seed = Number(process.env['SEED']);
/** mulberry32. */
function randomFrom(state: number): (n: number) => number {
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * n);
  };
}

/** Few ids, times and values, so that rows meet in every way. */
function randomRow(below: (n: number) => number): EventRow {
  const pick = <T>(...items: readonly T[]): T => items[below(items.length)]!;
  const id = `i'd\t${below(40)}`;
  const eventTime = START + below(5) * 7;
  const values: (Value | null)[] = [
    id, pick(null, 0.1, -0, 0, Math.fround(0.1), -1e30), pick(null, 0, -0, 5e-324, -Number.MAX_VALUE), pick(2n ** 63n - 1n, -1n), pick(null, START, 0),
    pick<readonly number[]>([], [START, 1]), pick<readonly string[]>([], ["it's", '\\N\t']), pick<readonly number[]>([0], [-0]), eventTime, null,
  ];
  // An id made of the content differs where the time does.
  return { eventId: `${id} ${eventTime}`, eventTime, knownAt: eventTime + below(3) * 1_000, values };
}

function withZeroesNegated(row: EventRow): EventRow {
  const negated = (value: Value | null): Value | null => (Array.isArray(value) ? (value.map(negated) as readonly number[]) : value === 0 ? -0 : value);
  return { ...row, values: row.values.map(negated) };
}

function textOf(type: Source['fields'][number]['type'], value: unknown): string {
  if (type.kind === 'array') return inspect((value as readonly unknown[]).map((each) => textOf(type.of, each)));
  if (typeof value !== 'number') return inspect(value);
  return String(type.kind === 'float32' ? Math.fround(value) : value);
}

describe('few rows at once and many, through a staging table, are appended alike', () => {
  let folder: string;
  let store: OfflineStore;
  beforeAll(async () => {
    folder = await tempDirectory();
    store = await OfflineStore.open({ kind: 'embedded', path: join(folder, 'db') });
  });
  afterAll(async () => {
    await store?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test.each(Object.entries(KINDS))(`%s (seed ${seed})`, async (kind, declared) => {
    const below = randomFrom(seed);
    const [few, many] = ['few', 'many'].map((size): Source => ({ ...declared, name: `${kind.replaceAll(' ', '_')}_${size}` })) as [Source, Source];
    await Promise.all([store.ensureSource(few), store.ensureSource(many)]);
    // Beyond the limit of one statement; stored, it stays the same event each time.
    const filler = Array.from({ length: 2_001 }, (_, i): EventRow => ({ ...randomRow(randomFrom(i)), eventId: `filler ${i}`, eventTime: START, knownAt: START }));
    await store.appendEvents(few, filler);
    await store.appendEvents(many, filler);
    expect(await store.appendEvents(few, filler.slice(0, 50).map(withZeroesNegated))).toMatchObject({ duplicates: 50 });
    for (let round = 0; round < 4; round += 1) {
      const rows = Array.from({ length: round === 0 ? 0 : below(30) }, () => randomRow(below));
      const direct = await store.appendEvents(few, rows);
      const staged = await store.appendEvents(many, [...filler.map(withZeroesNegated), ...rows]);
      expect(staged.rows.slice(0, filler.length).every(({ outcome }) => outcome === 'duplicate')).toBe(true);
      expect({ ...direct, duplicates: direct.duplicates + filler.length }).toEqual({ ...staged, rows: staged.rows.slice(filler.length) });
      if (kind === 'versions of things') continue;
      // A row that is not stored says what the stored one of its id does, or in which fields it does not.
      const held = new Map((await store.rows({ sql: `SELECT * FROM events_${few.name}`, params: {} })).map((row) => [Number(row['__sequence']), row]));
      direct.rows.forEach(({ sequence, outcome, differs = [] }, i) => {
        const other = FIELDS.filter(({ name, type }, f) => textOf(type, held.get(sequence)![name]) !== textOf(type, rows[i]!.values[f])).map(({ name }) => name);
        expect([outcome === 'conflict', differs]).toEqual([other.length > 0 && kind !== 'ids of the content', kind === 'ids of the content' ? [] : other]);
      });
    }
    const stored = async ({ name }: Source): Promise<unknown> => store.rows({ sql: `SELECT * FROM events_${name} ORDER BY __sequence`, params: {} });
    expect(await stored(few)).toEqual(await stored(many));

    // What is erased is new when it comes again, and no sequence is given twice: online, a frame of one that was would say nothing.
    for (const [source, more] of [[few, []], [many, filler]] as const) {
      const last = await store.lastSequence(source);
      const where = { sql: '__sequence > {from:UInt64} OR __event_id = {id:String}', params: { from: last - 2, id: 'filler 7' } };
      expect(await store.eraseEvents(source, where)).toBe(3);
      expect(await store.eraseEvents(source, where)).toBe(0);
      expect(await store.lastSequence(source)).toBe(last);
      const again = filler.slice(7, 8);
      expect(await store.appendEvents(source, [...more.filter((row) => !again.includes(row)), ...again])).toMatchObject({ inserted: 1, lastSequence: last + 1 });
      expect(await store.eraseEvents(source, { sql: 'true', params: {} })).toBe(last - 2);
      expect(await store.appendEvents(source, [...more, ...filler.slice(0, 2)])).toMatchObject({ lastSequence: last + 1 + Math.max(2, more.length) });
    }
  });
});
