import { hash } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { STATE_SUFFIX, carriedAs, compileDataset } from '@granary/compiler';
import { GranaryError, resolveService, type JobOptions, type Snapshot } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import { throwIfCancelled } from '../cancelled.js';
import { currentHorizon, withEvents, withInputs, type Horizon } from '../events/with-events.js';
import { findService } from '../named.js';
import { explainOverflow } from '../overflow.js';
import { withinMemory } from '../within-memory.js';
import { findDataset, getDataset, registerDataset, type DatasetRecord } from './dataset-registry.js';
import { guessChunks, withChunkedDataset } from './in-chunks.js';
import { openSpine, sha256, type SpineSource } from './spine.js';

export interface DatasetFiles extends JobOptions {
  /** Where the Parquet file goes. */
  readonly path: string;
  /** Keeps every training set, as `<id>.parquet`; they are removed by hand. */
  readonly folder: string;
  /** Bytes that a statement may use. What needs more goes on in temporary files, and then in chunks. Default: the store's own limit. */
  readonly maxMemoryBytes?: number | undefined;
}

export interface DatasetOptions extends DatasetFiles {
  readonly spine: SpineSource;
}

export interface DatasetReport extends Omit<DatasetRecord, 'horizon' | 'spine'> {
  readonly path: string;
  /** False: it had been written before, and its bytes were still there. */
  readonly computed: boolean;
  /** Whether what was computed anew has the bytes of the first time; null: it was not, or there was no first time. */
  readonly sameBytes: boolean | null;
}

/**
 * Writes a point-in-time training set: a row for each of the spine, in its order, with what the spine carries, the
 * service's features as of the row's own instant, and each feature's state in `<feature>__state`. Nothing is computed where
 * the same was asked before and nothing has arrived since.
 * Throws UNKNOWN_SERVICE, what `openSpine` throws, INVALID_VALUE for a row of the spine, CANCELLED.
 */
export async function writeDataset(store: OfflineStore, snapshot: Snapshot, service: string, options: DatasetOptions): Promise<DatasetReport> {
  return answer(store, snapshot, { service, spine: options.spine, horizon: null, corrects: null }, options);
}

/**
 * Writes a training set of before again, with the same bytes whatever has arrived since; where its file is gone it is
 * computed anew, from what had arrived then. Throws UNKNOWN_DATASET, INVALID_VALUE where its spine has changed.
 */
export async function rewriteDataset(store: OfflineStore, snapshotOf: (id: string) => Promise<Snapshot>, id: string, options: DatasetFiles): Promise<DatasetReport> {
  const record = await getDataset(store, id);
  const kept = await takeKept(record, options);
  return kept ?? answer(store, await snapshotOf(record.snapshot), { ...record, expected: record.id }, options);
}

/** Asks what a training set of before asked, of all that has arrived by now. Throws UNKNOWN_DATASET. */
export async function correctDataset(store: OfflineStore, snapshotOf: (id: string) => Promise<Snapshot>, id: string, options: DatasetFiles): Promise<DatasetReport> {
  const record = await getDataset(store, id);
  return answer(store, await snapshotOf(record.snapshot), { service: record.service, spine: record.spine, horizon: null, corrects: id }, options);
}

interface Question {
  readonly service: string;
  readonly spine: SpineSource;
  /** Null: of now. */
  readonly horizon: Horizon | null;
  readonly corrects: string | null;
  /** The id that it must have. */
  readonly expected?: string;
}

