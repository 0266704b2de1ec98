import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const OURS = /^granary-(?:insert|result)-(\d+)-/;

let swept: Promise<void> | undefined;

/**
 * A folder for the data of one statement, in the system's temporary folder: its path has no quotes or glob characters,
 * which a store's own may have. The caller removes it; what a killed process left, the next process removes.
 */
export async function scratchFolder(kind: 'insert' | 'result'): Promise<string> {
  await (swept ??= sweep());
  return mkdtemp(join(tmpdir(), `granary-${kind}-${process.pid}-`));
}

async function sweep(): Promise<void> {
  const left = (await readdir(tmpdir())).filter((name) => isLeft(OURS.exec(name)?.[1]));
  // Another process may be sweeping too, or the folder be another user's.
  await Promise.all(left.map((name) => rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => undefined)));
}

function isLeft(pid: string | undefined): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
