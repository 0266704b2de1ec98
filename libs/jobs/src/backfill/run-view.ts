import type { Chunk, EventScope } from '@granary/compiler';
import { isGranaryError, type Instant } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import { sideBySide } from '../side-by-side.js';
import type { ViewParts } from '../view-parts.js';
import { withinMemory } from '../within-memory.js';
import { computeInstant, computePairs, computeSeries, countEntities, countRows, removeOlder, withTouched, type Pairs, type Work } from './compute.js';
import { sameHorizon, sequenceOf, type Horizon, type InstantNotes, type Noted, type Notes } from './notes.js';

export interface ViewRun {
  readonly store: OfflineStore;
  readonly parts: ViewParts;
  readonly notes: Notes;
  /** How many events have arrived. */
  readonly horizon: Horizon;
  readonly signal: AbortSignal | undefined;
  /** Of one statement. */
  readonly maxMemoryBytes: number;
  readonly concurrency: number;
  /** Events, or pairs, in one chunk. */
  readonly chunkRows: number;
  /** Makes the events readable up to a horizon. */
  readonly withEvents: <T>(horizon: Horizon, use: (scope: EventScope) => Promise<T>) => Promise<T>;
  readonly onChunk: (done: number, total: number) => void;
}

/** How many rows were computed, by instant; an instant without work has none. */
export type Recomputed = Map<Instant, number>;

/**
 * Brings instants of a view up to the horizon: each that was never computed as a whole, of the others what later events
 * touch. What a run that was stopped had in chunks is finished first, as of its own horizon.
 */
export async function runView(run: ViewRun, instants: readonly Instant[]): Promise<Recomputed> {
  const recomputed: Recomputed = new Map();
  let notes = await run.notes.read(instants);
  const stopped = [...notes.values()].filter(({ begun }) => begun !== null && begun.chunks > 1);
  for (const group of groupsOf(stopped, ({ begun }) => begun)) await goOn(run, group, recomputed);
  if (stopped.length > 0) notes = await run.notes.read(instants);
  const sequence = sequenceOf(run.horizon);
  const stale = [...notes.values()].filter(({ finished, begun }) => finished === null || begun !== null || finished.sequence < sequence);
  for (const group of groupsOf(stale, () => null)) await bringUp(run, group, run.horizon, null, recomputed);
  return recomputed;
}

/** With events that a run can't be computed from (a sum too great) it would never be done; those that came since may help. */
async function goOn(run: ViewRun, group: readonly InstantNotes[], recomputed: Recomputed): Promise<void> {
  const { horizon, chunks } = group[0]!.begun!;
  try {
    await bringUp(run, group, horizon, chunks, recomputed);
  } catch (error) {
    if (isGranaryError(error, 'CANCELLED') || sameHorizon(horizon, run.horizon)) throw error;
  }
}

/** Together what has the same past, and whatever `also` tells apart. */
function groupsOf(notes: readonly InstantNotes[], also: (notes: InstantNotes) => Noted | null): InstantNotes[][] {
  const groups = new Map<string, InstantNotes[]>();
  for (const each of notes) {
    const key = [each.finished, also(each)].map((noted) => (noted === null ? '' : [...noted.horizon.values(), noted.floor, noted.chunks].join(','))).join(' ');
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()];
}

async function bringUp(run: ViewRun, group: readonly InstantNotes[], horizon: Horizon, chunks: number | null, recomputed: Recomputed): Promise<void> {
  const { store, parts, signal, maxMemoryBytes } = run;
  const base = group[0]!.finished;
  const instants = group.map(({ asOf }) => asOf);
  const sequence = sequenceOf(horizon);
  await run.withEvents(horizon, async (scope) => {
    const work: Work = { store, parts, scope, sequence, limits: { signal, maxMemoryBytes } };
    if (base !== null && worthFinding(run, base, sequence)) {
      await withTouched(work, { since: base.sequence, until: sequence }, instants, (pairs) => computeTouched(run, work, group, { horizon, pairs, chunks }, recomputed));
    } else {
      await withinMemory(chunks ?? (await chunksOfWhole(run, work, instants)), (count) => computeWhole(run, work, group, { horizon, sequence, floor: sequence, chunks: count, rows: 0 }, recomputed));
    }
  });
}