async function answer(store: OfflineStore, snapshot: Snapshot, question: Question, options: DatasetFiles): Promise<DatasetReport> {
  const { signal, maxMemoryBytes } = options;
  throwIfCancelled(signal, `dataset ${question.service}`);
  const service = findService(snapshot, question.service);
  const resolved = resolveService(snapshot, service);
  const comment = `dataset ${service.name}`;
  const limits = { signal, maxMemoryBytes };
  const spine = await openSpine(store, snapshot, resolved, question.spine, limits);
  const sources = [...new Set([...resolved.views.map((view) => view.source), ...spine.sources])];
  const horizon = question.horizon ?? (await currentHorizon(store, snapshot, sources));
  // What can be said before the spine's own sources are computed spares computing them.
  const early = question.spine.kind === 'sql' ? null : idOf(await spine.identity({}));
  const known = early === null ? null : await takeKnown(checked(early));
  if (known !== null) return known;
  return withEvents(store, snapshot, sources, { ...options, horizon }, async (scope) => {
    const id = early ?? checked(idOf(await spine.identity(scope)));
    const same = early === null ? await takeKnown(id) : null;
    if (same !== null) return same;
    const carried = await spine.columns(scope);
    const columns = columnsOf(carried);
    options.onProgress?.({ stage: comment, done: 0, total: null, unit: 'rows' });
    const kept = keptFile(options.folder, id);
    const written = await spine.fill(scope, async (table) => {
      const asked = { table, columns: carried, events: spine.events };
      const chunked = { store, snapshot, service, spine: asked, scope, limits: { comment, ...limits }, onChunk: (done: number, total: number) => options.onProgress?.({ stage: comment, done, total, unit: 'chunks' }) };
      const write = async () =>
        withinMemory(await guessChunks(chunked), (chunks) =>
          chunks === 1
            ? store.exportParquet(compileDataset(snapshot, service, asked, scope), kept, { comment, ...limits })
            : withChunkedDataset(chunked, chunks, (select, more) => store.exportParquet(select, kept, more)),
        );
      return explainOverflow(`feature service ${service.name}`, write, { store, views: resolved.views });
    });
    options.onProgress?.({ stage: comment, done: written.rows, total: written.rows, unit: 'rows' });
    const first = await findDataset(store, id);
    const record: DatasetRecord = first ?? { id, service: service.name, snapshot: snapshot.id, spine: question.spine, horizon, corrects: question.corrects === id ? null : question.corrects, ...written, columns, sha256: await sha256(kept), createdAt: Date.now() };
    if (first === null) await registerDataset(store, record);
    const digest = first === null ? record.sha256 : await sha256(kept);
    await copyWhole(kept, options.path);
    // Only the bytes of the first time are kept under its name.
    if (digest !== record.sha256) await rm(kept);
    return { ...reportOf({ ...record, ...written, sha256: digest }, options.path), computed: true, sameBytes: first === null ? null : digest === record.sha256 };
  });

  function idOf(identity: unknown): string {
    const views = resolved.views.map(({ id, view, keys, features }) => ({ id, version: view.version, keys, features: features.map((feature) => feature.name) }));
    const asked = { format: 1, service: service.name, views, features: resolved.features, request: resolved.request, sources: withInputs(snapshot, sources), spine: identity, horizon: [...horizon].sort(([a], [b]) => (a < b ? -1 : 1)) };
    return hash('sha256', canonical(asked), 'hex').slice(0, 16);
  }

  function checked(id: string): string {
    if (question.expected === undefined || id === question.expected) return id;
    throw new GranaryError('INVALID_VALUE', `The spine of ${question.expected} is no longer what it was, and its file is gone`, { todo: 'Bring the file or the table of the spine back, or ask anew.' });
  }

  async function takeKnown(id: string): Promise<DatasetReport | null> {
    const record = await findDataset(store, id);
    return record === null ? null : takeKept(record, options);
  }

  function columnsOf(carried: readonly string[]): readonly string[] {
    const columns = [...carried.map((name) => carriedAs(service, name)), ...resolved.features.flatMap(({ name }) => [name, `${name}${STATE_SUFFIX}`])];
    const twice = columns.find((name, i) => columns.indexOf(name) !== i);
    if (twice === undefined) return columns;
    throw new GranaryError('INVALID_VALUE', `The training set would have two columns ${twice}`, { todo: 'Rename or leave out that column of the spine.' });
  }
}

/** Copies what is kept of a training set, if its bytes are those of the first time. */
async function takeKept(record: DatasetRecord, { folder, path }: DatasetFiles): Promise<DatasetReport | null> {
  const kept = keptFile(folder, record.id);
  if (!existsSync(kept) || (await sha256(kept)) !== record.sha256) return null;
  await copyWhole(kept, path);
  return { ...reportOf(record, path), computed: false, sameBytes: null };
}

function keptFile(folder: string, id: string): string {
  return join(folder, `${id}.parquet`);
}

function reportOf({ horizon: _, spine: __, ...record }: DatasetRecord, path: string): Omit<DatasetReport, 'computed' | 'sameBytes'> {
  return { ...record, path };
}

/** A file by the target's name is whole, whatever happens in between. */
async function copyWhole(from: string, to: string): Promise<void> {
  const target = resolve(to);
  await mkdir(dirname(target), { recursive: true });
  const part = `${target}.${process.pid}.part`;
  try {
    await copyFile(from, part, constants.COPYFILE_FICLONE);
    await rename(part, target);
  } finally {
    await rm(part, { force: true });
  }
}

/** JSON with sorted keys, without where things are declared. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (key, each: unknown) => {
    if (key === 'site' || key === 'file') return undefined;
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return each;
    return Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
