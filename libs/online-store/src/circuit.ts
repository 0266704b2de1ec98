import { GranaryError } from '@granary/contracts';
import type { OnlineStore } from './store.js';

export interface CircuitOptions {
  /** After so many failures in a row calls fail at once. Default 5. */
  readonly failures?: number;
  /** Milliseconds before the first ping; each one that fails doubles the wait, up to `longestMs`. Default 100. */
  readonly waitMs?: number;
  /** Default 5000. */
  readonly longestMs?: number;
  readonly clock?: CircuitClock;
}

export interface CircuitClock {
  /** Epoch milliseconds. */
  now(): number;
  /** Runs it once, later; what is returned calls it off. Must not keep the process alive. */
  after(ms: number, action: () => void): () => void;
}

const SYSTEM_CLOCK: CircuitClock = {
  now: () => Date.now(),
  after: (ms, action) => {
    const timer = setTimeout(action, ms).unref();
    return () => clearTimeout(timer);
  },
};

type State =
  | { readonly kind: 'closed'; readonly failures: number }
  | { readonly kind: 'open'; readonly failures: number; readonly until: number; readonly cause: GranaryError };

/**
 * The same store, which spares its callers the wait for one that is gone: after `failures` calls in a row have thrown
 * STORE_UNAVAILABLE all fail at once with that code, and no one is sent there but a ping now and then; when it is
 * answered, calls go through again. Everything else that a store throws says that it is there.
 */
export function withCircuit(store: OnlineStore, { failures: most = 5, waitMs = 100, longestMs = 5_000, clock = SYSTEM_CLOCK }: CircuitOptions = {}): OnlineStore {
  let state: State = { kind: 'closed', failures: 0 };
  let callOff = (): void => undefined;
  let closed = false;

  function open(failures: number, cause: GranaryError): void {
    const wait = Math.min(waitMs * 2 ** (failures - most), longestMs);
    state = { kind: 'open', failures, until: clock.now() + wait, cause };
    callOff = clock.after(wait, () => void halfOpen());
  }

  async function halfOpen(): Promise<void> {
    const failures = state.failures + 1;
    try {
      await store.ping();
      state = { kind: 'closed', failures: 0 };
    } catch (error) {
      if (!closed) open(failures, isUnavailable(error) ? error : refusal(error));
    }
  }

  function failed(error: unknown): void {
    // What began before the circuit opened says nothing new.
    if (!isUnavailable(error) || state.kind === 'open' || closed) return;
    const failures = state.failures + 1;
    if (failures >= most) open(failures, error);
    else state = { kind: 'closed', failures };
  }

  async function through<T>(call: () => Promise<T>): Promise<T> {
    if (state.kind === 'open' && !closed) throw refused(store, state, clock.now());
    try {
      const result = await call();
      if (state.kind === 'closed' && state.failures > 0) state = { kind: 'closed', failures: 0 };
      return result;
    } catch (error) {
      failed(error);
      throw error;
    }
  }

  return {
    kind: store.kind,
    read: (keys) => through(() => store.read(keys)),
    readInPlace: (keys) => through(() => store.readInPlace(keys)),
    write: (rows) => through(() => store.write(rows)),
    append: (rows, emptyBase) => through(() => store.append(rows, emptyBase)),
    delete: (keys) => through(() => store.delete(keys)),
    readMeta: (name) => through(() => store.readMeta(name)),
    writeMeta: (name, json) => through(() => store.writeMeta(name, json)),
    swapMeta: (name, from, to) => through(() => store.swapMeta(name, from, to)),
    sampleMemory: (prefix, limits) => through(() => store.sampleMemory(prefix, limits)),
    ping: () => through(() => store.ping()),
    incarnation: () => store.incarnation(),
    servers: () => through(() => store.servers()),
    hazards: () => through(() => store.hazards()),
    close() {
      closed = true;
      callOff();
      return store.close();
    },
  };
}

function isUnavailable(error: unknown): error is GranaryError {
  return error instanceof GranaryError && error.code === 'STORE_UNAVAILABLE';
}

function refusal(error: unknown): GranaryError {
  return new GranaryError('STORE_UNAVAILABLE', (error as Error).message, { cause: error });
}

function refused({ kind }: OnlineStore, { failures, until, cause }: State & { readonly kind: 'open' }, now: number): GranaryError {
  const again = Math.max(0, until - now);
  return new GranaryError('STORE_UNAVAILABLE', `The online store (${kind}) has failed ${failures} times in a row and is not asked; it is tried again in ${again} ms. The last failure: ${cause.message}`, {
    ...(cause.todo === undefined ? {} : { todo: cause.todo }),
    details: { ...cause.details, failures, triedAgainAt: until },
    cause,
  });
}
