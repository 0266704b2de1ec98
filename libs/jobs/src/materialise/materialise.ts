import { compileExtent, compileKeys, compileTouchedKeys, emitInChunk, hasVersions, logsAreEmpty, type Chunk, type EventScope } from '@granary/compiler';
import { GranaryError, identifier, storedSources, type Instant, type JobOptions, type Snapshot, type Statement } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import { readUnfinished, readWatermark, wereReplaced, type OnlineStore, type UnfinishedView } from '@granary/online-store';
import { selectViews } from '../backfill/backfill.js';
import { throwIfCancelled } from '../cancelled.js';
import { currentHorizon, withEvents } from '../events/with-events.js';
import { withStage } from '../stage-table.js';
import { partsOfView, type ViewParts } from '../view-parts.js';
import { withinMemory } from '../within-memory.js';
import { baseWriter, writeEachBases, type BaseWriter, type BasesOf, type WrittenBases } from './bases.js';
import { noteHorizon } from './noted-horizons.js';
import { noteOnlineKeys, onlineKeys } from './online-keys.js';
import { advanceWatermark, noteUnfinished, refuseFuture, refuseOlder } from './watermark.js';

export interface MaterialiseOptions extends JobOptions {
  /** Reads at or after this instant are answered online. */
  readonly at: Instant;
  /** What time it is; no later instant is materialised. Default: the clock. */
  readonly now?: () => Instant;
  /** The first part of every online key: several projects may share a store. */
  readonly project: string;
  /** Names of views; default: all of the snapshot. */
  readonly views?: readonly string[] | undefined;
  /** Every entity is written anew, which also takes from memory what no read from `at` on needs. Default: only those with new events. */
  readonly full?: boolean | undefined;
  /** Entities between two checkpoints. Default: 50,000, and 400,000 where none has a log. */
  readonly chunkRows?: number | undefined;
  /** Bytes that a statement may use. Default: the store's own limit. */
  readonly maxMemoryBytes?: number | undefined;
}

export interface MaterialiseResult {
  readonly view: string;
  readonly version: string;
  /** Reads at or after it are answered. */
  readonly asOf: Instant;
  /** How many entities have a visible event. */
  readonly rows: number;
  /** How many of them were written now. */
  readonly written: number;
  /** How many lost their last event. */
  readonly deleted: number;
  /** True: went on where an interrupted run had stopped. */
  readonly resumed: boolean;
  /** True: all was written anew, as a server of the store's cluster was restarted or replaced and may have lost some. */
  readonly recovered: boolean;
}

/**
 * Puts the states of a view's entities online: what the events that have arrived come to for any read at or after an instant.
 *
 * Incremental by arrival: only entities are written that events touch which have come since the watermark. Views over computed
 * sources are written whole when an input has grown. Restartable: work is cut into chunks by the hash of the key, and what is
 * written stays right whatever comes after, so that runs may stop, meet each other and go on beside a publisher.
 * Throws INVALID_USAGE for an instant before the one that is online, or that has not come yet, DEFINITION_NOT_FOUND,
 * STORE_UNAVAILABLE, CANCELLED.
 */
export async function materialise(offline: OfflineStore, online: OnlineStore, snapshot: Snapshot, options: MaterialiseOptions): Promise<MaterialiseResult[]> {
  const { now = Date.now } = options;
  refuseFuture(options.at, now());
  const results: MaterialiseResult[] = [];
  for (const view of selectViews(snapshot, options.views)) {
    throwIfCancelled(options.signal, `materialise ${view.name}`);
    results.push(await materialiseView(offline, online, snapshot, partsOfView(snapshot, view), options));
  }
  return results;
}

