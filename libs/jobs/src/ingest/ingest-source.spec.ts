import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { eventsTable, identifier, type FieldType, type JobOptions, type Progress, type Source, type SourceField, type Value } from '@granary/contracts';
import { OfflineStore } from '@granary/offline-store';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ingestFolder } from './ingest-folder.js';
import { ingestSource } from './ingest-source.js';
import { field, scratch, sourceOf } from './testing/fixtures.js';
import { toCsv, toNdjson, toParquet, type TypedRow } from './testing/write-rows.js';

const files = scratch();
let store: OfflineStore;

beforeAll(async () => {
  store = await OfflineStore.open({ kind: 'embedded', path: join(files.dir, 'store') });
});
afterAll(async () => {
  await store?.close();
  files.remove();
});

async function storedRows(source: Source, orderBy: string): Promise<TypedRow[]> {
  const columns = source.fields.map((each) => identifier(each.name));
  const rows = await store.rows({ sql: `SELECT ${columns.join(', ')} FROM ${identifier(eventsTable(source))} ORDER BY ${identifier(orderBy)}`, params: {} });
  return rows.map((row) => source.fields.map((each) => row[each.name] as Value | null));
}

const scalars: readonly FieldType[] = [
  { kind: 'bool' },
  { kind: 'int32' },
  { kind: 'int64' },
  { kind: 'float32' },
  { kind: 'float64' },
  { kind: 'string' },
  { kind: 'timestamp' },
  { kind: 'enum', values: ['view', 'add to cart', 'a,"b"'] },
];

function valueOf(type: FieldType, emptyText: boolean): fc.Arbitrary<Value> {
  switch (type.kind) {
    case 'bool':
      return fc.boolean();
    case 'int32':
      return fc.integer();
    case 'int64':
      return fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.bigInt(-10n, 10n));
    case 'float32':
      return fc.float({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0);
    case 'float64':
      return fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0);
    case 'string':
      return fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', '\\', '\t', 'a', ' ', '𝄞', '\ufffd') })).filter((text) => emptyText || text !== '');
    case 'timestamp':
      return fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2299, 11, 31) });
    case 'enum':
      return fc.constantFrom(...type.values);
    case 'array':
      return fc.array(valueOf(type.of, true) as fc.Arbitrary<string>, { maxLength: 4 });
    case 'map':
      throw new Error('no field of a source is a map');
  }
}

