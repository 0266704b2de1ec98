import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GranaryError } from '@granary/contracts';

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
  const status = join(path, 'status');
  if (existsSync(status) && isWritable(path)) {
    const pid = Number(/PID:\s*(\d+)/.exec(readFileSync(status, 'utf8'))?.[1] ?? Number.NaN);
    const holder = Number.isNaN(pid) ? 'another process' : `process ${pid}`;
    return new GranaryError('STORE_LOCKED', `${path} is in use by ${holder}`, {
      todo: 'Only one process can open it. Use the URL of the running process instead (granary up prints it), or stop that process.',
      details: { path, pid: Number.isNaN(pid) ? null : pid },
      cause,
    });
  }
  return new GranaryError('STORE_UNAVAILABLE', `${path} can't be opened as a data directory: ${message}`, {
    todo: 'Check that the directory can be created and written.',
    details: { path },
    cause,
  });
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
