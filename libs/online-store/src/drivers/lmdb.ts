import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { GranaryError } from '@granary/contracts';
import { open, type RootDatabase } from 'lmdb';
import type { Appended, FrameRow, OnlineStore, PackedRow } from '../store.js';
import { appendFrames, assertBases, assertFrames, baseLength, hasBase, replaceBase } from '../value.js';
import { framesByKey, olderFormat, type KeyFrames } from './frames.js';
import { sampleRange, type Entries } from './lmdb-sample.js';
import { metaKey, metaText } from './meta.js';

export interface LmdbOptions {
  /** A directory of its own; made when it isn't there. Several processes may have it open. */
  readonly path: string;
}

// LMDB refuses keys of more than 1978 bytes.
const LONGEST_KEY = 1900;
// In UTF-8 of one of a string's code units.
const MOST_BYTES = 3;
// In the header of an LMDB file, in the machine's byte order.
const MAGIC = 0xbeefc0de;
const MAGIC_OFFSET = 24;
// Between two turns of the event loop: a transaction holds the write lock of all processes, and its callback our thread.
const ROWS_PER_TRANSACTION = 2_000;

/** Opens or creates the database. Throws STORE_UNAVAILABLE. */
export async function openLmdbStore({ path }: LmdbOptions): Promise<OnlineStore> {
  let closed = false;
  const underWay = new Set<Promise<unknown>>();
  const db = openDatabase(path);

  async function guarded<T>(action: () => T | Promise<T>): Promise<T> {
    if (closed) throw unavailable(path, 'it has been closed', undefined);
    try {
      const result = action();
      return result instanceof Promise ? await tracked(result) : result;
    } catch (error) {
      // A bug of ours must not look like a broken disk.
      if (error instanceof TypeError || error instanceof RangeError) throw error;
      const cause = await rootCause(error);
      throw unavailable(path, (cause as Error).message, cause);
    }
  }

  /** Closing waits for these: lmdb-js itself refuses the rest of a transaction once it is told to close. */
  async function tracked<T>(promise: Promise<T>): Promise<T> {
    underWay.add(promise);
    try {
      return await promise;
    } finally {
      underWay.delete(promise);
    }
  }

  let last: Uint8Array = new Uint8Array(0);
  /** Gone with the next read: lmdb-js reads every value into the same buffer, whose `length` is the value's but whose memory is longer. */
  function peek(key: string): Uint8Array | undefined {
    return peekStored(storedKey(key));
  }

  function peekStored(key: string | Buffer): Uint8Array | undefined {
    const shared = db.getBinaryFast(key);
    if (shared === undefined) return undefined;
    // Values of a view have the same length mostly.
    const isLast = last.length === shared.length && last.buffer === shared.buffer && last.byteOffset === shared.byteOffset;
    return isLast ? last : (last = shared.subarray(0, shared.length));
  }

  function peekGuarded(key: string): Uint8Array | null {
    try {
      return peek(key) ?? null;
    } catch (cause) {
      throw unavailable(path, closed ? 'it has been closed' : (cause as Error).message, cause);
    }
  }

  function get(key: string): Buffer | null {
    const value = peek(key);
    return value === undefined ? null : (Uint8Array.prototype.slice.call(value) as Buffer);
  }

  /** Sees what other processes had committed before the call, not only before this turn of the event loop. */
  function fresh<T>(read: () => T): T {
    db.resetReadTxn();
    return read();
  }

  function putBases(rows: readonly PackedRow[]): number {
    let written = 0;
    let last = '';
    /** No stored key lies between the last row's and this one; null: none lies beyond; undefined: not known. */
    let next: string | null | undefined;
    for (const { key, value } of rows) {
      const inOrder = sortsAsBytes(key);
      const isFree = inOrder && key !== last && next !== undefined && (next === null || key < next);
      if (isFree && db.putSync(key, value, next === null ? APPEND : PUT)) {
        written++;
        last = key;
        continue;
      }
      const at = storedKey(key);
      const stored = peekStored(at);
      const replaced = replaceBase(stored, value);
      if (replaced !== null) {
        db.putSync(at, replaced);
        written++;
      }
      if (!inOrder) continue;
      last = key;
      next = stored === undefined ? keyAfter(key) : undefined;
    }
    return written;
  }

  function keyAfter(key: string): string | null {
    for (const after of db.getKeys({ start: key, exclusiveStart: true, limit: 1 })) return (after as Buffer).toString('utf8');
    return null;
  }

  function putFrames(keys: readonly KeyFrames[], emptyBase: Uint8Array): Appended[] {
    return keys.map(({ key, frames }) => {
      const at = storedKey(key);
      const stored = peekStored(at);
      if (stored !== undefined && !hasBase(stored)) return { key, bytes: -1, tailBytes: -1 };
      const value = appendFrames(stored ?? emptyBase, frames);
      const appended = { key, bytes: value.length, tailBytes: value.length - baseLength(value) };
      if (value !== stored) db.putSync(at, value);
      return appended;
    });
  }

  async function inTransactions<T, R>(items: readonly T[], action: (part: readonly T[]) => R): Promise<R[]> {
    const results: R[] = [];
    for (let from = 0; from < items.length; from += ROWS_PER_TRANSACTION) {
      const part = items.slice(from, from + ROWS_PER_TRANSACTION);
      results.push(await db.transaction(() => action(part)));
    }
    return results;
  }

  const entries: Entries = { keys: (range) => db.getKeys(range) as Iterable<Uint8Array>, valueBytes: (key) => db.getBinaryFast(key)?.length };

  const store: OnlineStore = {
    kind: 'lmdb',
    read: (keys) => guarded(() => fresh(() => keys.map(get))),
    readInPlace: (keys) =>
      guarded(() => {
        db.resetReadTxn();
        return { at: (position) => peekGuarded(keys[position]!) };
      }),
    async write(rows) {
      assertBases(rows);
      const counts = await guarded(() => inTransactions(inKeyOrder(rows), putBases));
      const written = counts.reduce((sum, count) => sum + count, 0);
      return { written, stale: rows.length - written };
    },
    async append(rows: readonly FrameRow[], emptyBase) {
      assertFrames(rows);
      assertBases([{ key: 'an empty base', value: emptyBase }]);
      const appended = (await guarded(() => inTransactions(framesByKey(rows), (part) => putFrames(part, emptyBase)))).flat();
      return olderFormat(appended);
    },
    delete: (keys) =>
      guarded(async () => {
        if (keys.length === 0) return 0;
        return await db.transaction(() => keys.reduce((removed, key) => removed + (db.removeSync(storedKey(key)) ? 1 : 0), 0));
      }),
    readMeta: (name) =>
      guarded((): unknown => {
        const bytes = fresh(() => get(metaKey(name)));
        return bytes === null ? null : JSON.parse(bytes.toString('utf8'));
      }),
    async writeMeta(name, json) {
      const bytes = Buffer.from(metaText(name, json), 'utf8');
      return guarded(async () => {
        const key = storedKey(metaKey(name));
        await db.transaction(() => (json === null ? db.removeSync(key) : db.putSync(key, bytes)));
      });
    },
    async swapMeta(name, from, to) {
      const [expected, bytes] = [from, to].map((json) => (json === null ? null : Buffer.from(metaText(name, json), 'utf8')));
      return guarded(async () => {
        const key = storedKey(metaKey(name));
        return await db.transaction(() => {
          const stored = get(metaKey(name));
          if (stored === null || expected == null ? stored !== expected : !stored.equals(expected)) return false;
          if (bytes == null) db.removeSync(key);
          else db.putSync(key, bytes);
          return true;
        });
      });
    },
    sampleMemory: (prefix, limits) => guarded(() => fresh(() => sampleRange(entries, prefix, limits))),
    // What a write has acknowledged is on this machine's disk.
    incarnation: () => 0,
    servers: () => Promise.resolve([]),
    hazards: () => Promise.resolve([]),
    ping: () => guarded(() => void fresh(() => db.doesExist(storedKey(metaKey('ping'))))),
    async close() {
      if (closed) return;
      closed = true;
      await Promise.allSettled(underWay);
      await db.close();
    },
  };
  return await Promise.resolve(store);
}