describe('ingest', () => {
  const seed = Number(process.env['SEED']);
  it(`gives back what a file holds, whatever its format and types (seed ${seed})`, async () => {
    const fields: SourceField[] = [
      field('n', 'int32'),
      ...scalars.map((type) => field(`f_${type.kind}`, type)),
      ...scalars.map((type) => field(`n_${type.kind}`, type, { nullable: true })),
      ...scalars.map((type) => field(`a_${type.kind}`, { kind: 'array', of: type } as FieldType)),
      field('tags', { kind: 'array', of: { kind: 'int32' } }, { encoding: { kind: 'separated', by: '|' } }),
    ];
    const cells = fields.slice(1).map((each) => (each.nullable ? fc.option(valueOf(each.type, false)) : valueOf(each.type, true)));
    const table = fc.array(fc.tuple(...cells), { minLength: 1, maxLength: 120 });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(table, fc.integer({ min: 1, max: 50 }), async (drawn, size) => {
        const rows: TypedRow[] = drawn.map((row, n) => [n, ...row]);
        run++;
        for (const [format, content] of [
          ['csv', toCsv(fields, rows, size % 2 ? '\n' : '\r\n')],
          ['ndjson', toNdjson(fields, rows)],
          ['parquet', toParquet(fields, rows, size)],
        ] as const) {
          const source = sourceOf(fields, { name: `random_${format}_${run}`, eventTime: 'f_timestamp', knownAt: 'n_timestamp' });
          const file = files.write(`random.${format}`, content);
          const first = await ingestSource(store, source, file, { batchRows: 40 });
          expect(first).toMatchObject({ read: rows.length, inserted: rows.length, duplicates: 0, quarantined: 0, reasons: [] });
          expect(await storedRows(source, 'n')).toEqual(rows);
          expect(await ingestSource(store, source, file)).toMatchObject({ read: rows.length, inserted: 0, duplicates: rows.length });
        }
      }),
      { numRuns: 4, seed, endOnFailure: true },
    );
  });

  const ratings = sourceOf([field('user', 'int64'), field('item', 'int64'), field('rating', 'float64'), field('at', 'timestamp', { encoding: { kind: 'epochSeconds' } })], {
    eventId: ['user', 'item'],
    eventTime: 'at',
  });
  const lines = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `${from + i},7,4.5,${964982703 + from + i}`);

  it('counts every row once: inserted, duplicate or quarantined with line, text and reason', async () => {
    const source = { ...ratings, name: 'counted' };
    const bad = ['1,7,good,964982703', '2,7,,964982703', '3,7', '4,7,bad,964982703', `5,7,"${'x'.repeat(100_000)}",1`, '"6" 7,7,1,1'];
    const good = lines(100, 300);
    const file = files.write('counted.csv', ['user,item,rating,at', ...good.slice(0, 100), ...bad, '', ...good.slice(100), ...good.slice(0, 10)].join('\n'));
    const report = await ingestSource(store, source, file, { label: 'counted.csv', batchRows: 37 });
    expect(report).toMatchObject({
      source: 'counted',
      file: 'counted.csv',
      read: 216,
      inserted: 200,
      duplicates: 10,
      quarantined: 6,
      reasons: [
        { reason: 'rating: not float64', count: 3 },
        { reason: 'rating: missing value', count: 1 },
        { reason: 'row: badly quoted', count: 1 },
        { reason: 'row: fewer columns than the header', count: 1 },
      ],
    });
    expect(await store.countEvents(source)).toBe(200);
    const kept = await store.listQuarantine(source, 100);
    expect(kept.map((row) => row.line)).toEqual([102, 103, 104, 105, 106, 107]);
    expect(kept[0]).toMatchObject({ file: 'counted.csv', text: expect.stringMatching(/^\{.*"rating":"good".*\}$/), reason: 'rating: "good" is not float64' });
    expect(kept[4]!.text.length).toBeLessThan(66_000);

    expect(await ingestSource(store, source, file, { label: 'counted.csv' })).toMatchObject({ read: 216, inserted: 0, duplicates: 210, quarantined: 6 });
    expect(await store.countQuarantined(source)).toBe(6);
  });

  it('puts rows that contradict a stored event, or one before them, into quarantine, whichever statements append them', async () => {
    const header = 'user,item,rating,at';
    const good = lines(100, 2_200);
    for (const [name, count] of [['few', 50], ['many', 2_100]] as const) {
      const source = { ...ratings, name: `contradicted_${name}` };
      await ingestSource(store, source, files.write(`${name}.csv`, [header, ...good.slice(0, count)].join('\n')));
      const [first, second] = good as [string, string];
      const again = files.write(`${name}-again.csv`, [header, ...good.slice(1, count), first.replace('4.5', '3'), second, second.replace('4.5', ''), '1,1,1,1', '1,1,2,1'].join('\n'));
      for (const inserted of [1, 0]) {
        expect(await ingestSource(store, source, again, { label: 'again.csv' })).toMatchObject({
          inserted, duplicates: count + 1 - inserted, quarantined: 3,
          reasons: [{ reason: 'conflict: stored already, with other content in rating', count: 2 }, { reason: 'rating: missing value', count: 1 }],
        });
      }
      expect((await store.listQuarantine(source)).map(({ line, text, reason }) => [line, text, reason])).toEqual([
        [count + 1, '{"user":"100","item":"7","rating":3,"at":"964982803"}', 'conflict: the event of this user, item is stored already, with other content in rating'],
        [count + 3, expect.any(String), 'rating: missing value, wanted float64'],
        [count + 5, expect.stringContaining('"rating":2'), expect.stringContaining('conflict')],
      ]);
    }
  });

  it('puts rows without an id into quarantine, each of them', async () => {
    for (const [format, content] of [['csv', 'id,n\n,1\na,2\n,3\n'], ['ndjson', '{"id":"","n":1}\n{"id":"a","n":2}\n{"id":"","n":3}\n']] as const) {
      const source = sourceOf([field('id', 'string'), field('n', 'int64')], { name: `nameless_${format}`, eventId: ['id'] });
      const report = await ingestSource(store, source, files.write(`nameless.${format}`, content));
      expect(report).toMatchObject({ read: 3, inserted: 1, duplicates: 0, quarantined: 2, reasons: [{ reason: 'id: missing value', count: 2 }] });
      expect((await store.listQuarantine(source, 10)).map(({ reason }) => reason)).toEqual(['id: missing value', 'id: missing value']);
    }
  });

  it('stops between batches when aborted; the next run completes the set', async () => {
    const source = { ...ratings, name: 'aborted' };
    const file = files.write('aborted.csv', ['user,item,rating,at', ...lines(0, 60_000)].join('\n'));
    const abort = new AbortController();
    const options: JobOptions = { signal: abort.signal, onProgress: ({ message }) => message !== '0 rows' && abort.abort() };
    await expect(ingestSource(store, source, file, { ...options, batchRows: 1000 })).rejects.toMatchObject({ code: 'CANCELLED' });
    const before = await store.countEvents(source);
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(60_000);
    expect(await ingestSource(store, source, file)).toMatchObject({ read: 60_000, inserted: 60_000 - before, duplicates: before });
    expect(await store.countEvents(source)).toBe(60_000);
  });

  it('keeps the rows before the place where a file breaks off, says how many, and takes the whole file later', async () => {
    const source = { ...ratings, name: 'cut' };
    const packed = gzipSync(['user,item,rating,at', ...lines(0, 40_000)].join('\n'));
    const failure = await ingestSource(store, source, files.write('cut.csv.gz', packed.subarray(0, packed.length / 2)), { format: 'csv' }).catch((error: unknown) => error);
    const kept = await store.countEvents(source);
    expect(kept).toBeGreaterThan(0);
    expect(failure).toMatchObject({ code: 'FILE_UNREADABLE', details: { report: { read: kept, inserted: kept } }, message: expect.stringContaining(`the ${kept} rows before that are kept`) });
    expect(await ingestSource(store, source, files.write('whole.csv.gz', packed))).toMatchObject({ read: 40_000, inserted: 40_000 - kept });
  });

  it('reports progress in bytes up to the size of the file, and the columns it left out', async () => {
    const source = { ...ratings, name: 'progress' };
    const content = ['user,item,rating,at,note', ...lines(0, 30_000).map((line) => `${line},x`)].join('\n');
    const seen: Progress[] = [];
    const report = await ingestSource(store, source, files.write('progress.csv', content), { batchRows: 5_000, onProgress: (progress) => seen.push(progress) });
    expect(report.ignoredColumns).toEqual(['note']);
    expect(seen.every(({ total, unit }) => total === content.length && unit === 'bytes')).toBe(true);
    expect(seen.map(({ done }) => done)).toEqual(seen.map(({ done }) => done).sort((a, b) => a - b));
    expect(seen.at(-1)).toMatchObject({ done: content.length, message: '30,000 rows' });
  });

  it('names files that are missing or of no known format', async () => {
    await expect(ingestSource(store, ratings, join(files.dir, 'none.csv'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    await expect(ingestSource(store, ratings, files.write('rows.txt', 'x'))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    await expect(ingestSource(store, ratings, files.dir, { format: 'csv' })).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  });
});

describe('ingest of a folder', () => {
  const one = sourceOf([field('a', 'int64')], { name: 'folder_one', file: { path: 'one.csv', format: 'csv' } });
  const two = sourceOf([field('a', 'int64')], { name: 'folder_two', file: { path: 'sub/two.ndjson', format: 'ndjson' } });
  const pushed = sourceOf([field('a', 'int64')], { name: 'folder_pushed' });

  it('loads what is there and names what is not', async () => {
    files.write('one.csv', 'a\n1\n2\n');
    const { reports, missing } = await ingestFolder(store, { sources: [one, two, pushed] }, files.dir);
    expect(reports).toMatchObject([{ source: 'folder_one', file: 'one.csv', inserted: 2 }]);
    expect(missing).toEqual([{ source: 'folder_two', file: 'sub/two.ndjson' }]);
    expect(await ingestFolder(store, { sources: [one, two] }, files.dir, { sources: ['folder_one'] })).toMatchObject({ reports: [{ inserted: 0, duplicates: 2 }], missing: [] });
  });

  it('goes on behind a file that cannot be read, and tells of each file', async () => {
    const sourceFor = (name: string, path: string): Source => sourceOf([field('a', 'int64')], { name: `broken_${name}`, file: { path, format: path.includes('.csv') ? 'csv' : path.endsWith('.ndjson') ? 'ndjson' : 'parquet' } });
    const packed = gzipSync(['a', ...Array.from({ length: 100_000 }, (_, i) => `${i * 7919}`)].join('\n'));
    files.write('cut-part.csv.gz', packed.subarray(0, packed.length / 2));
    files.write('last.csv', 'a\n1\nx\n');
    for (const name of ['empty.csv', 'empty.ndjson', 'empty.parquet']) files.write(name, '');
    const sources = [sourceFor('csv', 'empty.csv'), sourceFor('ndjson', 'empty.ndjson'), sourceFor('parquet', 'empty.parquet'), sourceFor('cut', 'cut-part.csv.gz'), sourceFor('folder', 'a-folder.csv'), sourceFor('last', 'last.csv')];
    mkdirSync(join(files.dir, 'a-folder.csv'));
    const { reports, missing } = await ingestFolder(store, { sources }, files.dir);
    expect(missing).toEqual([]);
    expect(reports).toHaveLength(6);
    for (const [i, path] of ['empty.csv', 'empty.ndjson', 'empty.parquet'].entries()) {
      expect(reports[i]).toMatchObject({ file: path, read: 0, error: { code: 'FILE_UNREADABLE', message: `${join(files.dir, path)}: is empty (0 bytes)` } });
    }
    const kept = await store.countEvents(sources[3]!);
    expect(kept).toBeGreaterThan(0);
    expect(reports[3]).toMatchObject({ read: kept, inserted: kept, error: { code: 'FILE_UNREADABLE', message: expect.stringContaining('breaks off') } });
    expect(reports[4]).toMatchObject({ read: 0, error: { message: expect.stringContaining('no regular file') } });
    expect(reports[5]).toMatchObject({ read: 2, inserted: 1, quarantined: 1, reasons: [{ reason: 'a: not int64', count: 1 }] });
    expect(reports[5]).not.toHaveProperty('error');
  });

  it('stops at once when it is cancelled', async () => {
    const abort = new AbortController();
    files.write('first.csv', '');
    files.write('second.csv', 'a\n1\n');
    const sources = ['first', 'second'].map((name) => sourceOf([field('a', 'int64')], { name: `stopped_${name}`, file: { path: `${name}.csv`, format: 'csv' } }));
    abort.abort();
    await expect(ingestFolder(store, { sources }, files.dir, { signal: abort.signal })).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('refuses a folder with none of the files, and names that are no source with a file', async () => {
    await expect(ingestFolder(store, { sources: [two, pushed] }, files.dir)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND', message: expect.stringContaining('sub/two.ndjson') });
    await expect(ingestFolder(store, { sources: [one, pushed] }, files.dir, { sources: ['folder_pushed'] })).rejects.toMatchObject({ code: 'DEFINITION_NOT_FOUND' });
  });

  it('keeps the newest version of each thing of a timeless source, also when it is an old one again', async () => {
    const source = sourceOf([field('itemId', 'int64'), field('price', 'float64', { nullable: true })], { name: 'things', eventId: ['itemId'] });
    const before = files.write('things-a.csv', 'itemId,price\n1,5\n2,\n');
    const after = files.write('things-b.csv', 'itemId,price\n1,6\n2,\n3,1\n3,2\n');
    const load = async (file: string): Promise<readonly number[]> => {
      const { inserted, duplicates } = await ingestSource(store, source, file);
      return [inserted, duplicates];
    };
    const newest = (): Promise<unknown> => store.rows({ sql: 'SELECT itemId AS item, argMax(tuple(price), __sequence).1 AS price FROM events_things GROUP BY item ORDER BY item', params: {} });
    expect(await load(before)).toEqual([2, 0]);
    expect(await load(before)).toEqual([0, 2]);
    expect(await load(after)).toEqual([2, 2]);
    expect(await load(after)).toEqual([0, 4]);
    expect(await newest()).toEqual([{ item: 1n, price: 6 }, { item: 2n, price: null }, { item: 3n, price: 2 }]);
    expect(await load(before)).toEqual([1, 1]);
    expect(await newest()).toEqual([{ item: 1n, price: 5 }, { item: 2n, price: null }, { item: 3n, price: 2 }]);
  });
});
