import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scratchFolder } from './scratch.js';

test('a scratch folder takes the place of those that ended processes left, not of those in use', async () => {
  const ended = spawnSync(process.execPath, ['-e', '']).pid;
  const [left, used] = [ended, process.pid].map((pid) => join(tmpdir(), `granary-result-${pid}-scratch-spec`)) as [string, string];
  for (const folder of [left, used]) mkdirSync(folder);
  const made = await scratchFolder('insert');
  expect([left, used, made].map((folder) => existsSync(folder))).toEqual([false, true, true]);
  for (const folder of [used, made]) rmSync(folder, { recursive: true });
});
