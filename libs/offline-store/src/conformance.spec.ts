import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { GranaryError, type Source, type Value } from '@granary/contracts';
import { MIGRATIONS } from './migrations.js';
import { OfflineStore } from './store.js';
import type { EventRow } from './events/append.js';
import { TARGETS, tempDirectory, type Target } from './testing/stores.js';

const sql = (text: string, params = {}) => ({ sql: text, params });

const PAYMENTS: Source = {
  kind: 'source',
  name: 'payments',
  fields: [
    { name: 'id', type: { kind: 'string' }, nullable: false },
    { name: 'customer', type: { kind: 'int64' }, nullable: false },
    { name: 'amount', type: { kind: 'float64' }, nullable: true },
    { name: 'score', type: { kind: 'float32' }, nullable: true },
    { name: 'ok', type: { kind: 'bool' }, nullable: true },
    { name: 'note', type: { kind: 'string' }, nullable: true },
    { name: 'at', type: { kind: 'timestamp' }, nullable: false },
    { name: 'settledAt', type: { kind: 'timestamp' }, nullable: true },
    { name: 'tags', type: { kind: 'array', of: { kind: 'string' } }, nullable: false },
    { name: 'steps', type: { kind: 'array', of: { kind: 'timestamp' } }, nullable: false },
    { name: 'sums', type: { kind: 'array', of: { kind: 'int64' } }, nullable: false },
    { name: 'quantity', type: { kind: 'int32' }, nullable: true },
  ],
  eventId: ['id'],
  eventTime: 'at',
  knownAt: null,
  file: null,
};

function payment(id: string, at: number, overrides: Readonly<Record<string, Value | null>> = {}): EventRow {
  const plain: Record<string, Value | null> = {
    id, customer: 1n, amount: 1.5, score: 0.5, ok: true, note: 'n', at, settledAt: null, tags: [], steps: [], sums: [], quantity: 1, ...overrides,
  };
  return { eventId: id, eventTime: at, knownAt: at, values: PAYMENTS.fields.map((field) => plain[field.name] ?? null) };
}

