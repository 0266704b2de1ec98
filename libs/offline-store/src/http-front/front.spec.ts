import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import { startFrontProcess, tempDirectory, type FrontProcess } from '../testing/stores.js';

describe('HTTP front', () => {
  let front: FrontProcess;
  let client: ClickHouseClient;

  beforeAll(async () => {
    front = await startFrontProcess();
    client = createClient({ url: front.url, log: { level: ClickHouseLogLevel.OFF } });
    await post('CREATE TABLE t (a Int64, s String DEFAULT \'none\', b Array(Float64)) ENGINE = MergeTree ORDER BY a');
  });
  afterAll(async () => {
    await client?.close();
    await front?.stop();
  });

  const url = (params: Record<string, string>) => `${front.url}/?${new URLSearchParams(params).toString()}`;
  async function post(body: string | Uint8Array, params: Record<string, string> = {}, headers: Record<string, string> = {}) {
    const response = await fetch(url(params), { method: 'POST', body: body as Uint8Array<ArrayBuffer>, headers });
    const bytes = Buffer.from(await response.arrayBuffer());
    return { status: response.status, headers: response.headers, bytes, text: bytes.toString() };
  }
  async function get(params: Record<string, string>) {
    const response = await fetch(url(params));
    return { status: response.status, headers: response.headers, text: await response.text() };
  }
  /** Rows of t, and none left for the next test. */
  async function taken(): Promise<string> {
    const { text } = await post('SELECT * FROM t ORDER BY a, s');
    await post('TRUNCATE TABLE t');
    return text;
  }

  test('answers ping, the bare address, and queries in URL, in the body, or half and half', async () => {
    expect(await (await fetch(`${front.url}/ping`)).text()).toBe('Ok.\n');
    expect(await (await fetch(front.url)).text()).toBe('Ok.\n');
    expect((await fetch(`${front.url}/nothing`)).status).toBe(404);
    expect((await get({ query: 'SELECT 1' })).text).toBe('1\n');
    expect((await post('SELECT 2;')).text).toBe('2\n');
    expect((await post(' + 3', { query: 'SELECT 1' })).text).toBe('4\n');
  });

  test('says format, query id and summary', async () => {
    const { headers, text } = await post('SELECT 1 AS x FORMAT JSONEachRow', { query_id: 'mine' });
    expect(text).toBe('{"x":1}\n');
    expect(headers.get('x-clickhouse-format')).toBe('JSONEachRow');
    expect(headers.get('x-clickhouse-query-id')).toBe('mine');
    expect(JSON.parse(headers.get('x-clickhouse-summary')!)).toMatchObject({ written_rows: '0' });
    expect((await get({ query: 'SELECT 1 AS x', default_format: 'CSVWithNames' })).text).toBe('"x"\n1\n');
    expect(JSON.parse((await post('SELECT 1 AS x', {}, { 'X-ClickHouse-Format': 'JSON' })).text).data).toEqual([{ x: 1 }]);
    expect((await post('SHOW TABLES')).text).toBe('t\n');
  });

  test('binds parameters, escaped as ClickHouse escapes them', async () => {
    const { text } = await get({ query: 'SELECT {a:Int64}, {s:String}, {l:Array(String)}', param_a: '9007199254740993', param_s: "it's\\t{b}", param_l: "['x','y']" });
    expect(text).toBe("9007199254740993\tit\\'s\\t{b}\t['x','y']\n");
    expect(await get({ query: 'SELECT {a:Int64}' })).toMatchObject({ status: 400, text: expect.stringContaining('UNKNOWN_QUERY_PARAMETER') });
  });

  test('settings, database and parameters end with their request', async () => {
    const look = "SELECT getSetting('max_threads'), getSetting('max_block_size'), currentDatabase()";
    const before = (await post(look)).text;
    for (let i = 0; i < 4; i += 1) {
      expect((await post(look, { max_threads: '1', max_block_size: '77', database: 'system' })).text).toBe('1\t77\tsystem\n');
      await post('SELECT 1', { readonly: '1' });
      await post('SELECT 1', { allow_ddl: '0' });
      expect((await post('SELECT 1', { no_such_setting: '1', max_threads: '1' })).status).toBe(404);
      expect((await post(look)).text).toBe(before);
      expect((await get({ query: look })).text).toBe(before);
    }
    expect((await post('CREATE TABLE ddl_works (x Int8) ENGINE = Memory')).status).toBe(200);
    expect((await post('DROP TABLE ddl_works')).status).toBe(200);
  });

  test('errors have a status, a code and the words of ClickHouse', async () => {
    const cases: [string, number, number][] = [['SELECT * FROM nope', 404, 60], ['SELEC 1', 400, 62], ['SELECT 1; DROP TABLE t', 400, 62], ['', 400, 62], ['SELECT throwIf(1)', 500, 395]];
    for (const [sql, status, code] of cases) {
      const answer = await post(sql);
      expect([sql, answer.status, answer.headers.get('x-clickhouse-exception-code')]).toEqual([sql, status, String(code)]);
      expect(answer.text).toMatch(new RegExp(`^Code: ${code}\\. DB::Exception: .*\\([A-Z_]+\\)`, 's'));
    }
    expect((await post('SELECT 1', { session_id: 'x' })).status).toBe(501);
    expect((await fetch(front.url, { method: 'PUT', body: 'SELECT 1' })).status).toBe(501);
  });

  test('SET and USE, which would be forgotten at once, are refused', async () => {
    for (const [sql, instead] of [['SET max_threads = 1', 'settings in the URL'], ['/* x */ use system', '?database=']] as const) {
      expect(await post(sql)).toMatchObject({ status: 501, text: expect.stringMatching(/^Code: 48\. DB::Exception: .*\(NOT_IMPLEMENTED\)/) });
      expect((await post(sql)).text).toContain(instead);
    }
  });

  describe('files of the machine', () => {
    let folder: string;
    let secret: string;
    beforeAll(async () => {
      folder = await tempDirectory();
      secret = join(folder, 'secret.csv');
      await writeFile(secret, 'a,b\n1,hidden\n');
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    test('are not written', async () => {
      const out = join(folder, 'out.csv');
      for (const sql of [`SELECT 1 INTO OUTFILE '${out}'`, `SELECT 1 into /* x */ outfile '${out}' FORMAT CSV`, `INSERT INTO FUNCTION file('${out}', CSV) SELECT 1`]) {
        expect([sql, (await post(sql)).status]).toEqual([sql, expect.any(Number)]);
        expect((await post(sql)).status).toBeGreaterThanOrEqual(400);
      }
      expect(await readdir(folder)).toEqual(['secret.csv']);
    });

    test('are not read, however they are named', async () => {
      const name = (sql: string): string => sql.replaceAll('PATH', secret);
      const ways = [
        "SELECT * FROM file('PATH')", "SELECT * FROM `file`('PATH')", "SELECT File ( 'PATH')", "DESCRIBE TABLE file('PATH')", "SELECT * FROM url('file://PATH')", "SELECT file('PATH') AS x",
        "SELECT * FROM executable('cat PATH', TSV, 'x String')", "CREATE TABLE f (a Int64) ENGINE = File(CSV, 'PATH')", `CREATE DATABASE f ENGINE = Filesystem('${folder}')`,
        "SELECT * FROM 'PATH'", 'SELECT * FROM `PATH`', 'SELECT * FROM default."PATH"', "SELECT * FROM t, 'PATH'", "SELECT * FROM t JOIN 'PATH' AS x USING a", "DESCRIBE 'PATH'", 'SELECT * FROM `PAT*`'.replace('PAT', 'PATH'), 'SELECT * FROM “PATH”',
        "INSERT INTO t (a, s) FROM INFILE 'PATH' FORMAT CSV", "SELECT 1 SETTINGS format_template_row = 'PATH' FORMAT Template", "SELECT (SELECT any(b) FROM file('PATH'))", "INSERT INTO t (a) SELECT a FROM file('PATH')",
        "SELECT * FROM loop(default, 'PATH')",
      ].map(name);
      for (const sql of ways) {
        const { status, text } = await post(sql);
        expect([sql, status >= 400, text.includes('hidden'), /^Code: (497|48|62)\./.test(text)]).toEqual([sql, true, false, true]);
      }
      expect((await post('SELECT * FROM {f:Identifier}', { param_f: secret })).status).toBe(403);
      expect((await post('SELECT 1 FORMAT Template', { format_template_row: secret })).status).toBe(403);
      expect((await post("file('x')", { query: 'SELECT * FROM ' })).status).toBe(403);
      for (const value of ["file('PATH')", "`\\x66ile`('PATH')", "(SELECT any(b) FROM 'PATH')"].map(name)) {
        expect([value, (await post(`INSERT INTO t (a, s) VALUES (1, ${value})`)).status >= 400]).toEqual([value, true]);
        expect([value, (await post(`(1, ${value})`, { query: 'INSERT INTO t (a, s) VALUES', input_format_values_interpret_expressions: '1' })).status >= 400]).toEqual([value, true]);
      }
      expect((await post(name("INSERT INTO t (a, s) SETTINGS input_format_values_interpret_expressions = 1 VALUES (1, file('PATH'))"))).status).toBe(403);
      expect(await taken()).toBe('');
    });

    test('may be spoken of: in texts, comments, names of tables and columns, and data', async () => {
      expect((await post("SELECT 'file(1) INTO OUTFILE' AS file, 1 AS url, 2 AS \"a/b\", count(*) AS \"count(*)\" -- FROM INFILE\n FROM system.one GROUP BY ()")).text).toBe('file(1) INTO OUTFILE\t1\t2\t1\n');
      await post('CREATE TABLE url (file String, url String) ENGINE = MergeTree ORDER BY url');
      expect((await post("INSERT INTO url (file, url) VALUES ('INTO OUTFILE', 'file(x)')")).status).toBe(200);
      expect((await post("SELECT file, url FROM url WHERE url IN ('file(x)')")).text).toBe('INTO OUTFILE\tfile(x)\n');
      expect((await post(`SELECT '${secret}' AS x, {p:String}`, { param_p: secret })).text).toBe(`${secret}\t${secret}\n`);
      const long = 'x'.repeat(5_000);
      expect((await post(`SELECT length({p:String}) AS \`${long}\`, 'x' IN ('${long}')`, { param_p: long })).text).toBe('5000\t0\n');
      expect((await post(`SELECT * FROM \`${secret}/beyond\``)).text).toMatch(/^Code: 60\./);
      expect((await post('DROP TABLE url')).status).toBe(200);
    });
  });

  test('GET changes nothing', async () => {
    for (const query of ['INSERT INTO t (a) VALUES (1)', 'INSERT INTO t (a) SELECT 1', 'CREATE TABLE g (x Int8) ENGINE = Memory', 'DROP TABLE t', 'TRUNCATE TABLE t', 'INSERT INTO t FORMAT TSV']) {
      expect([query, (await get({ query })).status]).toEqual([query, 403]);
    }
    expect((await get({ query: 'CREATE TABLE g (x Int8) ENGINE = Memory', readonly: '0' })).status).toBe(403);
    expect(await taken()).toBe('');
  });

  test('inserts data from the body in text formats, with defaults and whatever is in the texts', async () => {
    expect((await post('1\n2\n', { query: 'INSERT INTO t (a) FORMAT TSV' })).status).toBe(200);
    // An empty line would end the data in chDB's own reading, and what follows would run.
    await post('{"a":3}\n\n{"a":4,"s":"x;\\nDROP TABLE t"}\n\nDROP TABLE t', { query: 'INSERT INTO t FORMAT JSONEachRow', input_format_allow_errors_num: '1' });
    await post('INSERT INTO t (a, s) VALUES (5, \'a;b\'), (6, \'żółw\')');
    await post('INSERT INTO t (s, a) SETTINGS input_format_null_as_default = 1 FORMAT CSV\n"q""\n\nq",7\n');
    await post('(8, \'v\', [1, nan])', { query: 'INSERT INTO t VALUES' });
    await post('INSERT INTO t (a, s) SELECT number, \'select\' FROM numbers(9, 1)');
    const rows = (await taken()).split('\n');
    expect(rows.map((row) => row.split('\t').slice(0, 2).join('|'))).toEqual(['1|none', '2|none', '3|none', '4|x;\\nDROP TABLE t', '5|a;b', '6|żółw', '7|q"\\n\\nq', '8|v', '9|select', '']);
    const wrong = await post('x\n', { query: 'INSERT INTO t (a) FORMAT TSV' });
    expect([wrong.status, await taken()]).toEqual([400, '']);
  });

  test.each(['Parquet', 'RowBinary', 'Native', 'ArrowStream', 'RowBinaryWithNamesAndTypes', 'ORC'])('%s goes out and in again unchanged', async (format) => {
    const query = "SELECT toInt64(number * 1000000007) AS a, concat('s', toString(number)) AS s, [number / 3, nan] AS b FROM numbers(150000)";
    const { bytes, headers } = await post(`${query} FORMAT ${format}`);
    expect(headers.get('x-clickhouse-format')).toBe(format);
    expect(await post(bytes, { query: `INSERT INTO t (a, s, b) FORMAT ${format}` })).toMatchObject({ status: 200 });
    const sum = (from: string) => post(`SELECT count(), sum(sipHash64(a, s, arrayMap(x -> toString(x), b))) FROM ${from}`);
    expect((await sum('t')).text).toBe((await sum(`(${query})`)).text);
    await taken();
  });

  test('a binary body behind its statement is refused, not garbled', async () => {
    const body = Buffer.concat([Buffer.from('INSERT INTO t (a) FORMAT RowBinary\n'), Buffer.from([1, 0xff, 0, 0, 0, 0, 0, 0])]);
    expect((await post(body)).status).toBe(501);
    expect(await taken()).toBe('');
  });

  test('a document with a header has it once, however many chunks it takes', async () => {
    const { text } = await post('SELECT number AS n FROM numbers(200000) FORMAT CSVWithNames');
    expect(text).toBe(`"n"\n${Array.from({ length: 200_000 }, (_, i) => `${i}\n`).join('')}`);
    const { text: tsv } = await post('SELECT number AS n FROM numbers(200000) FORMAT TabSeparatedWithNamesAndTypes');
    expect(tsv).toBe(`n\nUInt64\n${Array.from({ length: 200_000 }, (_, i) => `${i}\n`).join('')}`);
    const json = JSON.parse((await post('SELECT number AS n FROM numbers(200000) FORMAT JSON')).text) as { rows: number; data: unknown[] };
    expect([json.rows, json.data.length]).toEqual([200_000, 200_000]);
  });

  test('gzip in both directions', async () => {
    await post(gzipSync('1\n2\n'), { query: 'INSERT INTO t (a) FORMAT TSV' }, { 'content-encoding': 'gzip' });
    expect(await taken()).toBe('1\tnone\t[]\n2\tnone\t[]\n');
    const raw = await new Promise<{ encoding: string | undefined; body: Buffer }>((resolve, reject) => {
      const ask = request(url({ enable_http_compression: '1' }), { method: 'POST', headers: { 'accept-encoding': 'gzip' } }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve({ encoding: response.headers['content-encoding'], body: Buffer.concat(chunks) }));
      });
      ask.on('error', reject);
      ask.end('SELECT number FROM numbers(3)');
    });
    expect([raw.encoding, gunzipSync(raw.body).toString()]).toEqual(['gzip', '0\n1\n2\n']);
    expect((await post(Buffer.from('not gzip'), { query: 'INSERT INTO t (a) FORMAT TSV' }, { 'content-encoding': 'gzip' })).status).toBeGreaterThanOrEqual(400);
    expect((await post('x', {}, { 'content-encoding': 'br' })).status).toBe(501);
  });

  test('a statement whose client hung up is stopped', async () => {
    const abort = new AbortController();
    const hung = fetch(url({ query: 'SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) = 1', log_comment: 'hung' }), { signal: abort.signal });
    setTimeout(() => abort.abort(), 200);
    await expect(hung).rejects.toThrow();
    for (let tries = 0; ; tries += 1) {
      const left = (await post("SELECT count() FROM system.processes WHERE startsWith(Settings['log_comment'], 'hung')")).text;
      if (left === '0\n') break;
      if (tries === 100) throw new Error('still running');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });

  test('web pages of elsewhere are turned away', async () => {
    expect((await post('SELECT 1', {}, { origin: 'https://example.com' })).status).toBe(403);
    expect((await post('SELECT 1', {}, { origin: 'null' })).status).toBe(403);
    const rebound = await new Promise<number | undefined>((resolve, reject) => {
      const ask = request(url({ query: 'SELECT 1' }), { headers: { host: 'evil.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      ask.on('error', reject);
      ask.end();
    });
    expect(rebound).toBe(403);
  });

  test("ClickHouse's own client works as with a server", async () => {
    expect(await client.ping()).toMatchObject({ success: true });
    await client.insert({ table: 't', values: [{ a: '9007199254740993', s: 'x', b: [1.5] }], format: 'JSONEachRow' });
    await client.insert({ table: 't', values: [['2', 'y', []]], format: 'JSONCompactEachRow' });
    const result = await client.query({ query: 'SELECT * FROM t WHERE a > {a:Int64}', query_params: { a: 5 }, format: 'JSON', clickhouse_settings: { output_format_json_quote_64bit_integers: 1 } });
    expect(((await result.json()) as { data: unknown[] }).data).toEqual([{ a: '9007199254740993', s: 'x', b: [1.5] }]);
    await expect(client.command({ query: 'SELECT nope' })).rejects.toMatchObject({ code: '47', type: 'UNKNOWN_IDENTIFIER' });
    const failing = await client.query({ query: 'SELECT throwIf(number = 3000000) AS x FROM numbers(5000000)', format: 'JSONEachRow' });
    await expect(failing.json()).rejects.toMatchObject({ code: '395' });
    await taken();
  });
});
