import { GranaryError, type ErrorKind } from '@granary/contracts';
import type { Style } from './terminal/style.js';

/** What the shell is told. */
export const EXIT = {
  done: 0,
  /** The answer is no: a conflict, a mismatch, a failed check, something that is not there yet. */
  no: 1,
  /** Wrong usage or input. */
  input: 2,
  /** A store or service is unavailable. */
  unavailable: 3,
  /** A bug of ours (EX_SOFTWARE of sysexits.h). */
  bug: 70,
  /** Ctrl-C, as shells count it: 128 + SIGINT. */
  cancelled: 130,
} as const;

const BY_KIND: Readonly<Record<ErrorKind, number>> = {
  input: EXIT.input,
  // At the command line the declarations and files are what the caller gave.
  setup: EXIT.input,
  notReady: EXIT.no,
  unreadable: EXIT.no,
  unavailable: EXIT.unavailable,
  busy: EXIT.unavailable,
  no: EXIT.no,
  cancelled: EXIT.cancelled,
};

export function exitCodeOf(error: unknown): number {
  return error instanceof GranaryError ? BY_KIND[error.kind] : EXIT.bug;
}

/** One line of what happened, one of what to do; a bug comes with its stack. */
export function describeError(error: unknown, style: Style): string {
  if (error instanceof GranaryError) {
    const todo = error.todo === undefined ? '' : `\n${style.dim('→')} ${error.todo}`;
    return `${style.bad(error.kind === 'cancelled' ? 'stopped' : 'error')} ${error.message} ${style.dim(`(${error.code})`)}${todo}`;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `${style.bad('bug')} Granary failed in a way it should not: please report this.\n${stack}`;
}

/** The same for programs. Nothing of a bug's internals is promised. */
export function errorDocument(error: unknown): { readonly error: object } {
  if (error instanceof GranaryError) {
    const { code, kind, message, todo, details } = error;
    return { error: { code, kind, message, todo: todo ?? null, details } };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { error: { code: 'BUG', kind: 'bug', message, todo: 'Report this.', details: { stack: error instanceof Error ? error.stack : null } } };
}