async function failure(promise: Promise<unknown>): Promise<GranaryError> {
  const error = await promise.then(() => undefined, (thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(GranaryError);
  return error as GranaryError;
}

describe.each(Object.entries(TARGETS))('offline store, %s', (_name, start) => {
  let target: Target;
  let store: OfflineStore;

  beforeAll(async () => {
    target = await start();
    store = await OfflineStore.open(target.options);
  });
  afterAll(async () => {
    await store?.close();
    await target?.stop();
  });

  describe('values', () => {
    test('are decoded by their ClickHouse type', async () => {
      const [row] = await store.rows(sql(`SELECT toInt64('-9223372036854775808') AS lowest, toUInt64('18446744073709551615') AS highest,
        toInt32(-5) AS small, toFloat32(0.1) AS single, nan AS nothing, [inf, -inf, -0.0] AS edges, true AS yes, NULL AS absent,
        toNullable(toInt64(7)) AS seven, ['a', ''] AS texts, '' AS empty, 'żółw 🐢 \\n\\t\\'"\\\\ \\0' AS text,
        toDateTime64('1969-12-31 23:59:59.877', 3, 'UTC') AS before, toDateTime64('1900-01-01 00:00:00.001', 3, 'UTC') AS first,
        toDateTime64('2023-01-01 09:00:00', 3, 'Asia/Tokyo') AS tokyo, [toNullable(toInt64(1)), NULL] AS holes, (toInt64(3), 'x') AS pair,
        map('k', toInt64(9)) AS named, toDecimal64('0.10', 2) AS exact, toLowCardinality('low') AS low`));
      expect(row).toEqual({
        lowest: -9223372036854775808n, highest: 18446744073709551615n, small: -5, single: Math.fround(0.1), nothing: Number.NaN,
        edges: [Infinity, -Infinity, -0], yes: true, absent: null, seven: 7n, texts: ['a', ''], empty: '', text: 'żółw 🐢 \n\t\'"\\ \0',
        before: -123, first: Date.UTC(1900, 0, 1, 0, 0, 0, 1), tokyo: Date.UTC(2023, 0, 1), holes: [1n, null], pair: [3n, 'x'],
        named: { k: 9n }, exact: '0.1', low: 'low',
      });
    });

    test('bound as parameters come back as they were', async () => {
      const params = { big: -(2n ** 63n), text: 'it\'s \\ \n\t {x:Int8} ż 🐢', empty: '', none: null, texts: ["a'b", '\\', '', 'ż\n'], bigs: [2n ** 60n + 1n], yes: false, real: 1e-300, instant: -123 };
      const [row] = await store.rows(sql(`SELECT {big:Int64} AS big, {text:String} AS text, {empty:String} AS empty, {none:Nullable(String)} AS none,
        {texts:Array(String)} AS texts, {bigs:Array(Int64)} AS bigs, {yes:Bool} AS yes, {real:Float64} AS real,
        fromUnixTimestamp64Milli({instant:Int64}, 'UTC') AS instant`, params));
      expect(row).toEqual(params);
    });

    test('a naive timestamp is UTC and a row that a join misses is null', async () => {
      const [row] = await store.rows(sql("SELECT parseDateTimeBestEffort('2020-01-01 00:00:00') AS at, right.v AS v FROM (SELECT 1 AS k) AS left LEFT JOIN (SELECT 2 AS k, 5 AS v) AS right USING (k)"));
      expect(row).toEqual({ at: Date.UTC(2020, 0, 1), v: null });
    });

    test('no rows is no rows', async () => {
      expect(await store.rows(sql('SELECT 1 AS x WHERE 0'))).toEqual([]);
    });
  });

  describe('statements', () => {
    test('that run at the same time keep their parameters and settings apart', async () => {
      const answers = await Promise.all(
        Array.from({ length: 60 }, (_, i) =>
          store.rows(sql("SELECT {x:UInt32} AS x, getSetting('max_block_size') AS block FROM numbers(3) LIMIT 1", { x: i }), {
            settings: { max_block_size: 1_000 + i },
          }),
        ),
      );
      expect(answers.map(([row]) => [row!.x, Number(row!.block)])).toEqual(Array.from({ length: 60 }, (_, i) => [i, 1_000 + i]));
    });

    test('leave nothing to the next: settings of a call, SETTINGS, SET, USE', async () => {
      const look = () => store.rows(sql("SELECT getSetting('max_block_size') AS block, getSetting('max_threads') AS threads, getSetting('join_use_nulls') AS nulls, currentDatabase() AS db"));
      const before = await look();
      await store.rows(sql('SELECT 1'), { settings: { max_block_size: 7, join_use_nulls: 0 } });
      await store.rows(sql('SELECT 1 SETTINGS max_block_size = 9'));
      if (target.options.kind === 'embedded') await store.command(sql('SET max_block_size = 11, max_threads = 1'));
      if (target.options.kind === 'embedded') await store.command(sql('USE system'));
      await failure(store.rows(sql('SELECT 1'), { settings: { max_block_size: 5, no_such_setting: 1 } }));
      await store.command(sql('SELECT 1'), { settings: { allow_ddl: 0 } });
      for (let i = 0; i < 8; i += 1) expect(await look()).toEqual(before);
      await store.command(sql('CREATE TABLE after_no_ddl (x Int8) ENGINE = Memory'));
      await store.dropTable('after_no_ddl');
    });

    test('never see a parameter of another statement', async () => {
      for (let i = 0; i < 4; i += 1) await store.rows(sql('SELECT {left_over:String} AS x', { left_over: 'secret' }));
      for (let i = 0; i < 4; i += 1) {
        const error = await failure(store.rows(sql('SELECT {left_over:String} AS x')));
        expect([error.code, error.details.code]).toEqual(['QUERY_FAILED', 456]);
      }
    });

    test("fail with ClickHouse's own words and code", async () => {
      const error = await failure(store.rows(sql('SELECT * FROM no_such_table')));
      expect(error.code).toBe('QUERY_FAILED');
      expect(error.message).toMatch(/no_such_table/);
      expect(error.details).toMatchObject({ code: 60, type: 'UNKNOWN_TABLE' });
      expect(error.cause).toBeInstanceOf(Error);
      expect((await failure(store.command(sql('SELEC 1')))).details.code).toBe(62);
      expect((await failure(store.rows(sql('SELECT 1; SELECT 2')))).details.code).toBe(62);
    });

    test('keep to their limits of time and memory', async () => {
      const heavy = sql('SELECT count() AS n FROM numbers(100000000000) WHERE sipHash64(number) = 1');
      expect((await failure(store.rows(heavy, { maxExecutionSeconds: 1 }))).details.code).toBe(159);
      const big = sql('SELECT length(groupArray(number)) AS n FROM numbers(20000000)');
      expect((await failure(store.rows(big, { maxMemoryBytes: 20_000_000 }))).details.code).toBe(241);
    });

    test('stop when they are aborted', async () => {
      const abort = new AbortController();
      const running = failure(store.command(sql('SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) = 1'), { signal: abort.signal, comment: 'to be stopped' }));
      setTimeout(() => abort.abort(), 200);
      expect((await running).code).toBe('CANCELLED');
      for (let tries = 0; ; tries += 1) {
        const left = await store.rows(sql("SELECT query FROM system.processes WHERE startsWith(Settings['log_comment'], 'to be stopped')"));
        if (left.length === 0) break;
        if (tries === 100) throw new Error('still running');
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect((await failure(store.rows(sql('SELECT 1'), { signal: AbortSignal.abort() }))).code).toBe('CANCELLED');
    });

    test('stream in batches, in order, and stop early', async () => {
      let next = 0;
      let batches = 0;
      for await (const batch of store.stream(sql('SELECT number AS n, toString(number) AS s FROM numbers(300000)'))) {
        batches += 1;
        for (const row of batch) {
          if (row.n !== BigInt(next) || row.s !== String(next)) throw new Error(`row ${next} is ${String(row.n)}`);
          next += 1;
        }
      }
      expect(next).toBe(300_000);
      expect(batches).toBeGreaterThan(1);
      for (let i = 0; i < 5; i += 1) {
        for await (const batch of store.stream(sql('SELECT number AS n FROM numbers(100000000)'))) {
          expect(batch[0]).toEqual({ n: 0n });
          break;
        }
      }
      expect(await store.rows(sql('SELECT 1 AS x'))).toEqual([{ x: 1 }]);
    });

    test('stream with a subquery, and report a failure in mid-stream', async () => {
      let rows = 0;
      for await (const batch of store.stream(sql('SELECT number, (SELECT max(number) FROM numbers(10)) AS m FROM numbers(200000)'))) rows += batch.length;
      expect(rows).toBe(200_000);
      const drain = async () => {
        for await (const batch of store.stream(sql('SELECT throwIf(number = 3000000) AS x FROM numbers(5000000)'))) void batch;
      };
      expect((await failure(drain())).details.code).toBe(395);
    });
  });

  describe('events', () => {
    beforeAll(() => store.ensureSource(PAYMENTS));

    test('keep every value exactly, also before 1970', async () => {
      const odd = {
        customer: 2n ** 63n - 1n, amount: -Number.MAX_VALUE, score: Math.fround(0.1), ok: false, note: 'tab\t nl\n cr\r bs\\ q\' nul\0 żółw 🐢 \\N', settledAt: -1,
        tags: ["it's", '', 'a\\b\t\n', '🐢'], steps: [-123, 0, 1_700_000_000_001], sums: [-(2n ** 63n), 2n ** 53n + 1n], quantity: -2147483648,
      };
      const empty = { amount: null, score: null, ok: null, note: null, quantity: null, customer: -(2n ** 63n) };
      const blank = { amount: 5e-324, note: '', score: -0 };
      const rows = [payment('odd \t id', -123, odd), payment('empty', Date.UTC(1900, 0, 1, 0, 0, 0, 1), empty), payment('', 0, blank)];
      expect(await store.appendEvents(PAYMENTS, rows)).toMatchObject({ inserted: 3, duplicates: 0 });
      const stored = await store.rows(sql('SELECT * FROM events_payments ORDER BY __sequence'));
      expect(stored).toEqual(
        rows.map((row, i) => ({
          __event_id: row.eventId, __event_time: row.eventTime, __known_at: row.knownAt, __sequence: BigInt(i + 1),
          ...Object.fromEntries(PAYMENTS.fields.map((field, f) => [field.name, row.values[f]])),
        })),
      );
    });

    test('of NaN or an infinity are refused, with all that come with them', async () => {
      const source = { ...PAYMENTS, name: 'finite' };
      await store.ensureSource(source);
      for (const amount of [NaN, Infinity, -Infinity]) {
        const refused = store.appendEvents(source, [payment('fine', 0), payment('wrong', 1, { amount })]);
        await expect(refused).rejects.toMatchObject({ code: 'INVALID_VALUE', message: `finite: amount of the event wrong is ${amount}, which is not float64` });
      }
      expect(await store.rows(sql('SELECT count() AS n FROM events_finite'))).toEqual([{ n: 0n }]);
    });

    test('are stored once: again, within a batch, at another time; sequence has no gaps', async () => {
      const source = { ...PAYMENTS, name: 'once' };
      await store.ensureSource(source);
      const rows = Array.from({ length: 1_000 }, (_, i) => payment(`p${i}`, 1_600_000_000_000 + i * 1_000));
      expect(await store.appendEvents(source, [...rows.slice(0, 600), ...rows.slice(100, 200)])).toMatchObject({ inserted: 600, duplicates: 100 });
      expect(await store.appendEvents(source, rows)).toMatchObject({ inserted: 400, duplicates: 600 });
      expect(await store.appendEvents(source, [payment('p5', 1)])).toMatchObject({ inserted: 0, duplicates: 0, conflicts: 1, rows: [{ outcome: 'conflict', sequence: 6, differs: ['at'] }] });
      expect(await store.appendEvents(source, [])).toMatchObject({ inserted: 0, duplicates: 0 });
      expect(await store.countEvents(source)).toBe(1_000);
      const stored = await store.rows(sql('SELECT __event_id AS id, __sequence AS sequence FROM events_once ORDER BY __sequence'));
      expect(stored).toEqual(rows.map((row, i) => ({ id: row.eventId, sequence: BigInt(i + 1) })));
    });

    test('with ids made of their content look only at their own range of time', async () => {
      const source = { ...PAYMENTS, name: 'hashed', eventId: [] };
      await store.ensureSource(source);
      const rows = Array.from({ length: 500 }, (_, i) => payment(`h${i}`, (i * 7_919) % 1_000));
      expect(await store.appendEvents(source, rows)).toMatchObject({ inserted: 500, duplicates: 0 });
      expect(await store.appendEvents(source, [...rows].reverse())).toMatchObject({ inserted: 0, duplicates: 500 });
      expect(await store.appendEvents(source, [...rows, payment('later', 5_000)])).toMatchObject({ inserted: 1, duplicates: 500 });
      expect(await store.rows(sql('SELECT max(__sequence) AS m, count() AS n FROM events_hashed'))).toEqual([{ m: 501n, n: 501n }]);
    });

    test('a later known-at is a correction and is kept', async () => {
      const source = { ...PAYMENTS, name: 'corrected', knownAt: 'settledAt' };
      await store.ensureSource(source);
      const first = payment('c', 1_000);
      const correction = { ...first, knownAt: 5_000 };
      expect(await store.appendEvents(source, [first])).toMatchObject({ inserted: 1, duplicates: 0 });
      expect(await store.appendEvents(source, [first, correction, correction])).toMatchObject({ inserted: 1, duplicates: 2 });
      expect(await store.rows(sql('SELECT __known_at AS k FROM events_corrected ORDER BY __sequence'))).toEqual([{ k: 1_000 }, { k: 5_000 }]);
    });

    test('of a timeless source are versions of things: A, B, A ends with A, and what says nothing new is not stored', async () => {
      const source = { ...PAYMENTS, name: 'things', eventTime: null };
      await store.ensureSource(source);
      const odd = { amount: null, score: Math.fround(0.1), note: "it's\t\\N", settledAt: -1, tags: ["it's", ''], steps: [-123, 0], sums: [2n ** 53n + 1n], quantity: null };
      const a = payment('x', 0, odd);
      const b = payment('x', 0, { ...odd, settledAt: null });
      const other = payment('y', 0);
      expect(await store.appendEvents(source, [a, other])).toMatchObject({ inserted: 2, duplicates: 0 });
      expect(await store.appendEvents(source, [a, other])).toMatchObject({ inserted: 0, duplicates: 2 });
      expect(await store.appendEvents(source, [b, other])).toMatchObject({ inserted: 1, duplicates: 1 });
      expect(await store.appendEvents(source, [a, other])).toMatchObject({ inserted: 1, duplicates: 1 });
      expect(await store.appendEvents(source, [b, other, a])).toMatchObject({ inserted: 0, duplicates: 3 });
      const versions = await store.rows(sql("SELECT settledAt AS s, __sequence AS sequence FROM events_things WHERE id = 'x' ORDER BY __sequence"));
      expect(versions).toEqual([{ s: -1, sequence: 1n }, { s: null, sequence: 3n }, { s: -1, sequence: 4n }]);
    });

    test('appended at the same time are one after the other', async () => {
      const source = { ...PAYMENTS, name: 'busy' };
      await store.ensureSource(source);
      const rows = Array.from({ length: 300 }, (_, i) => payment(`b${i}`, i));
      const results = await Promise.all([0, 50, 100].map((from) => store.appendEvents(source, rows.slice(from, from + 200))));
      expect(results.reduce((sum, result) => sum + result.inserted, 0)).toBe(300);
      expect(await store.rows(sql('SELECT count() AS n, uniqExact(__sequence) AS u, max(__sequence) AS m FROM events_busy'))).toEqual([{ n: 300n, u: 300n, m: 300n }]);
    });

    test('leave no staging table behind', async () => {
      expect(await store.rows(sql("SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE 'granary_stage%'"))).toEqual([]);
    });

    test('get a column for a new nullable field; other changes are refused', async () => {
      const source = { ...PAYMENTS, name: 'changing' };
      await store.ensureSource(source);
      await store.appendEvents(source, [payment('x', 1)]);
      const more: Source = { ...source, fields: [...source.fields, { name: 'country', type: { kind: 'string' }, nullable: true }] };
      await store.ensureSource(more);
      expect(await store.rows(sql('SELECT country FROM events_changing'))).toEqual([{ country: null }]);
      const edit = (name: string, change: object) => ({ ...more, fields: more.fields.map((f) => (f.name === name ? { ...f, ...change } : f)) });
      await store.ensureSource(edit('customer', { nullable: true }));
      const broken = [
        edit('amount', { type: { kind: 'string' } }),
        edit('amount', { nullable: false }),
        { ...more, fields: more.fields.filter((f) => f.name !== 'tags') },
        { ...more, fields: [...more.fields, { name: 'must', type: { kind: 'int32' as const }, nullable: false }] },
        { ...more, eventId: ['customer'] },
      ];
      for (const source of broken) {
        const error = await failure(store.ensureSource(source as Source));
        expect(error.code).toBe('SOURCE_CHANGED');
        expect(error.todo).toBeDefined();
      }
    });
  });

  test('gives the bytes of a large answer in pieces, and frees the connection where reading stops early', async () => {
    const numbers = (count: number) => sql(`SELECT number FROM (SELECT number FROM numbers({count:UInt64})) FORMAT RowBinary`, { count });
    const parts: Buffer[] = [];
    for await (const piece of store.pieces(numbers(1_500_000))) parts.push(piece);
    expect(Buffer.concat(parts).equals(Buffer.from(BigUint64Array.from({ length: 1_500_000 }, (_number, i) => BigInt(i)).buffer))).toBe(true);
    for (let round = 0; round < 4; round++) for await (const _piece of store.pieces(numbers(3_000_000))) break;
    expect(await store.rows(sql('SELECT 1 AS one'))).toEqual([{ one: 1 }]);
  });

  test('fails where a large answer fails after it has begun', async () => {
    const read = async (): Promise<void> => {
      for await (const _piece of store.pieces(sql("SELECT throwIf(number = 1900000, 'too far') FROM (SELECT number FROM numbers(2000000)) FORMAT RowBinary"))) continue;
    };
    expect(await failure(read())).toMatchObject({ code: 'QUERY_FAILED', message: expect.stringContaining('too far') as unknown });
    expect(await store.rows(sql('SELECT 1 AS one'))).toEqual([{ one: 1 }]);
  });

  test('quarantine keeps a reject once, whatever is in it', async () => {
    const source = { ...PAYMENTS, name: 'bad' };
    await store.ensureSource(source);
    const rejects = [
      { file: 'a.csv', line: 2, text: 'x\t"y\n\n;DROP', reason: 'not a number' },
      { file: 'a.csv', line: 1, text: '', reason: 'empty' },
    ];
    await store.quarantine(source, rejects);
    await store.quarantine(source, [rejects[0]!, { ...rejects[0]!, text: 'other' }]);
    expect(await store.countQuarantined(source)).toBe(3);
    const listed = await store.listQuarantine(source, 2);
    expect(listed.map(({ at, ...reject }) => ({ ...reject, recent: Math.abs(Date.now() - at) < 600_000 }))).toEqual([
      { ...rejects[1], recent: true },
      { ...rejects[0], text: 'other', recent: true },
    ]);
  });

  test('migrations run once; tables are made, filled and dropped', async () => {
    const again = target.options.kind === 'server' ? await OfflineStore.open(target.options) : store;
    expect(await again.rows(sql('SELECT id, name FROM granary_migrations ORDER BY id'))).toEqual(MIGRATIONS.map(({ id, name }) => ({ id, name })));
    expect(await again.rows(sql('SELECT * FROM granary_backfills'))).toEqual([]);
    if (again !== store) await again.close();
    await store.createTable({ name: 'features_x', columns: [{ name: 'user', type: 'Int64' }, { name: '__as_of', type: "DateTime64(3, 'UTC')" }], orderBy: ['__as_of', 'user'] });
    await store.command(sql("INSERT INTO features_x SELECT number, fromUnixTimestamp64Milli({t:Int64}, 'UTC') FROM numbers({n:UInt64})", { t: -5n, n: 1_000 }));
    expect(await store.rows(sql('SELECT count() AS n, max(user) AS m, min(__as_of) AS t FROM features_x'))).toEqual([{ n: 1_000n, m: 999n, t: -5 }]);
    expect(await store.tableExists('features_x')).toBe(true);
    await store.dropTable('features_x');
    expect(await store.tableExists('features_x')).toBe(false);
  });

  test('Parquet files hold every row, appear whole, and can be read back', async () => {
    const folder = await tempDirectory();
    const file = join(folder, 'set', 'train.parquet');
    const query = 'SELECT number AS n, toString(number) AS s, fromUnixTimestamp64Milli(toInt64(number), \'UTC\') AS t FROM numbers({rows:UInt64})';
    const result = await store.exportParquet(sql(query, { rows: 200_000 }), file);
    expect(result).toEqual({ rows: 200_000, bytes: (await readFile(file)).length });
    expect((await store.exportParquet(sql(`${query};`, { rows: 0 }), join(folder, 'none.parquet'))).rows).toBe(0);
    const failing = sql('SELECT throwIf(number = 3000000) AS x FROM numbers(5000000)');
    expect((await failure(store.exportParquet(failing, file))).code).toBe('QUERY_FAILED');
    expect(await readdir(join(folder, 'set'))).toEqual(['train.parquet']);
    const from = sql('SELECT count() AS n, uniqExact(s) AS u, max(t) AS t FROM file({file:String}, Parquet)', { file });
    if (target.options.kind === 'server') {
      // Over HTTP a server reads no files of this machine: the data goes there.
      expect((await failure(store.rows(from))).message).toContain('file() reaches outside');
      await store.createTable({ name: 'read_back', columns: [{ name: 'n', type: 'UInt64' }, { name: 's', type: 'String' }, { name: 't', type: "DateTime64(3, 'UTC')" }], orderBy: ['n'] });
      const query = new URLSearchParams({ database: 'granary', query: 'INSERT INTO read_back FORMAT Parquet' });
      expect((await fetch(`${target.options.url}/?${query.toString()}`, { method: 'POST', body: await readFile(file) })).status).toBe(200);
    }
    const back = target.options.kind === 'server' ? sql('SELECT count() AS n, uniqExact(s) AS u, max(t) AS t FROM read_back') : from;
    const [read] = await store.rows(back);
    expect(read).toEqual({ n: 200_000n, u: 200_000n, t: 199_999 });
    await rm(folder, { recursive: true });
  });
});