function openDatabase(path: string): RootDatabase<Uint8Array, Uint8Array | string> {
  try {
    mkdirSync(path, { recursive: true });
    assertDatabase(join(path, 'data.mdb'));
    const db = open<Uint8Array, Uint8Array | string>({
      path,
      // Without this a path with a dot in it would become a file.
      noSubdir: false,
      encoding: 'binary',
      keyEncoder: KEYS,
      // A write resolves after its commit has reached the disk; overlapping would resolve it before.
      overlappingSync: false,
    });
    // A reader that was killed would keep old pages from being used again, and the file would grow without end.
    db.readerCheck();
    return db;
  } catch (cause) {
    throw unavailable(path, (cause as Error).message, cause);
  }
}

/** lmdb-js ends the whole process with a segmentation fault when the file it opens is no LMDB database. */
function assertDatabase(file: string): void {
  if (!existsSync(file)) return;
  const head = Buffer.alloc(MAGIC_OFFSET + 4);
  const handle = openSync(file, 'r');
  const length = readSync(handle, head, 0, head.length, 0);
  closeSync(handle);
  // Empty: another process is creating it at this moment.
  if (length > 0 && head.readUInt32LE(MAGIC_OFFSET) !== MAGIC && head.readUInt32BE(MAGIC_OFFSET) !== MAGIC) {
    throw new Error('its data.mdb is no LMDB database, or is damaged');
  }
}

