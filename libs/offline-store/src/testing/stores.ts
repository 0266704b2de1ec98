import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OfflineStoreOptions } from '../options.js';

const MAIN = fileURLToPath(new URL('../../dist/http-front/main.js', import.meta.url));

export interface FrontProcess {
  readonly url: string;
  readonly path: string;
  readonly child: ChildProcess;
  stop(): Promise<void>;
}

export async function tempDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'granary-offline-'));
}

/** The HTTP front on a directory of its own, in a process of its own: built code, as users run it. */
export async function startFrontProcess(): Promise<FrontProcess> {
  const folder = await tempDirectory();
  const path = join(folder, 'db');
  const child = spawn(process.execPath, [MAIN, '--path', path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the front ended with ${code}: is the package built?`)));
    child.stdout.once('data', (line: Buffer) => resolve(/http:\S+/.exec(String(line))![0]));
  });
  return {
    url,
    path,
    child,
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface Target {
  readonly options: OfflineStoreOptions;
  stop(): Promise<void>;
}

/** The two ways to have a store; the conformance suite runs against each. */
export const TARGETS: Readonly<Record<'embedded' | 'by URL', () => Promise<Target>>> = {
  async embedded() {
    const folder = await tempDirectory();
    return { options: { kind: 'embedded', path: join(folder, 'db') }, stop: () => rm(folder, { recursive: true, force: true }) };
  },
  async 'by URL'() {
    const front = await startFrontProcess();
    return { options: { kind: 'server', url: front.url }, stop: front.stop };
  },
};
