import { viewParts } from '@granary/aggregates';
import { BACKFILL, backfillTable, eventsTable, identifier, type Instant, type JobOptions, type Snapshot, type Statement, type Value, type VersionedView } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import { createRowCodec, rowKeys, viewRowSchema, type OnlineStore, type PackedRow, type ViewWatermark } from '@granary/online-store';
import { backfill, lastBackfill, lastSequence, selectViews } from '../backfill/backfill.js';
import { fromInstant, instantParams, type InstantRows } from '../backfill/feature-table.js';
import { throwIfCancelled } from '../cancelled.js';
import { checkpointsOf, refuseFuture, refuseOlder, type Unfinished } from './checkpoints.js';
import { partsOfView, type ViewParts } from '../view-parts.js';

export interface MaterialiseOptions extends JobOptions {
  /** The values to put online are as of this instant. */
  readonly at: Instant;
  /** What time it is; no later instant is materialised. Default: the clock. */
  readonly now?: () => Instant;
  /** The first part of every online key: several projects may share a store. */
  readonly project: string;
  /** Names of views; default: all of the snapshot. */
  readonly views?: readonly string[] | undefined;
  /**
   * A view whose last run was stopped at an earlier instant is first put online as of then, from where that run was, and
   * then as of `at`: two results. Not where events have arrived since, for then nothing of that run counts. Default false.
   */
  readonly takeUp?: boolean;
  /** Rows between two checkpoints. Default 20,000. */
  readonly chunkRows?: number;
}

export interface MaterialiseResult {
  readonly view: string;
  readonly version: string;
  readonly asOf: Instant;
  /** Rows of the view as of then. */
  readonly rows: number;
  /** Rows that changed since the last materialisation and were written now. */
  readonly written: number;
  /** Rows of entities that no longer have one. */
  readonly deleted: number;
  /** True: went on where an interrupted run had stopped. */
  readonly resumed: boolean;
}

/**
 * Puts the values of views as of an instant into the online store, backfilling them first where that has not been done.
 *
 * Incremental: only rows that differ from the last materialisation are written. Restartable: work is cut into chunks by
 * the hash of the key, and each finished chunk is noted beside the rows. Idempotent: a row carries (as-of, as-of, events
 * it was computed from) as its write order, so a replay changes nothing and an older run can't undo a newer one.
 * Of two runs at once the one of the later instant stays; the other ends with INVALID_USAGE.
 * Throws INVALID_USAGE for an instant older than what is online or on its way there, or one that has not come yet, DEFINITION_NOT_FOUND, CANCELLED.
 */
export async function materialise(offline: OfflineStore, online: OnlineStore, snapshot: Snapshot, options: MaterialiseOptions): Promise<MaterialiseResult[]> {
  const { now = Date.now } = options;
  refuseFuture(options.at, now());
  const results: MaterialiseResult[] = [];
  for (const view of selectViews(snapshot, options.views)) {
    throwIfCancelled(options.signal, `materialise ${view.name}`);
    const parts = partsOfView(snapshot, view);
    const stopped = options.takeUp === true ? await stoppedBefore(offline, online, snapshot, view, options) : null;
    for (const at of [...(stopped === null ? [] : [stopped]), options.at]) {
      results.push(await materialiseView(offline, online, snapshot, parts, { ...options, at }));
    }
  }
  return results;
}

/** The earlier instant of a run that was stopped and can be gone on with; null: there is none. */
async function stoppedBefore(offline: OfflineStore, online: OnlineStore, snapshot: Snapshot, view: VersionedView, { at, project }: MaterialiseOptions): Promise<Instant | null> {
  const unfinished = (await checkpointsOf(online, project, view).read())?.unfinished ?? null;
  if (unfinished === null || unfinished.asOf >= at) return null;
  return (await lastSequence(offline, snapshot, view)) === unfinished.sequence ? unfinished.asOf : null;
}

async function materialiseView(offline: OfflineStore, online: OnlineStore, snapshot: Snapshot, parts: ViewParts, options: MaterialiseOptions): Promise<MaterialiseResult> {
  const { view } = parts;
  const { at, project, chunkRows = 20_000, signal, onProgress } = options;
  const checkpoints = checkpointsOf(online, project, view);
  const before = await checkpoints.read();
  refuseOlder(view.name, before, at);
  const [run] = await backfill(offline, snapshot, { instants: [at], views: [view.name], signal });
  const { sequence, rows } = run!;
  const now: InstantRows = run!;
  const unfinished = before?.unfinished ?? null;
  const resumed = unfinished?.asOf === at && unfinished.sequence === sequence;
  // Where a run stopped that this one does not go on with, rows of two instants are mixed: nothing to compare with.
  let base = unfinished === null || (resumed && !unfinished.full) ? await comparable(offline, snapshot, view, before) : null;
  const chunks = resumed ? unfinished.chunks : Math.max(1, Math.ceil(rows / chunkRows));
  const target: Target = { offline, online, parts, sequence, now, keyOf: rowKeys(project, parts.entity, view.name, view.version), options };
  let mine: Unfinished = { asOf: at, sequence, chunks, written: resumed ? unfinished.written : 0, full: base === null };
  // Whether rows of another instant may be online.
  let mixed = before !== null;
  let [written, deleted] = [0, 0];

  await checkpoints.note(before, mine);
  while (mine.written < chunks) {
    const chunk = mine.written;
    onProgress?.({ stage: `materialise ${view.name}`, done: Math.round((rows * chunk) / chunks), total: rows, unit: 'rows' });
    written += await writeChanged(target, base, chunk, chunks);
    if (base !== null) deleted += await deleteGone(target, goneRows(parts, now, base, chunk, chunks));
    throwIfCancelled(signal, `materialise ${view.name}`);
    if (await checkpoints.isAlone(mine)) {
      mine = { ...mine, written: chunk + 1 };
    } else {
      mine = { ...mine, written: 0, full: true };
      [base, mixed] = [null, true];
    }
    await checkpoints.note(before, mine);
  }
  if (base === null && mixed) deleted += await deleteGone(target, unseenRows(parts, now));
  await checkpoints.finish({ asOf: at, sequence, rows });
  onProgress?.({ stage: `materialise ${view.name}`, done: rows, total: rows, unit: 'rows' });
  return { view: view.name, version: view.version, asOf: at, rows, written, deleted, resumed };
}

