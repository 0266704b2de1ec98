import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openOnlineStore } from '../open.js';
import { runChild } from '../test-support/child.js';
import { testSeed } from '../test-support/environment.js';
import { at, packed, randomFrom } from '../test-support/rows.js';

const seed = testSeed('lmdb.spec');

describe('lmdb driver', () => {
  let root: string;
  beforeAll(() => void (root = mkdtempSync(join(tmpdir(), 'granary-lmdb-'))));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('has every write it acknowledged after the writer is killed with SIGKILL', async () => {
    const random = randomFrom(seed);
    const path = join(root, 'killed');
    let acknowledged = 0;
    for (let round = 0; round < 5; round++) {
      const child = runChild({ kind: 'lmdb', path }, acknowledged, `
        for (let time = argument + 1; ; time++) {
          const value = packed({ h: time, t: 0 });
          await store.write([{ key: 'newest', value }, { key: 'k' + time, value }]);
          await print(String(time));
        }`);
      const enough = acknowledged + 1 + Math.floor(random() * 100);
      for await (const line of child.lines) {
        acknowledged = Number(line);
        if (acknowledged >= enough) child.process.kill('SIGKILL');
      }
      expect(await child.ended).toBeNull();
      const store = await openOnlineStore({ kind: 'lmdb', path });
      const rows = await store.read(Array.from({ length: acknowledged }, (_row, i) => `k${i + 1}`));
      expect(rows.map((bytes) => bytes?.toString())).toEqual(Array.from({ length: acknowledged }, (_row, i) => packed(at(i + 1, 0)).toString()));
      // A transaction is there as a whole or not at all, also the last one, which may not have been acknowledged.
      const [newest] = await store.read(['newest']);
      const last = [acknowledged, acknowledged + 1].find((time) => Buffer.from(newest!).equals(packed(at(time, 0))));
      expect(last).toBeDefined();
      expect(await store.read([`k${last}`, `k${last! + 1}`])).toEqual([newest, null]);
      await store.close();
    }
  });

  it('makes the directory, also where its name looks like that of a file', async () => {
    const path = join(root, 'a', 'b', 'online.v1');
    const store = await openOnlineStore({ kind: 'lmdb', path });
    await store.write([{ key: 'k', value: packed(at(1)) }]);
    await store.close();
    expect(statSync(path).isDirectory()).toBe(true);
  });

  it('says what is wrong with a path that is a file, lies below one, or holds something else', async () => {
    const file = join(root, 'file');
    writeFileSync(file, 'x');
    const foreign = join(root, 'foreign');
    mkdirSync(foreign);
    writeFileSync(join(foreign, 'data.mdb'), Buffer.alloc(65_536, 'not a database '));
    for (const path of [file, join(file, 'below'), foreign]) {
      await expect(openOnlineStore({ kind: 'lmdb', path })).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        message: expect.stringContaining(path) as unknown,
        todo: expect.stringContaining('directory') as unknown,
      });
    }
  });
});
