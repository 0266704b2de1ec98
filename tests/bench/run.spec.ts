import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { BenchRow } from './report.js';

const BUILT = fileURLToPath(new URL('../dist/bench/run.js', import.meta.url));

describe('the bench command', () => {
  let folder: string;
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'bench-spec-'))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Its temporary folders go into ours, so that what it leaves behind is seen. */
  async function bench(args: readonly string[], stopAt?: RegExp): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child = spawn(process.execPath, [BUILT, ...args], { env: { TMPDIR: folder, PATH: path() } });
    const said = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => {
      said.stderr += chunk.toString();
      if (stopAt?.test(said.stderr) === true) child.kill('SIGINT');
      if (stopAt?.test(said.stderr) === true) stopAt = undefined;
    });
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, ...said };
  }

  it('lists the suites without one, and refuses one it does not know', async () => {
    const listed = await bench([]);
    expect(listed).toMatchObject({ code: 0, stdout: expect.stringMatching(/online[^]*features[^]*backfill[^]*graphql[^]*ranking[^]*ingest/) as unknown });
    const refused = await bench(['nothing']);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('there is no suite nothing: online, features, backfill, graphql, ranking, ingest');
    expect((await bench(['ingest', '--jsn', 'x'])).code).toBe(2);
  });

  it('writes rows of the promised shape and leaves nothing behind', async () => {
    const file = join(folder, 'rows.json');
    const { code, stdout, stderr } = await bench(['features', '--quick', '--json', file]);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    const rows = JSON.parse(readFileSync(file, 'utf8')) as BenchRow[];
    expect(rows.map(({ name }) => name.split(',')[0])).toEqual(['backfill customers', 'backfill terminals', 'training set', 'point in time']);
    for (const row of rows) {
      expect(Object.keys(row).sort()).toEqual(['floor', 'name', 'peakRssMb', 'ratio', 'scale', 'suite', 'unit', 'value']);
      expect(row).toMatchObject({ suite: 'features', unit: 'rows/s', scale: 1 });
      expect(row.ratio).toBeCloseTo(row.value / row.floor, 10);
      expect(row.value).toBeGreaterThan(0);
      expect(row.peakRssMb).toBeGreaterThan(50);
      expect(stdout).toContain(row.name);
    }
    expect(readdirSync(folder)).toEqual(['rows.json']);
  });

  it('stops on Ctrl-C, with what it has measured, and removes its folders', async () => {
    const { code, stderr } = await bench(['features'], /backfill terminals[^\n]*speed/);
    expect(code).toBe(130);
    expect(stderr).toContain('features: 2 rows');
    expect(stderr).toContain('stopped before the end');
    expect(readdirSync(folder).filter((name) => name.startsWith('granary-'))).toEqual([]);
  });
});

function path(): string {
  return process.env['PATH'] ?? '';
}
