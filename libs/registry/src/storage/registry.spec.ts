import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Snapshot } from '@granary/contracts';
import { entity, t } from '@granary/sdk';
import { resolveSnapshot } from '../version/snapshot.js';
import { openRegistry } from './registry.js';

let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'granary-registry-'))));
afterEach(() => rmSync(dir, { recursive: true }));

const snapshotOf = (name: string): Snapshot => resolveSnapshot([entity(name, { id: t.int64 }).definition]);
const a = snapshotOf('a');
const b = snapshotOf('b');

/** A process that applies a new snapshot again and again, and prints a line for each entry that it won. */
function applier(name: string, rounds: number) {
  const script = `
    import { createJiti } from 'jiti';
    const jiti = createJiti(${JSON.stringify(`file://${process.cwd()}/src/`)});
    const { openRegistry } = await jiti.import('${process.cwd()}/src/storage/registry.ts');
    const { resolveSnapshot } = await jiti.import('${process.cwd()}/src/version/snapshot.ts');
    const registry = openRegistry(process.argv[1]);
    for (let i = 0; i < ${rounds}; i++) {
      const head = await registry.head();
      const next = resolveSnapshot([{ kind: 'entity', name: '${name}' + i, keys: [{ name: 'id', type: { kind: 'int64' } }] }]);
      try {
        const { entry } = await registry.apply(next, head?.snapshotId ?? null);
        console.log(\`\${entry.number} \${entry.snapshotId}\`);
      } catch (error) {
        if (error.code !== 'REGISTRY_CONFLICT') throw error;
      }
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const done = new Promise<{ code: number | null; won: string[] }>((resolve) => child.on('close', (code) => resolve({ code, won: output.split('\n').filter((line) => line !== '') })));
  return { child, done };
}

describe('a registry', () => {
  it('keeps snapshots and who followed whom, and applies an older one again', async () => {
    let now = 1_000;
    const registry = openRegistry(dir, { clock: () => now++ });
    expect(await registry.head()).toBeNull();
    expect(await registry.history()).toEqual([]);
    await registry.apply(a, null, { message: 'first' });
    expect(await registry.apply(b, a.id)).toMatchObject({ outcome: 'applied' });
    expect(await registry.apply(await registry.snapshot(a.id.slice(0, 8)), b.id)).toMatchObject({ outcome: 'applied', entry: { number: 3 } });
    expect(await openRegistry(dir).history()).toEqual([
      { number: 1, snapshotId: a.id, appliedAt: 1_000, previous: null, message: 'first' },
      { number: 2, snapshotId: b.id, appliedAt: 1_001, previous: a.id },
      { number: 3, snapshotId: a.id, appliedAt: 1_002, previous: b.id },
    ]);
    expect(await registry.snapshot(b.id)).toEqual(b);
  });

  it('says that the head is the head already, and writes nothing', async () => {
    const registry = openRegistry(dir);
    await registry.apply(a, null);
    expect(await registry.apply(a, a.id)).toMatchObject({ outcome: 'unchanged', entry: { number: 1 } });
    expect(await registry.history()).toHaveLength(1);
  });

  it('refuses a plan made against another head, naming both', async () => {
    const registry = openRegistry(dir);
    await registry.apply(a, null);
    await expect(registry.apply(b, null)).rejects.toMatchObject({ code: 'REGISTRY_CONFLICT', kind: 'no', todo: expect.stringContaining('Plan again'), details: { expected: null, actual: a.id } });
  });

  it('of concurrent applies within a process lets exactly one win', async () => {
    const results = await Promise.allSettled(Array.from({ length: 8 }, (_, i) => openRegistry(dir).apply(snapshotOf(`s${i}`), null)));
    expect(results.filter((each) => each.status === 'fulfilled')).toHaveLength(1);
    for (const each of results) if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'REGISTRY_CONFLICT' });
  });

  it('between two processes loses and doubles nothing', async () => {
    const runs = await Promise.all([applier('left', 60), applier('right', 60)].map((each) => each.done));
    expect(runs.map((run) => run.code)).toEqual([0, 0]);
    const won = runs.flatMap((run) => run.won).sort((x, y) => Number.parseInt(x) - Number.parseInt(y));
    const history = await openRegistry(dir).history();
    expect(won).toEqual(history.map((entry) => `${entry.number} ${entry.snapshotId}`));
    expect(history.length).toBeGreaterThanOrEqual(60);
  });

  it('is readable, and goes on, after its writer was killed at any moment', async () => {
    for (const wins of [1, 2, 5, 9]) {
      const { child, done } = applier(`killed${wins}x`, 100_000);
      let lines = 0;
      child.stdout.on('data', (chunk: Buffer) => {
        lines += chunk.toString().split('\n').length - 1;
        if (lines >= wins) child.kill('SIGKILL');
      });
      const { won } = await done;
      const registry = openRegistry(dir);
      const history = await registry.history();
      for (const line of won) expect(history.map((entry) => `${entry.number} ${entry.snapshotId}`)).toContain(line);
      for (const entry of history) expect((await registry.snapshot(entry.snapshotId)).id).toBe(entry.snapshotId);
      expect(await registry.apply(snapshotOf(`next${wins}`), (await registry.head())!.snapshotId)).toMatchObject({ outcome: 'applied' });
    }
  });

  it('uses a snapshot file that an interrupted apply left, and ignores temporary files', async () => {
    mkdirSync(join(dir, 'snapshots'), { recursive: true });
    mkdirSync(join(dir, 'tmp'));
    writeFileSync(join(dir, 'tmp', '1-half'), '{"number": ');
    writeFileSync(join(dir, 'snapshots', `${a.id}.json`), JSON.stringify(a));
    const registry = openRegistry(dir);
    await expect(registry.snapshot(a.id)).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' });
    expect(await registry.apply(a, null)).toMatchObject({ outcome: 'applied' });
    expect(readdirSync(join(dir, 'tmp'))).toEqual(['1-half']);
  });

  it('finds no snapshot by what names none, or several', async () => {
    const registry = openRegistry(dir);
    await registry.apply(a, null);
    for (const wrong of ['abc', 'zzzz', '../../x', b.id]) await expect(registry.snapshot(wrong)).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' });
    // No two snapshots at hand share four digits: write the history of two ids that do.
    const ids = [`abcd${'0'.repeat(60)}`, `abcd${'1'.repeat(60)}`];
    writeFileSync(join(dir, 'history', '000002.json'), JSON.stringify({ number: 2, snapshotId: ids[0], appliedAt: 1, previous: a.id }));
    writeFileSync(join(dir, 'history', '000003.json'), JSON.stringify({ number: 3, snapshotId: ids[1], appliedAt: 1, previous: ids[0] }));
    await expect(registry.snapshot('abcd')).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND', details: { candidates: ids } });
  });

  it('refuses files that were edited or lost', async () => {
    const registry = openRegistry(dir);
    await registry.apply(a, null);
    await registry.apply(b, a.id);
    const stored = join(dir, 'snapshots', `${a.id}.json`);
    const text = readFileSync(stored, 'utf8');
    for (const edited of [text.replace('int64', 'int32'), text.replace('{', '{"extra": 1,'), text.slice(0, 40), JSON.stringify(b)]) {
      writeFileSync(stored, edited);
      await expect(registry.snapshot(a.id)).rejects.toMatchObject({ code: 'ARTIFACT_CORRUPT', todo: expect.any(String) });
    }
    const first = join(dir, 'history', '000001.json');
    const entry = readFileSync(first, 'utf8');
    writeFileSync(first, entry.replaceAll(a.id, b.id));
    await expect(registry.history()).rejects.toMatchObject({ code: 'ARTIFACT_CORRUPT' });
    rmSync(first);
    await expect(registry.head()).rejects.toMatchObject({ code: 'ARTIFACT_CORRUPT', message: expect.stringContaining('missing') });
  });
});