async function materialiseView(offline: OfflineStore, online: OnlineStore, snapshot: Snapshot, parts: ViewParts, options: MaterialiseOptions): Promise<MaterialiseResult> {
  const { view, source } = parts;
  const { project, at } = options;
  const incarnation = online.incarnation();
  const [noted, stopped, horizonNow, servers] = await Promise.all([readWatermark(online, project, view), readUnfinished(online, project, view), currentHorizon(offline, snapshot, [source]), online.servers()]);
  let watermark = noted;
  refuseOlder(view.name, watermark, at);
  const work: Work = { snapshot, writer: baseWriter(offline, online, parts, project), options, incarnation };
  const horizon = Object.fromEntries(horizonNow);
  // What was computed is computed anew for other inputs, and so is all of it.
  const resumed = stopped !== null && !wereReplaced(stopped, servers) && (source.computed === undefined || sequenceOf(stopped.horizon) === sequenceOf(horizon));
  const done: WrittenBases[] = [];
  if (resumed) {
    done.push(await run(work, stopped));
    watermark = await readWatermark(online, project, view);
  }
  const recovered = watermark !== null && wereReplaced(watermark, servers);
  const full = options.full === true || recovered;
  const behind = watermark === null || watermark.sequence < sequenceOf(horizon);
  if (behind || recovered || (full && !resumed)) {
    const since = watermark === null || full || source.computed !== undefined ? null : watermark.sequence;
    done.push(await run(work, { horizon, asOf: at, since, chunks: 0, written: 0, ...(servers.length === 0 ? {} : { servers }) }));
    watermark = await readWatermark(online, project, view);
  }
  const { asOf, rows } = watermark!;
  const sum = (name: keyof WrittenBases): number => done.reduce((all, each) => all + each[name], 0);
  return { view: view.name, version: view.version, asOf, rows, written: sum('written'), deleted: sum('deleted'), resumed, recovered };
}

interface Work {
  readonly snapshot: Snapshot;
  readonly writer: BaseWriter;
  readonly options: MaterialiseOptions;
  /** Of the online store, when the run began. */
  readonly incarnation: number;
}

/** A note says what the store has: of what was written before it went away some may be gone. */
function throwIfLost({ writer: { online, parts }, incarnation }: Work): void {
  if (online.incarnation() === incarnation) return;
  throw new GranaryError('STORE_UNAVAILABLE', `The online store was gone while ${parts.view.name} was materialised: what was written before may be lost`, {
    todo: 'Materialise again.',
    details: { view: parts.view.name },
  });
}

function sequenceOf(horizon: UnfinishedView['horizon']): number {
  return Object.values(horizon).reduce((sum, last) => sum + last, 0);
}

/** Writes what a run has to write, from its first chunk that is not noted as written, and moves the watermark. */
async function run(work: Work, unfinished: UnfinishedView): Promise<WrittenBases> {
  const { snapshot, writer, options } = work;
  const { offline, online, parts } = writer;
  const { signal, maxMemoryBytes, onProgress, project } = options;
  const own = storedSources(snapshot, parts.source).map(({ name }): [string, number] => [name, unfinished.horizon[name] ?? 0]);
  return withEvents(offline, snapshot, [parts.source], { horizon: new Map(own), signal, maxMemoryBytes, onProgress }, async (scope) => {
    if (parts.source.computed !== undefined) {
      await noteHorizon(offline, parts.view, new Map(own));
      await noteOnlineKeys(offline, parts, project, scope);
    }
    // Of a fixed horizon: the same before and after.
    const { entities: rows, unsettled } = await extentOf(work, scope, unfinished.asOf);
    const states = { ...scope, settled: logsAreEmpty(writer.kept, unsettled) };
    const result = await withTouched(work, unfinished, async (table) => {
      const touched = { table, entities: table === null ? rows : await countOf(offline, table) };
      const chunks = unfinished.chunks || Math.max(1, Math.ceil(touched.entities / (options.chunkRows ?? rowsPerChunk(states))));
      return withinMemory(chunks, (count) => writeChunks(work, states, touched, count === unfinished.chunks ? unfinished : { ...unfinished, chunks: count, written: 0 }));
    });
    throwIfLost(work);
    const whole = unfinished.since === null && unfinished.servers !== undefined ? { servers: unfinished.servers } : {};
    await advanceWatermark(online, project, parts.view, { sequence: sequenceOf(unfinished.horizon), asOf: unfinished.asOf, rows, ...whole });
    await noteUnfinished(online, project, parts.view, null);
    onProgress?.({ stage: `materialise ${parts.view.name}`, done: rows, total: rows, unit: 'rows' });
    return result;
  });
}

