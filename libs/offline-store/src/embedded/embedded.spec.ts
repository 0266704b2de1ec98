import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { GranaryError, type Source } from '@granary/contracts';
import { startHttpFront } from '../http-front/front.js';
import { OfflineStore } from '../store.js';
import { tempDirectory } from '../testing/stores.js';

const BUILT = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
const MAIN = fileURLToPath(new URL('../../dist/http-front/main.js', import.meta.url));
const ROWS = 60_000;

const CLICKS: Source = {
  kind: 'source',
  name: 'clicks',
  fields: [{ name: 'item', type: { kind: 'string' }, nullable: false }, { name: 'at', type: { kind: 'timestamp' }, nullable: false }],
  eventId: [],
  eventTime: 'at',
  knownAt: null,
  file: null,
};

// Ids are spread over time, so that every batch overlaps all that is stored.
const click = (i: number) => {
  const at = (i * 7_919) % 1_000_003;
  return { eventId: `c${i}`, eventTime: at, knownAt: at, values: [`item ${i}`, at] };
};

describe('embedded store', () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await tempDirectory();
    path = join(folder, 'db');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test('a second process on the directory is told who has it and what to use instead', async () => {
    const store = await OfflineStore.open({ kind: 'embedded', path });
    try {
      const child = await promisify(execFile)(process.execPath, [MAIN, '--path', path]).then(
        () => undefined,
        (error: { code: number; stderr: string }) => error,
      );
      expect(child?.code).toBe(3);
      expect(child?.stderr).toContain(`${path} is in use by process ${process.pid}`);
      expect(child?.stderr).toContain('Use the URL of the running process instead');
      // Where it can be seen beforehand, nothing of chDB's own comes with it.
      if (process.platform === 'linux') expect(child?.stderr).not.toContain('Code: 76');
      const other = await OfflineStore.open({ kind: 'embedded', path: join(folder, 'other') }).catch((error: unknown) => error);
      expect(other).toMatchObject({ code: 'STORE_LOCKED', details: { open: path } });
    } finally {
      await store.close();
    }
    // Closed, the directory and the process are free again.
    await (await OfflineStore.open({ kind: 'embedded', path: join(folder, 'other') })).close();
  });

  test('a directory that cannot be made, and a server that is not there', async () => {
    await writeFile(join(folder, 'file'), '');
    expect(await OfflineStore.open({ kind: 'embedded', path: join(folder, 'file', 'db') }).catch((e: unknown) => e)).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    const gone = await OfflineStore.open({ kind: 'server', url: 'http://127.0.0.1:9' }).catch((e: unknown) => e);
    expect(gone).toBeInstanceOf(GranaryError);
    expect(gone).toMatchObject({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining('http://127.0.0.1:9') });
  });

  test('everything is there after closing and opening, and a URL of the same process sees it', async () => {
    const first = await OfflineStore.open({ kind: 'embedded', path });
    await first.ensureSource(CLICKS);
    await first.appendEvents(CLICKS, Array.from({ length: 10 }, (_, i) => click(i)));
    await first.close();
    const store = await OfflineStore.open({ kind: 'embedded', path });
    const front = await startHttpFront({ store });
    const byUrl = await OfflineStore.open({ kind: 'server', url: front.url });
    expect(await byUrl.appendEvents(CLICKS, [click(3), click(10)])).toMatchObject({ inserted: 1, duplicates: 1 });
    const sequences = await store.rows({ sql: 'SELECT max(__sequence) AS s FROM events_clicks', params: {} });
    await byUrl.close();
    await front.close();
    await store.close();
    expect(sequences).toEqual([{ s: 11n }]);
  });

  test('a body past the limit is refused, in the statement or behind it', async () => {
    const front = await startHttpFront({ path, maxBodyBytes: 1_000 });
    const post = async (query: string, body: string) => (await fetch(`${front.url}/?${new URLSearchParams({ query }).toString()}`, { method: 'POST', body })).status;
    const made = await post('', 'CREATE TABLE t (x Int64) ENGINE = Memory');
    const statuses = [await post('INSERT INTO t FORMAT TSV', '1\n'.repeat(5_000)), await post('', `SELECT 1 /* ${'x'.repeat(5_000)} */`)];
    const left = await (await fetch(front.url, { method: 'POST', body: 'SELECT count() FROM t' })).text();
    await front.close();
    expect([made, ...statuses, left]).toEqual([200, 413, 413, '0\n']);
  });

  test('killed while appending, and appended again: every event once, sequence from 1 without gaps', async () => {
    const seed = Number(process.env['SEED']);
    console.info(`seed ${seed}`);
    for (let round = 0; round < 3; round += 1) {
      const pause = (seed * 13 + round * 101) % 250;
      await killWhileAppending(path, pause);
    }
    const store = await OfflineStore.open({ kind: 'embedded', path });
    const before = await store.countEvents(CLICKS);
    const result = await store.appendEvents(CLICKS, Array.from({ length: ROWS }, (_, i) => click(i)));
    expect(result).toMatchObject({ inserted: ROWS - before, duplicates: before });
    const sum = `SELECT count() AS n, uniqExact(__event_id) AS ids, uniqExact(__sequence) AS sequences, min(__sequence) AS first, max(__sequence) AS last,
      countIf(item != concat('item ', substring(__event_id, 2)) OR at != __event_time) AS wrong FROM events_clicks`;
    const n = BigInt(ROWS);
    expect(await store.rows({ sql: sum, params: {} })).toEqual([{ n, ids: n, sequences: n, first: 1n, last: n, wrong: 0n }]);
    expect(await store.rows({ sql: "SELECT name FROM system.tables WHERE name LIKE 'granary_stage%'", params: {} })).toEqual([]);
    await store.close();
  });
});

/** A process of its own appends in small batches and is killed `pause` ms after its first is stored. */
async function killWhileAppending(path: string, pause: number): Promise<void> {
  const script = `
    import { OfflineStore } from ${JSON.stringify(BUILT)};
    const source = ${JSON.stringify(CLICKS)};
    const click = ${click.toString()};
    const store = await OfflineStore.open({ kind: 'embedded', path: ${JSON.stringify(path)} });
    await store.ensureSource(source);
    for (let from = 0; from < ${ROWS}; from += 1500) {
      const { inserted } = await store.appendEvents(source, Array.from({ length: 1500 }, (_, i) => click(from + i)));
      if (inserted > 0) process.stdout.write('.');
    }
    await store.close();`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
  const started = new Promise((resolve) => child.stdout.once('data', resolve));
  await Promise.race([started, ended]);
  await new Promise((resolve) => setTimeout(resolve, pause));
  child.kill('SIGKILL');
  expect(await ended).toBe('SIGKILL');
}
