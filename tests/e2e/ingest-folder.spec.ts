import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { granary, temporaryFolder } from './granary.js';

const definitions = `import { source, t } from '@granary/sdk';
export const first = source('first', { fields: { a: t.int64, at: t.timestamp }, eventId: 'a', eventTime: 'at', file: 'first.csv' });
export const second = source('second', { fields: { a: t.int64, at: t.timestamp }, eventId: 'a', eventTime: 'at', file: 'second.csv' });
`;

describe('a folder of which one file is empty', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let data: string;
  let at: string[];

  beforeAll(async () => {
    folder = await temporaryFolder();
    data = join(folder.path, 'data');
    at = ['--home', join(folder.path, 'home')];
    await mkdir(data);
    await writeFile(join(data, 'first.csv'), '');
    await writeFile(join(data, 'second.csv'), 'a,at\n1,2026-01-01\n2,2026-01-01\nx,2026-01-01\n');
    await writeFile(join(folder.path, 'defs.ts'), definitions);
    const applied = await granary(['apply', '--defs', join(folder.path, 'defs.ts'), ...at]);
    expect(applied).toMatchObject({ code: 0 });
  }, 120_000);
  afterAll(() => folder?.remove());

  it('is loaded but for that file; table, counts and errors are told, and the exit code is 2', async () => {
    const shown = await granary(['ingest', '--data', data, ...at]);
    expect(shown.code).toBe(2);
    expect(shown.stdout).toMatch(/second\.csv\s.*3\s.*2\s/);
    expect(shown.stdout).toContain('1 row in quarantine');
    expect(shown.stdout).toMatch(/first: .*first\.csv: is empty \(0 bytes\)/);
    expect(shown.stderr).toContain('1 of 2 files could not be read to the end: first.csv (FILE_UNREADABLE)');

    const again = await granary(['ingest', '--data', data, '--json', ...at]);
    expect(again.code).toBe(2);
    expect(JSON.parse(again.stdout)).toMatchObject({
      reports: [
        { source: 'first', read: 0, error: { code: 'FILE_UNREADABLE', message: expect.stringContaining('is empty (0 bytes)') } },
        { source: 'second', read: 3, inserted: 0, duplicates: 2, quarantined: 1 },
      ],
      missing: [],
      error: { code: 'FILE_UNREADABLE', kind: 'setup', details: { files: [{ source: 'first', file: 'first.csv' }] } },
    });
  }, 120_000);
});
