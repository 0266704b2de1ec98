import { randomUUID } from 'node:crypto';
import { link, mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GranaryError } from '@granary/contracts';

/**
 * Writes a file that did not exist, whole or not at all, durably. False when it exists already: of several writers of one
 * name exactly one gets true. What a kill leaves behind is at most a file in `temporary`, which nobody reads.
 */
export async function createExclusively(path: string, text: string, temporary: string): Promise<boolean> {
  const draft = join(temporary, `${process.pid}-${randomUUID()}`);
  await mkdir(temporary, { recursive: true });
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeDurably(draft, text);
    // Not rename: it would silently replace another writer's file.
    await link(draft, path);
    await syncFolder(dirname(path));
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw unavailable(path, error);
  } finally {
    await rm(draft, { force: true });
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

// A new name is durable only when its folder is.
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export function isErrno(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && (error as NodeJS.ErrnoException).code === code;
}

export function unavailable(path: string, cause: unknown): GranaryError {
  return new GranaryError('STORE_UNAVAILABLE', `the registry can't use ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, {
    todo: 'Check that the folder exists, may be written, and lies on a file system with hard links.',
    details: { path },
    cause,
  });
}
