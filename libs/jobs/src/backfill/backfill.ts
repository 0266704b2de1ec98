import {
  GranaryError,
  formatInstant,
  type Instant,
  type JobOptions,
  type Snapshot,
  type VersionedView,
  storedSources,
} from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import { throwIfCancelled } from '../cancelled.js';
import { currentHorizon, withEvents } from '../events/with-events.js';
import { sideBySide } from '../side-by-side.js';
import { partsOfView } from '../view-parts.js';
import { prepareTable } from './feature-table.js';
import { notesOf, sequenceOf, type Horizon, type Notes } from './notes.js';
import { runView, type ViewRun } from './run-view.js';

export interface BackfillOptions extends JobOptions {
  /** The instants to compute values as of, each on its own. */
  readonly instants: readonly Instant[];
  /** Names of views; default: all of the snapshot. */
  readonly views?: readonly string[] | undefined;
  /** Bytes that the statements at work together may use. Default 4 GiB. */
  readonly maxMemoryBytes?: number | undefined;
  /** Statements at work at the same time. Default 2. */
  readonly concurrency?: number | undefined;
  /** Events whose values one statement computes; default: as many as its memory is likely to hold. */
  readonly chunkRows?: number | undefined;
}

/** One view as of one instant. */
export interface BackfillRun {
  readonly view: string;
  readonly version: string;
  readonly asOf: Instant;
  /** How many events of the source it was computed from: a greater number means events have arrived since. */
  readonly sequence: number;
  /** Of the table's rows as of then those of a smaller sequence don't count: see `fromInstant`. */
  readonly floor: number;
  /** How many entities have a row. */
  readonly rows: number;
}

export interface BackfillResult extends BackfillRun {
  /** How many rows this run computed: all, or those that events touched which had arrived since the last run. */
  readonly recomputed: number;
  /** False: nothing had arrived that changes this instant, so there was nothing to do. */
  readonly computed: boolean;
}

/**
 * Computes the values of views as of instants into their tables. Incremental by arrival: of an instant that was computed
 * before only those entities are computed again that events touch which have arrived since, late ones and corrections
 * among them. Cut into chunks by the hash of the key, so that memory is bounded; each finished one is noted, and a run that
 * was stopped or killed is gone on with. All statements read the events that had arrived when the run began, so more may come
 * meanwhile. Throws DEFINITION_NOT_FOUND for a view that is not in the snapshot, CANCELLED.
 */
export async function backfill(store: OfflineStore, snapshot: Snapshot, options: BackfillOptions): Promise<BackfillResult[]> {
  const views = selectViews(snapshot, options.views);
  throwIfCancelled(options.signal, 'backfill');
  const horizon = await currentHorizon(store, snapshot, views.map((view) => partsOfView(snapshot, view).source));
  const { concurrency = 2, maxMemoryBytes = 4 * 1024 ** 3, signal } = options;
  // Views side by side leave their chunks fewer statements, and all together stay within the memory.
  const atOnce = Math.max(1, Math.min(concurrency, views.length));
  const share: Share = { concurrency: Math.floor(concurrency / atOnce), maxMemoryBytes: Math.floor(maxMemoryBytes / concurrency) };
  const results = new Map<VersionedView, readonly BackfillResult[]>();
  await sideBySide(views, { concurrency: atOnce, signal, what: 'backfill' }, async (view) => {
    results.set(view, await backfillView(store, snapshot, view, horizon, share, options));
  });
  return views.flatMap((view) => results.get(view)!);
}

/** The run that a view's rows of an instant come from; null: none, or one that did not finish. */
export async function lastBackfill(store: OfflineStore, snapshot: Snapshot, view: VersionedView, asOf: Instant): Promise<BackfillRun | null> {
  const found = (await viewNotes(store, snapshot, view).read([asOf])).get(asOf)!;
  if (found.finished === null || found.begun !== null) return null;
  const { sequence, floor, rows } = found.finished;
  return { view: view.name, version: view.version, asOf, sequence, floor, rows };
}

/** Of what a backfill may use, what a view may. */
interface Share {
  /** Statements at work at the same time. */
  readonly concurrency: number;
  /** Of one statement. */
  readonly maxMemoryBytes: number;
}

async function backfillView(store: OfflineStore, snapshot: Snapshot, view: VersionedView, arrived: Horizon, { concurrency, maxMemoryBytes }: Share, options: BackfillOptions): Promise<BackfillResult[]> {
  const { signal, onProgress } = options;
  const stage = `backfill ${view.name}`;
  throwIfCancelled(signal, stage);
  const parts = partsOfView(snapshot, view);
  const notes = viewNotes(store, snapshot, view);
  const horizon: Horizon = new Map(storedSources(snapshot, parts.source).map(({ name }) => [name, arrived.get(name)!]));
  if (await prepareTable(store, parts)) await notes.forget();
  const instants = [...new Set(options.instants)].sort((a, b) => a - b);
  const run: ViewRun = {
    store,
    parts,
    notes,
    horizon,
    signal,
    maxMemoryBytes,
    concurrency,
    chunkRows: options.chunkRows ?? Math.floor(maxMemoryBytes / bytesPerEvent(view)),
    // The tables of stored sources have been seen to when the horizon was read.
    withEvents: (until, use) => (parts.source.computed === undefined ? use({ horizon: until }) : withEvents(store, snapshot, [parts.source], { horizon: until, signal, onProgress }, use)),
    onChunk: (done, total) => onProgress?.({ stage: instants.length === 1 ? `${stage} ${formatInstant(instants[0]!)}` : stage, done, total, unit: 'chunks' }),
  };
  const recomputed = await runView(run, instants);
  const now = await notes.read(instants);
  return options.instants.map((asOf) => {
    const { sequence, floor, rows } = now.get(asOf)!.finished!;
    return { view: view.name, version: view.version, asOf, sequence, floor, rows, recomputed: recomputed.get(asOf) ?? 0, computed: recomputed.has(asOf) };
  });
}

/** A generous guess of what one event may need in a hash table or a sort: its columns, and a share of each feature's state. */
function bytesPerEvent({ features, keyFields }: VersionedView): number {
  return 128 + 32 * (keyFields.length + features.length);
}

function viewNotes(store: OfflineStore, snapshot: Snapshot, view: VersionedView): Notes {
  const { source } = partsOfView(snapshot, view);
  return notesOf(store, view, storedSources(snapshot, source).map(({ name }) => name));
}

/** How many events have arrived that a view is computed from. */
export async function lastSequence(store: OfflineStore, snapshot: Snapshot, view: VersionedView): Promise<number> {
  return sequenceOf(await currentHorizon(store, snapshot, [partsOfView(snapshot, view).source]));
}

export function selectViews(snapshot: Snapshot, names: readonly string[] | undefined): readonly VersionedView[] {
  if (names === undefined) return snapshot.views;
  return names.map((name) => {
    const view = snapshot.views.find((each) => each.name === name);
    if (view !== undefined) return view;
    throw new GranaryError('DEFINITION_NOT_FOUND', `There is no feature view ${name}`, {
      todo: `Name one of ${snapshot.views.map((each) => each.name).join(', ')}.`,
    });
  });
}
