import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from '@jest/globals';
import type { SchemaElement } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { textOf, type RawRow } from './raw-row.js';
import { readParquet } from './read-parquet.js';
import { field, readAll, readState, scratch } from './testing/fixtures.js';

const files = scratch();
afterAll(() => files.remove());

type Column = { readonly element: Omit<SchemaElement, 'name'> | readonly SchemaElement[]; readonly data: unknown[] };

function write(name: string, columns: Readonly<Record<string, Column>>, rowGroupSize = 1000): string {
  const elements = Object.entries(columns).flatMap(([column, { element }]) =>
    Array.isArray(element) ? (element as SchemaElement[]) : [{ name: column, ...(element as Omit<SchemaElement, 'name'>) }],
  );
  const buffer = parquetWriteBuffer({
    columnData: Object.entries(columns).map(([column, { data }]) => ({ name: column, data })),
    schema: [{ name: 'root', num_children: Object.keys(columns).length }, ...elements],
    rowGroupSize,
  });
  return files.write(name, new Uint8Array(buffer));
}

const optional = { repetition_type: 'OPTIONAL' } as const;

describe('Parquet', () => {
  it('maps types: int64 to bigint, timestamps of any unit and dates to instants, text, lists, nulls', async () => {
    const timestamp = (unit: 'MILLIS' | 'MICROS' | 'NANOS'): Column['element'] => ({ type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit }, ...optional });
    const file = write('types.parquet', {
      big: { element: { type: 'INT64', ...optional }, data: [9223372036854775807n, null] },
      ms: { element: timestamp('MILLIS'), data: [new Date(-1), null] },
      us: { element: timestamp('MICROS'), data: [-1n, null] },
      ns: { element: timestamp('NANOS'), data: [1_700_000_000_123_999_999n, null] },
      day: { element: { type: 'INT32', converted_type: 'DATE', ...optional }, data: [new Date('2026-01-31'), null] },
      text: { element: { type: 'BYTE_ARRAY', converted_type: 'UTF8', ...optional }, data: ['ö𝄞', null] },
      list: {
        element: [
          { name: 'list', converted_type: 'LIST', num_children: 1, ...optional },
          { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
          { name: 'element', type: 'INT64', ...optional },
        ],
        data: [[1n, 2n], []],
      },
    });
    const names = ['list', 'text', 'day', 'ns', 'us', 'ms', 'big'];
    const rows = await readAll(readParquet, file, names.map((name) => field(name, 'string')));
    expect(rows.map((row) => row.kind === 'row' && row.values.map((value) => value ?? null))).toEqual([
      [[1n, 2n], 'ö𝄞', new Date('2026-01-31'), new Date(1_700_000_000_123), new Date(-1), new Date(-1), 9223372036854775807n],
      [[], null, null, null, null, null, null],
    ]);
    expect(JSON.parse(textOf(rows[0]!))).toMatchObject({ big: '9223372036854775807', list: ['1', '2'] });
  });

  it('reads decimals as exact decimal text', async () => {
    const decimal = (type: 'INT32' | 'INT64', scale: number): Column['element'] => ({ type, converted_type: 'DECIMAL', scale, precision: type === 'INT32' ? 9 : 18, ...optional });
    const file = write('decimals.parquet', {
      a: { element: decimal('INT32', 1), data: [0.3, -0.5, 12] },
      b: { element: decimal('INT64', 4), data: [3, null, 0.0001] },
    });
    const rows = await readAll(readParquet, file, [field('a', 'string'), field('b', 'string')]);
    expect(rows.map((row) => row.kind === 'row' && row.values.map((value) => value ?? null))).toEqual([['0.3', '3'], ['-0.5', null], ['12', '0.0001']]);
  });

  it('streams row groups in order, ignores other columns, and wants all that are declared', async () => {
    const numbers = Array.from({ length: 23_456 }, (_, i) => i);
    const file = write('groups.parquet', { other: { element: { type: 'INT32', ...optional }, data: numbers }, n: { element: { type: 'INT32', ...optional }, data: numbers } }, 1000);
    const state = { ...readState(), totalBytes: 1000 };
    const rows = await readAll(readParquet, file, [field('n', 'int32')], state);
    expect(rows.map((row) => row.kind === 'row' && row.values[0])).toEqual(numbers);
    expect(rows.map((row) => row.line)).toEqual(numbers.map((n) => n + 1));
    expect([...state.ignored]).toEqual(['other']);
    expect(state.readBytes).toBe(1000);
    await expect(readAll(readParquet, file, [field('m', 'int32')])).rejects.toThrow('column m is missing; found "other", "n"; wanted "m"');
  });

  it('leaves bytes that are no text as bytes', async () => {
    const file = write('bytes.parquet', { a: { element: { type: 'BYTE_ARRAY', ...optional }, data: [new Uint8Array([0xff, 0xfe]), new Uint8Array([0x61])] } });
    const rows = await readAll(readParquet, file, [field('a', 'string')]);
    expect(rows.map((row) => row.kind === 'row' && row.values[0])).toEqual([new Uint8Array([0xff, 0xfe]), 'a']);
  });

  it('refuses files that are no Parquet or break off, and yields the groups before a damaged one', async () => {
    const data = Array.from({ length: 5000 }, (_, i) => `value ${(i * 2654435761) % 1e9}`);
    const file = write('damaged.parquet', { a: { element: { type: 'BYTE_ARRAY', converted_type: 'UTF8', ...optional }, data } }, 1000);
    const fields = [field('a', 'string')];
    const bytes = readFileSync(file);
    for (const broken of [bytes.subarray(0, bytes.length / 2), Buffer.from('a,b\n1,2\n'), Buffer.alloc(0)]) {
      await expect(readAll(readParquet, files.write('broken.parquet', broken), fields)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    }
    const holed = Buffer.from(bytes);
    holed.fill(0xff, Math.floor(bytes.length * 0.55), Math.floor(bytes.length * 0.6));
    const seen: RawRow[] = [];
    await expect((async () => {
      for await (const rows of readParquet(files.write('holed.parquet', holed), fields, readState())) seen.push(...rows);
    })()).rejects.toMatchObject({ code: 'FILE_UNREADABLE', message: expect.stringMatching(/rows \d001 to \d000 can't be decoded/) });
    expect(seen.length % 1000).toBe(0);
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.every((row, i) => row.kind === 'row' && row.values[0] === data[i])).toBe(true);
  });
});
