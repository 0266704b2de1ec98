import type { EventScope } from '@granary/compiler';
import { isGranaryError, type Instant } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import type { ViewParts } from '../view-parts.js';
import { computeInstant, computePairs, countRows, removeOlder, withTouched, type Pairs, type Work } from './compute.js';
import { sameHorizon, sequenceOf, type Horizon, type InstantNotes, type Noted, type Notes } from './notes.js';
import { computePieces, withinMemory, type Piece } from './pieces.js';

export interface ViewRun {
  readonly store: OfflineStore;
  readonly parts: ViewParts;
  readonly notes: Notes;
  /** How many events have arrived. */
  readonly horizon: Horizon;
  readonly signal: AbortSignal | undefined;
  /** Of all statements at work together. */
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
  for (const group of groupsOf([...(await run.notes.read(instants)).values()].filter(({ begun }) => begun !== null && begun.chunks > 1), ({ begun }) => begun!)) {
    await goOn(run, group, recomputed);
  }
  const stale = [...(await run.notes.read(instants)).values()].filter(({ finished, begun }) => finished === null || begun !== null || !sameHorizon(finished.horizon, run.horizon));
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
  const { store, parts, signal, maxMemoryBytes, concurrency } = run;
  const base = group[0]!.finished;
  const instants = group.map(({ asOf }) => asOf);
  const sequence = sequenceOf(horizon);
  await run.withEvents(horizon, async (scope) => {
    const limits = { signal, maxMemoryBytes: Math.floor(maxMemoryBytes / concurrency) };
    const work: Work = { store, parts, scope, sequence, limits };
    if (base !== null && worthFinding(run, base, sequence)) {
      await withTouched(work, base, sequence, instants, (pairs) => computeTouched(run, work, group, { horizon, pairs, chunks }, recomputed));
    } else {
      await withinMemory(chunks ?? chunksOf(sequence, run.chunkRows), (count) => computeWhole(run, work, group, { horizon, sequence, floor: sequence, chunks: count, rows: 0 }, recomputed));
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

async function computeWhole(run: ViewRun, work: Work, group: readonly InstantNotes[], noted: Noted, recomputed: Recomputed): Promise<void> {
  const instants = group.map(({ asOf }) => asOf);
  const before = new Set(group.filter(({ finished, begun }) => finished !== null || begun !== null).map(({ asOf }) => asOf));
  const pieces = instants.flatMap((asOf) =>
    Array.from({ length: noted.chunks }, (_, index): Piece => ({ instants: [asOf], chunk: index, compute: () => computeInstant(work, asOf, { index, count: noted.chunks }) })),
  );
  await run.notes.begin(instants, noted);
  await computeNoted(run, pieces, instants, noted, async (finished) => {
    const again = finished.filter((asOf) => before.has(asOf));
    if (again.length > 0) await removeOlder(work, again);
    const rows = await countRows(work, finished, noted.floor);
    for (const asOf of finished) recomputed.set(asOf, rows.get(asOf) ?? 0);
    await run.notes.finish(finished.map((asOf) => ({ asOf, run: { ...noted, rows: rows.get(asOf) ?? 0 } })));
  });
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
      const pieces = Array.from({ length: count }, (_, index): Piece => ({ instants: touched, chunk: index, compute: () => computePairs(work, pairs, { index, count }) }));
      await run.notes.begin(touched, { ...noted, chunks: count });
      await computeNoted(run, pieces, touched, { ...noted, chunks: count }, () => Promise.resolve());
    });
  }
  const rows = touched.length === 0 ? new Map<Instant, number>() : await countRows(work, touched, base.floor);
  for (const [asOf, count] of pairs.byInstant) recomputed.set(asOf, (recomputed.get(asOf) ?? 0) + count);
  await run.notes.finish(group.map(({ asOf, finished }) => ({ asOf, run: { ...noted, rows: pairs.byInstant.has(asOf) ? (rows.get(asOf) ?? 0) : finished!.rows } })));
}

/** Computes the pieces that are not noted as done, and notes each that is. */
async function computeNoted(run: ViewRun, pieces: readonly Piece[], instants: readonly Instant[], noted: Noted, onInstants: (instants: readonly Instant[]) => Promise<void>): Promise<void> {
  const { notes, signal, concurrency, parts, onChunk } = run;
  const chunked = noted.chunks > 1;
  const done = chunked ? await notes.chunksDone(instants, noted) : new Map<Instant, Set<number>>();
  let finished = 0;
  const remember = (): void => onChunk(++finished, pieces.length);
  onChunk(finished, pieces.length);
  const todo = pieces.map((piece) => (piece.instants.every((asOf) => done.get(asOf)?.has(piece.chunk) === true) ? { ...piece, compute: async () => Promise.resolve() } : piece));
  await computePieces(todo, {
    concurrency,
    signal,
    what: `backfill ${parts.view.name}`,
    onInstants,
    async onDone(piece) {
      if (chunked) await notes.chunkDone(piece.instants, noted, piece.chunk);
      remember();
    },
  });
}