/** Each chunk is another look at all events. Those of entities with logs take the more memory in ClickHouse the more entities there are. */
function rowsPerChunk({ settled }: BasesOf['scope']): number {
  return settled === true ? 400_000 : 50_000;
}

/** So many are mostly written at once, and the online store sorts them. */
const ROWS_OF_A_BATCH = 30_000;

/** Writes what is left of the chunks of so many entities. */
async function writeChunks(work: Work, scope: BasesOf['scope'], touched: Touched, from: UnfinishedView): Promise<WrittenBases> {
  const { writer, options } = work;
  const { online, parts } = writer;
  const { signal, maxMemoryBytes, onProgress, project } = options;
  const { chunks: count, asOf } = from;
  const chunks = Array.from({ length: count - from.written }, (_, i): BasesOf => {
    const index = from.written + i;
    return {
      sequence: sequenceOf(from.horizon),
      asOf,
      scope: { ...scope, chunk: count === 1 ? undefined : { index, count }, keysIn: touched.table ?? undefined },
      candidates: candidatesOf(parts, project, scope, touched.table, { index, count }),
      limits: { signal, maxMemoryBytes },
      inKeyOrder: online.kind === 'lmdb' && touched.entities > ROWS_OF_A_BATCH,
    };
  });
  throwIfLost(work);
  const stage = `materialise ${parts.view.name}`;
  const total = { written: 0, deleted: 0 };
  let index = from.written;
  let rows = Math.round((touched.entities * index) / count);
  const report = (): void => onProgress?.({ stage, done: Math.min(rows, touched.entities), total: touched.entities, unit: 'rows' });
  report();
  const noted = noteUnfinished(online, project, parts.view, from);
  // It may fail before anyone waits for it.
  noted.catch(() => undefined);
  for await (const did of writeEachBases(writer, chunks, noted)) {
    total.written += did.written;
    total.deleted += did.deleted;
    rows += did.rows;
    throwIfLost(work);
    // The last is noted by the watermark.
    if (did.ended && ++index < count) await noteUnfinished(online, project, parts.view, { ...from, written: index });
    report();
    throwIfCancelled(signal, stage);
  }
  await noted;
  return total;
}

/** Entities of a chunk that may be online without having an event any more. */
function candidatesOf(parts: ViewParts, project: string, scope: EventScope, touched: string | null, chunk: Chunk): Statement | null {
  const { view, entity, source } = parts;
  if (source.computed !== undefined) return onlineKeys(parts, project, chunk);
  if (!hasVersions(source)) return null;
  if (touched === null) return compileKeys(view, entity, source, { ...scope, chunk });
  const names = entity.keys.map((key) => key.name);
  return { sql: `SELECT ${names.map(identifier).join(', ')} FROM ${identifier(touched)} WHERE ${emitInChunk(names, chunk)}`, params: {} };
}

/** The entities to write. */
interface Touched {
  /** Of their keys; null: all there are. */
  readonly table: string | null;
  readonly entities: number;
}

/** Puts the keys of the entities that new events touch into a table while `use` runs; null: all entities are written. */
async function withTouched<T>({ writer, options }: Work, { since, horizon }: UnfinishedView, use: (table: string | null) => Promise<T>): Promise<T> {
  if (since === null) return use(null);
  const { offline, parts } = writer;
  const { view, entity, source } = parts;
  const touchedKeys = compileTouchedKeys(view, entity, source, { since, until: sequenceOf(horizon) });
  const stage = { purpose: 'keys', orderBy: entity.keys.map((key) => key.name) };
  return withStage(offline, stage, touchedKeys, use, { comment: `materialise ${view.name}`, signal: options.signal });
}

async function countOf(offline: OfflineStore, table: string): Promise<number> {
  const [row] = await offline.rows({ sql: `SELECT count() AS entities FROM ${identifier(table)}`, params: {} });
  return Number(row!['entities']);
}

async function extentOf({ writer: { offline, parts }, options: { signal } }: Work, scope: EventScope, at: Instant): Promise<{ readonly entities: number; readonly unsettled: number }> {
  const [row] = await offline.rows(compileExtent(parts.view, parts.source, at, scope), { signal });
  return { entities: Number(row!['entities']), unsettled: Number(row!['unsettled']) };
}