interface Target {
  readonly offline: OfflineStore;
  readonly online: OnlineStore;
  readonly parts: ViewParts;
  readonly sequence: number;
  /** The rows to put online. */
  readonly now: InstantRows;
  readonly keyOf: (key: readonly Value[]) => string;
  readonly options: MaterialiseOptions;
}

async function writeChanged({ offline, online, parts, sequence, now, keyOf, options }: Target, base: InstantRows | null, chunk: number, chunks: number): Promise<number> {
  const { view, entity } = parts;
  const { at, signal } = options;
  const codec = createRowCodec(viewRowSchema(view));
  const order = { eventTime: at, knownAt: at, sequence };
  const columns = [BACKFILL.eventTime, ...viewParts(view).map((part) => part.name)];
  // Without it a row with a null in it equals no other, not even itself.
  const settings = { transform_null_in: 1 };
  let written = 0;
  for await (const batch of offline.stream(changedRows(parts, now, base, chunk, chunks), { comment: `materialise ${view.name}`, signal, settings })) {
    const packed: PackedRow[] = batch.map((row) => ({
      key: keyOf(entity.keys.map((key) => row[key.name] as Value)),
      value: codec.encode({ order, values: columns.map((column) => row[column] as Value | null) }),
    }));
    written += (await online.write(packed)).written;
  }
  return written;
}

async function deleteGone({ offline, online, parts, keyOf, options }: Target, gone: Statement): Promise<number> {
  let deleted = 0;
  for await (const batch of offline.stream(gone, { comment: `materialise ${parts.view.name}`, signal: options.signal })) {
    deleted += await online.delete(batch.map((row) => keyOf(parts.entity.keys.map((key) => row[key.name] as Value))));
  }
  return deleted;
}

/**
 * The instant whose backfilled rows are exactly those online: changes are found against it. Null: everything is written,
 * because nothing is online or its backfill was computed anew since.
 */
async function comparable(offline: OfflineStore, snapshot: Snapshot, view: VersionedView, online: ViewWatermark | null): Promise<InstantRows | null> {
  if (online?.asOf == null) return null;
  const run = await lastBackfill(offline, snapshot, view, online.asOf);
  return run !== null && run.sequence === online.sequence ? run : null;
}

function changedRows({ view, entity }: ViewParts, now: InstantRows, base: InstantRows | null, chunk: number, chunks: number): Statement {
  const columns = [...entity.keys.map((key) => key.name), BACKFILL.eventTime, ...viewParts(view).map((part) => part.name)].map(identifier);
  const unchanged = base === null ? '' : `\n  AND (${columns.join(', ')}) NOT IN (SELECT ${columns.join(', ')} ${fromInstant(view, 'base')} AND ${inChunk(entity.keys)})`;
  return {
    sql: `SELECT ${columns.join(', ')} ${fromInstant(view, 'now')} AND ${inChunk(entity.keys)}${unchanged}`,
    params: { ...instantParams('now', now), chunk, chunks, ...(base === null ? {} : instantParams('base', base)) },
  };
}

function goneRows({ view, entity }: ViewParts, now: InstantRows, base: InstantRows, chunk: number, chunks: number): Statement {
  const keys = entity.keys.map((key) => identifier(key.name)).join(', ');
  return {
    sql: `SELECT ${keys} ${fromInstant(view, 'base')} AND ${inChunk(entity.keys)}
  AND (${keys}) NOT IN (SELECT ${keys} ${fromInstant(view, 'now')} AND ${inChunk(entity.keys)})`,
    params: { ...instantParams('now', now), ...instantParams('base', base), chunk, chunks },
  };
}

/**
 * Entities without a row as of then, among all that ever had an event (or a row, where events are computed and may be gone):
 * any of them may be online from a time that is not known exactly.
 */
function unseenRows({ view, entity, source }: ViewParts, now: InstantRows): Statement {
  const keys = entity.keys.map((key) => identifier(key.name));
  const [table, fields] = source.computed === undefined ? [eventsTable(source), view.keyFields] : [backfillTable(view), entity.keys.map((key) => key.name)];
  const columns = fields.map((field) => `e.${identifier(field)}`);
  return {
    sql: `SELECT DISTINCT ${columns.map((column, i) => `${column} AS ${keys[i]}`).join(', ')} FROM ${identifier(table)} AS e
WHERE (${columns.join(', ')}) NOT IN (SELECT ${keys.join(', ')} ${fromInstant(view, 'now')})`,
    params: instantParams('now', now),
  };
}

function inChunk(keys: ViewParts['entity']['keys']): string {
  return `cityHash64(${keys.map((key) => identifier(key.name)).join(', ')}) % {chunks:UInt64} = {chunk:UInt64}`;
}
