import { readFile, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { GranaryError, type Instant, type Snapshot } from '@granary/contracts';
import { z } from 'zod';
import { freeze } from '../freeze.js';
import { parseSnapshot } from '../version/snapshot.js';
import { createExclusively, isErrno, unavailable } from './files.js';

const historyEntrySchema = z.object({
  /** From 1, without gaps. */
  number: z.number().int().positive(),
  snapshotId: z.string().regex(/^[0-9a-f]{64}$/),
  /** Epoch milliseconds. */
  appliedAt: z.number().int(),
  /** The snapshot that was head before; null for the first. */
  previous: z.string().nullable(),
  message: z.string().optional(),
});
export type HistoryEntry = Readonly<z.infer<typeof historyEntrySchema>>;

export interface ApplyOptions {
  /** Why, for the history. */
  readonly message?: string;
}

/** `unchanged`: the snapshot was head already, and nothing was written. */
export interface ApplyResult {
  readonly outcome: 'applied' | 'unchanged';
  readonly entry: HistoryEntry;
}

export interface Registry {
  readonly dir: string;
  /** The newest entry; null for an empty registry. */
  head(): Promise<HistoryEntry | null>;
  /** Oldest first. */
  history(): Promise<readonly HistoryEntry[]>;
  /** By id or by a prefix of at least 4 digits, among all that were ever applied. Throws SNAPSHOT_NOT_FOUND. */
  snapshot(idOrPrefix: string): Promise<Snapshot>;
  /**
   * Makes a snapshot the head, if the head is still `expectedHead` (a snapshot's id; null: the registry is empty).
   * Throws REGISTRY_CONFLICT when another apply came first: of concurrent applies exactly one wins.
   */
  apply(snapshot: Snapshot, expectedHead: string | null, options?: ApplyOptions): Promise<ApplyResult>;
}

export interface RegistryOptions {
  /** Default: the system's clock. */
  readonly clock?: () => Instant;
}

const ENTRY = /^(\d{6,})\.json$/;
const PREFIX = /^[0-9a-f]{4,64}$/;

/**
 * A registry in plain files: `snapshots/<id>.json` never change, `history/000001.json …` say which was applied when.
 * Every method reads the folder anew, so processes may share it. Throws ARTIFACT_CORRUPT for files that were edited.
 */
export function openRegistry(dir: string, { clock = Date.now }: RegistryOptions = {}): Registry {
  const root = resolve(dir);
  const historyDir = join(root, 'history');
  const temporary = join(root, 'tmp');
  return { dir: root, head, history, snapshot, apply };

  async function head(): Promise<HistoryEntry | null> {
    const numbers = await entryNumbers();
    return numbers.length === 0 ? null : readEntry(numbers.length);
  }

  async function history(): Promise<readonly HistoryEntry[]> {
    const entries: HistoryEntry[] = [];
    for (const number of await entryNumbers()) {
      const entry = await readEntry(number);
      const before = entries.at(-1)?.snapshotId ?? null;
      if (entry.previous !== before) throw corrupt(entryPath(number), `it follows ${entry.previous ?? 'nothing'}, the entry before is ${before ?? 'none'}`);
      entries.push(entry);
    }
    return entries;
  }

  async function snapshot(idOrPrefix: string): Promise<Snapshot> {
    const ids = new Set((await history()).map((entry) => entry.snapshotId));
    const found = PREFIX.test(idOrPrefix) ? [...ids].filter((id) => id.startsWith(idOrPrefix)) : [];
    if (found.length !== 1) {
      throw new GranaryError('SNAPSHOT_NOT_FOUND', found.length === 0 ? `no snapshot ${idOrPrefix} was ever applied` : `${found.length} snapshots begin with ${idOrPrefix}`, {
        todo: found.length === 0 ? 'Give an id from the history, or at least its first 4 digits.' : 'Give more digits.',
        details: { idOrPrefix, candidates: found },
      });
    }
    return readSnapshot(found[0]!);
  }

  async function apply(next: Snapshot, expectedHead: string | null, { message }: ApplyOptions = {}): Promise<ApplyResult> {
    parseSnapshot(next);
    const current = await head();
    if (current?.snapshotId === next.id) return { outcome: 'unchanged', entry: current };
    if ((current?.snapshotId ?? null) !== expectedHead) throw conflict(expectedHead, current);
    // The snapshot first: killed in between, it lies there unused, and no history entry ever names a missing one.
    if (!(await createExclusively(snapshotPath(next.id), `${JSON.stringify(next, null, 2)}\n`, temporary))) await readSnapshot(next.id);
    const number = (current?.number ?? 0) + 1;
    const entry: HistoryEntry = freeze({ number, snapshotId: next.id, appliedAt: clock(), previous: expectedHead, ...(message === undefined ? {} : { message }) });
    if (!(await createExclusively(entryPath(number), `${JSON.stringify(entry, null, 2)}\n`, temporary))) throw conflict(expectedHead, await head());
    return { outcome: 'applied', entry };
  }

  async function entryNumbers(): Promise<readonly number[]> {
    const names = await readdir(historyDir).catch((error: unknown) => {
      if (isErrno(error, 'ENOENT')) return [];
      throw unavailable(historyDir, error);
    });
    const numbers = names.flatMap((name) => ENTRY.exec(name)?.[1] ?? []).map(Number).sort((a, b) => a - b);
    const gap = numbers.findIndex((number, i) => number !== i + 1);
    if (gap >= 0) throw corrupt(entryPath(gap + 1), 'it is missing');
    return numbers;
  }

  async function readEntry(number: number): Promise<HistoryEntry> {
    const path = entryPath(number);
    const parsed = historyEntrySchema.safeParse(await readJson(path));
    if (!parsed.success) throw corrupt(path, `${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`);
    if (parsed.data.number !== number) throw corrupt(path, `it calls itself number ${parsed.data.number}`);
    return freeze(parsed.data as HistoryEntry);
  }

  async function readSnapshot(id: string): Promise<Snapshot> {
    const path = snapshotPath(id);
    const read = parseSnapshot(await readJson(path), path);
    if (read.id !== id) throw corrupt(path, `it holds ${read.id}`);
    return read;
  }

  function snapshotPath(id: string): string {
    return join(root, 'snapshots', `${id}.json`);
  }

  function entryPath(number: number): string {
    return join(historyDir, `${String(number).padStart(6, '0')}.json`);
  }
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) throw corrupt(path, 'it is missing');
    throw unavailable(path, error);
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw corrupt(path, 'it is not JSON', cause);
  }
}

function corrupt(path: string, why: string, cause?: unknown): GranaryError {
  return new GranaryError('ARTIFACT_CORRUPT', `${path} can't be trusted: ${why}`, {
    todo: 'Restore the registry folder from a copy; its files must not be edited.',
    details: { path },
    ...(cause === undefined ? {} : { cause }),
  });
}

function conflict(expected: string | null, current: HistoryEntry | null): GranaryError {
  const actual = current?.snapshotId ?? null;
  return new GranaryError('REGISTRY_CONFLICT', `the plan was made against ${short(expected)}, and the head is now ${short(actual)}`, {
    todo: 'Plan again, look at the changes, and apply.',
    details: { expected, actual, number: current?.number ?? 0 },
  });
}

function short(id: string | null): string {
  return id === null ? 'an empty registry' : id.slice(0, 12);
}
