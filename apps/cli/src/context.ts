import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GranaryError, isGranaryError, type Snapshot } from '@granary/contracts';
import type { ArtifactStore } from '@granary/models';
import type { OfflineStore } from '@granary/offline-store';
import type { OnlineStore } from '@granary/online-store';
import type { Registry } from '@granary/registry';
import { DEFAULTS, type Environment } from './environment.js';
import type { ProgressReporter } from './terminal/progress.js';
import type { Style } from './terminal/style.js';

/** How a verb speaks while it works; its answer is what it returns. */
export interface Voice {
  /** For stdout. */
  readonly style: Style;
  /** What people should know beside the answer: a line to stderr. */
  readonly note: (text: string) => void;
  /** A line of the answer that can't wait for its end; nothing with `--json`. */
  readonly say: (text: string) => void;
  readonly progress: ProgressReporter;
}

/** What a verb works with. Everything is opened at its first use and closed when the verb ends. */
export interface Context {
  readonly environment: Environment;
  readonly voice: Voice;
  readonly signal: AbortSignal;
  /** Opening needs no chDB, no TF.js, no network. */
  readonly registry: () => Promise<Registry>;
  /** The head of the registry. Throws REGISTRY_EMPTY, and SCHEMA_MISMATCH where it means something else to this release. */
  readonly snapshot: () => Promise<Snapshot>;
  readonly offline: () => Promise<OfflineStore>;
  readonly online: () => Promise<OnlineStore>;
  readonly artifacts: () => Promise<ArtifactStore>;
  /** Runs when the verb ends, the last first. */
  readonly onClose: (close: () => Promise<void>) => void;
}

export interface OpenContext extends Context {
  readonly close: () => Promise<void>;
}

export function createContext(environment: Environment, voice: Voice, signal: AbortSignal): OpenContext {
  const closers: (() => Promise<void>)[] = [];
  const registry = once(async () => (await import('@granary/registry')).openRegistry(environment.registry));
  return {
    environment,
    voice,
    signal,
    registry,
    snapshot: once(async () => headSnapshot(await registry())),
    offline: once(async () => {
      const store = await openOffline(environment);
      closers.push(() => store.close());
      return store;
    }),
    online: once(async () => {
      const { openOnlineStore } = await import('@granary/online-store');
      await assertServed(environment);
      const store = await openOnlineStore(environment.online);
      closers.push(() => store.close());
      for (const hazard of await store.hazards()) voice.note(hazard);
      return store;
    }),
    artifacts: once(async () => {
      const { ArtifactStore } = await import('@granary/models');
      await mkdir(environment.artifacts, { recursive: true });
      return new ArtifactStore(environment.artifacts);
    }),
    onClose: (close) => void closers.push(close),
    async close() {
      for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
    },
  };
}

async function headSnapshot(registry: Registry): Promise<Snapshot> {
  const head = await registry.head();
  if (head === null) {
    throw new GranaryError('REGISTRY_EMPTY', `nothing has been applied to ${registry.dir} yet`, {
      todo: 'Run granary plan, then granary apply.',
      details: { registry: registry.dir },
    });
  }
  return currentSnapshot(registry, head.snapshotId);
}

/** A snapshot to compute or read by. Throws SNAPSHOT_NOT_FOUND, SCHEMA_MISMATCH. */
export async function currentSnapshot(registry: Registry, id: string): Promise<Snapshot> {
  const { requireCurrent } = await import('@granary/registry');
  return requireCurrent(await registry.snapshot(id));
}

async function openOffline(environment: Environment): Promise<OfflineStore> {
  const { OfflineStore } = await import('@granary/offline-store');
  try {
    return await OfflineStore.open(environment.offline);
  } catch (error) {
    if (!isGranaryError(error, 'STORE_LOCKED')) throw error;
    const url = (await readEndpoints(environment.home))?.clickhouse ?? `http://127.0.0.1:${DEFAULTS.clickhousePort}`;
    throw new GranaryError('STORE_LOCKED', error.message, {
      todo: `Stop that process; or, when it is granary up, go through it: --clickhouse-url ${url}`,
      details: { ...error.details, clickhouseUrl: url },
      cause: error,
    });
  }
}

/** Where a running `granary up` listens; left in its home while it runs, so that other commands can name it. */
export interface Endpoints {
  readonly pid: number;
  readonly clickhouse: string | null;
  /** Where the rows are that it serves: `onlinePlace`. */
  readonly online: string;
  readonly serving: string;
}

const EMBEDDED = 'the home';

/** Without its password. */
export async function onlinePlace({ online }: Environment): Promise<string> {
  return online.kind === 'lmdb' ? EMBEDDED : (await import('@granary/online-store')).publicAddress(online.url);
}

/** A command that wrote to other rows than those served would say that it did what nobody sees. Throws CONFIG_INVALID. */
async function assertServed(environment: Environment): Promise<void> {
  const up = await readEndpoints(environment.home);
  const own = await onlinePlace(environment);
  if (up === null || up.pid === process.pid || up.online === own || !isRunning(up.pid)) return;
  throw new GranaryError('CONFIG_INVALID', `process ${up.pid}, which runs for ${environment.home}, serves rows in ${up.online}, and this command is for those in ${own}`, {
    todo: up.online === EMBEDDED ? 'Leave out --redis-url and GRANARY_REDIS_URL, or stop that process first.' : `Add --redis-url ${up.online}, with its password if it has one, or stop that process first.`,
    details: { served: up.online, given: own },
  });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function endpointsFile(home: string): string {
  return join(home, 'up.json');
}

export async function readEndpoints(home: string): Promise<Endpoints | null> {
  try {
    return JSON.parse(await readFile(endpointsFile(home), 'utf8')) as Endpoints;
  } catch {
    // Absent, or half-written by a process that was killed: it is a hint only.
    return null;
  }
}

export async function writeEndpoints(home: string, endpoints: Endpoints | null): Promise<void> {
  if (endpoints === null) await rm(endpointsFile(home), { force: true });
  else await writeFile(endpointsFile(home), `${JSON.stringify(endpoints)}\n`);
}

function once<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined;
  return () => (opened ??= open());
}