/** When so many events are new, finding what they touch costs more than it saves. */
const NEW_EVENTS_SHARE = 0.3;

/** Events of a computed source may change without any that is new being near: only as a whole are they computed anew. */
function worthFinding({ parts }: ViewRun, base: Noted, sequence: number): boolean {
  return parts.source.computed === undefined && sequence - base.sequence <= sequence * NEW_EVENTS_SHARE;
}

function chunksOf(rows: number, chunkRows: number): number {
  return Math.max(1, Math.ceil(rows / chunkRows));
}

/** A series is one pass over the events and a probe for each entity and instant. */
async function chunksOfWhole({ chunkRows }: ViewRun, work: Work, instants: readonly Instant[]): Promise<number> {
  if (instants.length === 1 || work.sequence * (1 + instants.length) <= chunkRows) return chunksOf(work.sequence, chunkRows);
  return chunksOf(work.sequence + (await countEntities(work)) * instants.length, chunkRows);
}

async function computeWhole(run: ViewRun, work: Work, group: readonly InstantNotes[], noted: Noted, recomputed: Recomputed): Promise<void> {
  const instants = group.map(({ asOf }) => asOf);
  const before = group.filter(({ finished, begun }) => finished !== null || begun !== null).map(({ asOf }) => asOf);
  const [asOf] = instants as [Instant];
  await run.notes.begin(instants, noted);
  await computeNoted(run, instants, noted, (chunk) => (instants.length === 1 ? computeInstant(work, asOf, chunk) : computeSeries(work, instants, chunk)));
  if (before.length > 0) await removeOlder(work, before);
  const rows = await countRows(work, instants, noted.floor);
  const finished = instants.map((at) => ({ asOf: at, run: { ...noted, rows: rows.get(at) ?? 0 } }));
  for (const each of finished) recomputed.set(each.asOf, each.run.rows);
  await run.notes.finish(finished);
}

interface Touched {
  readonly horizon: Horizon;
  readonly pairs: Pairs;
  /** As a run before had them; null: as many as are needed. */
  readonly chunks: number | null;
}

async function computeTouched(run: ViewRun, work: Work, group: readonly InstantNotes[], { horizon, pairs, chunks }: Touched, recomputed: Recomputed): Promise<void> {
  const touched = [...pairs.byInstant.keys()];
  const base = group[0]!.finished!;
  const noted: Noted = { horizon, sequence: work.sequence, floor: base.floor, chunks: 1, rows: 0 };
  if (touched.length > 0) {
    await withinMemory(chunks ?? chunksOf(pairs.count, run.chunkRows), async (count) => {
      await run.notes.begin(touched, { ...noted, chunks: count });
      await computeNoted(run, touched, { ...noted, chunks: count }, (chunk) => computePairs(work, pairs, chunk));
    });
  }
  const rows = touched.length === 0 ? new Map<Instant, number>() : await countRows(work, touched, base.floor);
  for (const [asOf, count] of pairs.byInstant) recomputed.set(asOf, (recomputed.get(asOf) ?? 0) + count);
  await run.notes.finish(group.map(({ asOf, finished }) => ({ asOf, run: { ...noted, rows: pairs.byInstant.has(asOf) ? (rows.get(asOf) ?? 0) : finished!.rows } })));
}

/** Computes the chunks that are not noted as done, and notes each that is. */
async function computeNoted({ notes, signal, concurrency, parts, onChunk }: ViewRun, instants: readonly Instant[], noted: Noted, compute: (chunk: Chunk) => Promise<void>): Promise<void> {
  const { chunks } = noted;
  const done = chunks > 1 ? await notes.chunksDone(instants, noted) : new Set<number>();
  let finished = done.size;
  onChunk(finished, chunks);
  const left = Array.from({ length: chunks }, (_, chunk) => chunk).filter((chunk) => !done.has(chunk));
  await sideBySide(left, { concurrency, signal, what: `backfill ${parts.view.name}` }, async (index) => {
    await compute({ index, count: chunks });
    if (chunks > 1) await notes.chunkDone(instants, noted, index);
    onChunk(++finished, chunks);
  });
}