/** lmdb-js rejects with "see commitError", a promise that rejects with the reason, and unhandled would end the process. */
async function rootCause(error: unknown): Promise<unknown> {
  const reason = (error as { commitError?: Promise<unknown> }).commitError;
  if (reason === undefined) return error;
  return await reason.then(() => error, (inner: unknown) => inner);
}

/** A transaction that goes through the tree from left to right touches each of its pages once. Rows of one key keep their order. */
function inKeyOrder(rows: readonly PackedRow[]): readonly PackedRow[] {
  return rows.toSorted(({ key: a }, { key: b }) => (a < b ? -1 : a === b ? 0 : 1));
}

const PUT = {};
/** Quicker than a put that looks for its place. LMDB refuses a key that is not beyond all others. */
const APPEND = { append: true };

/** Whether the key is stored as it is and UTF-16, in which JavaScript compares, has it where UTF-8 does: the two differ on what lies beyond the surrogates. */
function sortsAsBytes(key: string): boolean {
  return key.length * MOST_BYTES <= LONGEST_KEY && !BEYOND_SURROGATES.test(key);
}
const BEYOND_SURROGATES = /[\ud800-\uffff]/;

/** Keys are UTF-8, written where LMDB reads them; they come back as bytes. */
const KEYS = {
  writeKey(key: Uint8Array | string, target: Uint8Array, at: number): number {
    if (typeof key === 'string') {
      // `write` would cut the key short; lmdb-js tries again elsewhere after this error, which `set` throws by itself.
      if (at + key.length * MOST_BYTES > target.length) throw new RangeError('the key does not fit');
      return at + (target as Buffer).write(key, at);
    }
    target.set(key, at);
    return at + key.length;
  },
  readKey: (source: Uint8Array, from: number, to: number): Uint8Array => Uint8Array.prototype.slice.call(source, from, to),
};

/** A key too long for LMDB is replaced by its hash, under a prefix that no other key has. */
function storedKey(key: string): Buffer | string {
  if (key.length * MOST_BYTES <= LONGEST_KEY) return key;
  const bytes = Buffer.from(key, 'utf8');
  return bytes.length <= LONGEST_KEY ? bytes : Buffer.from(`!long:${createHash('sha256').update(bytes).digest('hex')}`);
}

function unavailable(path: string, reason: string, cause: unknown): GranaryError {
  return new GranaryError('STORE_UNAVAILABLE', `The embedded online store at ${path} can't be used: ${reason}`, {
    todo: 'Give the path of a directory that this process can write to, on a local disk with free space. If its files are damaged, remove the directory and materialise again.',
    details: { kind: 'lmdb', path },
    ...(cause === undefined ? {} : { cause }),
  });
}
