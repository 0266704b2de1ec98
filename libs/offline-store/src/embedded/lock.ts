import { accessSync, constants, existsSync, readFileSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { GranaryError } from '@granary/contracts';

/**
 * Throws STORE_LOCKED where another process is seen to have the directory: chDB would find out too, but writes so to stderr.
 * Only Linux shows it, and only of processes of the same user; elsewhere chDB is left to find out.
 */
export function refuseLocked(path: string): void {
  const pid = holderOf(path);
  if (pid !== null && pid !== process.pid && hasOpen(pid, statusFile(path))) throw locked(path, pid, undefined);
}

/**
 * Says why chDB did not open a directory. The engine itself writes the reason to stderr only; its `status` file names the
 * process that holds the lock.
 */
export function openError(path: string, cause: unknown): GranaryError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const other = /one active data directory per process.*\(path='([^']*)'\)/.exec(message)?.[1];
  if (other !== undefined) {
    return new GranaryError('STORE_LOCKED', `this process already has ${other} open, so it can't open ${path}`, {
      todo: 'One process holds one directory: close the other store first, or use a second process.',
      details: { path, open: other },
      cause,
    });
  }
  if (existsSync(statusFile(path)) && isWritable(path)) return locked(path, holderOf(path), cause);
  return new GranaryError('STORE_UNAVAILABLE', `${path} can't be opened as a data directory: ${message}`, {
    todo: 'Check that the directory can be created and written.',
    details: { path },
    cause,
  });
}

function locked(path: string, pid: number | null, cause: unknown): GranaryError {
  return new GranaryError('STORE_LOCKED', `${path} is in use by ${pid === null ? 'another process' : `process ${pid}`}`, {
    todo: 'Only one process can open it. Use the URL of the running process instead (granary up prints it), or stop that process.',
    details: { path, pid },
    ...(cause === undefined ? {} : { cause }),
  });
}

function statusFile(path: string): string {
  return join(path, 'status');
}

/** The process that has or had the directory: a killed one leaves its name behind. */
function holderOf(path: string): number | null {
  try {
    const pid = /PID:\s*(\d+)/.exec(readFileSync(statusFile(path), 'utf8'))?.[1];
    return pid === undefined ? null : Number(pid);
  } catch {
    return null;
  }
}

function hasOpen(pid: number, file: string): boolean {
  try {
    const real = realpathSync(file);
    return readdirSync(`/proc/${pid}/fd`).some((descriptor) => isLinkTo(`/proc/${pid}/fd/${descriptor}`, real));
  } catch {
    return false;
  }
}

/** False of a descriptor that has been closed by now. */
function isLinkTo(link: string, file: string): boolean {
  try {
    return readlinkSync(link) === file;
  } catch {
    return false;
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
