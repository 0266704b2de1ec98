import { viewParts } from '@granary/aggregates';
import { BACKFILL, GranaryError, backfillTable, formatInstant, identifier, type Instant, type JobOptions, type Snapshot, type Statement, type Value } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import { createRowCodec, rowKeys, viewRowSchema, watermarkName, type OnlineStore, type PackedRow, type ViewWatermark } from '@granary/online-store';
import { backfill, lastBackfill, selectViews } from '../backfill/backfill.js';
import { partsOfView, type ViewParts } from '../view-parts.js';

export interface MaterialiseOptions extends JobOptions {
  /** The values to put online are as of this instant. */
  readonly at: Instant;
  /** The first part of every online key: several projects may share a store. */
  readonly project: string;
  /** Names of views; default: all of the snapshot. */
  readonly views?: readonly string[] | undefined;
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
 * Throws INVALID_USAGE for an instant older than what is online.
 */
export async function materialise(offline: OfflineStore, online: OnlineStore, snapshot: Snapshot, options: MaterialiseOptions): Promise<MaterialiseResult[]> {
  const results: MaterialiseResult[] = [];
  for (const view of selectViews(snapshot, options.views)) {
    options.signal?.throwIfAborted();
    results.push(await materialiseView(offline, online, snapshot, partsOfView(snapshot, view), options));
  }
  return results;
}

async function materialiseView(offline: OfflineStore, online: OnlineStore, snapshot: Snapshot, parts: ViewParts, options: MaterialiseOptions): Promise<MaterialiseResult> {
  const { view } = parts;
  const { at, project, chunkRows = 20_000, signal, onProgress } = options;
  const name = watermarkName(project, view);
  const before = (await online.readMeta(name)) as ViewWatermark | null;
  if (before?.asOf != null && at < before.asOf) {
    throw new GranaryError('INVALID_USAGE', `${view.name} is online as of ${formatInstant(before.asOf)}, later than ${formatInstant(at)}`, {
      todo: 'Give a later instant. Values of the past are read offline: granary dataset, or the backfilled tables.',
    });
  }
  const [run] = await backfill(offline, snapshot, { instants: [at], views: [view.name], signal });
  const { sequence, rows } = run!;
  const base = await comparable(offline, parts, before);
  const unfinished = before?.unfinished;
  const resumed = unfinished?.asOf === at && unfinished.sequence === sequence;
  const chunks = resumed ? unfinished.chunks : Math.max(1, Math.ceil(rows / chunkRows));
  const codec = createRowCodec(viewRowSchema(view));
  const keyOf = rowKeys(project, parts.entity, view.name, view.version);
  const order = { eventTime: at, knownAt: at, sequence };
  const columns = [BACKFILL.eventTime, ...viewParts(view).map((part) => part.name)];
  let [written, deleted] = [0, 0];

  for (let chunk = resumed ? unfinished.written : 0; chunk < chunks; chunk++) {
    onProgress?.({ stage: `materialise ${view.name}`, done: Math.round((rows * chunk) / chunks), total: rows, unit: 'rows' });
    for await (const batch of offline.stream(changedRows(parts, at, base, chunk, chunks), { comment: `materialise ${view.name}`, signal })) {
      const packed: PackedRow[] = batch.map((row) => ({
        key: keyOf(parts.entity.keys.map((key) => row[key.name] as Value)),
        value: codec.encode({ order, values: columns.map((column) => row[column] as Value | null) }),
      }));
      written += (await online.write(packed)).written;
    }
    if (base !== null) {
      const gone = await offline.rows(goneRows(parts, at, base, chunk, chunks), { signal });
      deleted += await online.delete(gone.map((row) => keyOf(parts.entity.keys.map((key) => row[key.name] as Value))));
    }
    signal?.throwIfAborted();
    const note: ViewWatermark = { asOf: before?.asOf ?? null, sequence: before?.sequence ?? 0, rows: before?.rows ?? 0, unfinished: { asOf: at, sequence, chunks, written: chunk + 1 } };
    if (chunk + 1 < chunks) await online.writeMeta(name, note);
  }
  await online.writeMeta(name, { asOf: at, sequence, rows, unfinished: null } satisfies ViewWatermark);
  onProgress?.({ stage: `materialise ${view.name}`, done: rows, total: rows, unit: 'rows' });
  return { view: view.name, version: view.version, asOf: at, rows, written, deleted, resumed };
}

/**
 * The instant whose backfilled rows are exactly those online: changes are found against it. Null: everything is written,
 * because nothing is online or its backfill was computed anew since.
 */
async function comparable(offline: OfflineStore, { view }: ViewParts, online: ViewWatermark | null): Promise<Instant | null> {
  if (online?.asOf == null) return null;
  const run = await lastBackfill(offline, view, online.asOf);
  return run !== null && run.sequence === online.sequence ? online.asOf : null;
}

function changedRows({ view, entity }: ViewParts, at: Instant, base: Instant | null, chunk: number, chunks: number): Statement {
  const columns = [...entity.keys.map((key) => key.name), BACKFILL.eventTime, ...viewParts(view).map((part) => part.name)].map(identifier);
  const unchanged = base === null ? '' : `\n  AND (${columns.join(', ')}) NOT IN (SELECT ${columns.join(', ')} ${fromInstant(view, 'base')} AND ${inChunk(entity.keys)})`;
  return {
    sql: `SELECT ${columns.join(', ')} ${fromInstant(view, 'at')} AND ${inChunk(entity.keys)}${unchanged}`,
    params: { at, chunk, chunks, ...(base === null ? {} : { base }) },
  };
}

function goneRows({ view, entity }: ViewParts, at: Instant, base: Instant, chunk: number, chunks: number): Statement {
  const keys = entity.keys.map((key) => identifier(key.name)).join(', ');
  return {
    sql: `SELECT ${keys} ${fromInstant(view, 'base')} AND ${inChunk(entity.keys)}
  AND (${keys}) NOT IN (SELECT ${keys} ${fromInstant(view, 'at')} AND ${inChunk(entity.keys)})`,
    params: { at, base, chunk, chunks },
  };
}

function fromInstant(view: ViewParts['view'], param: 'at' | 'base'): string {
  return `FROM ${identifier(backfillTable(view))} WHERE ${identifier(BACKFILL.asOf)} = fromUnixTimestamp64Milli({${param}:Int64}, 'UTC')`;
}

function inChunk(keys: ViewParts['entity']['keys']): string {
  return `cityHash64(${keys.map((key) => identifier(key.name)).join(', ')}) % {chunks:UInt64} = {chunk:UInt64}`;
}
