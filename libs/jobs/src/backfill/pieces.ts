import { GranaryError, isGranaryError, type Instant } from '@granary/contracts';
import { throwIfCancelled } from '../cancelled.js';

/** One statement's worth of a run: a chunk of the keys at some instants. */
export interface Piece {
  readonly instants: readonly Instant[];
  readonly chunk: number;
  readonly compute: () => Promise<void>;
}

export interface PieceHandlers {
  /** Pieces at work at the same time. */
  readonly concurrency: number;
  readonly signal: AbortSignal | undefined;
  readonly what: string;
  readonly onDone: (piece: Piece) => Promise<void>;
  /** Once for each instant, after its last piece; some at once when one piece was the last of many. */
  readonly onInstants: (instants: readonly Instant[]) => Promise<void>;
}

/** Computes the pieces, a few at a time. After a failure or an abort none begins; those at work are awaited. */
export async function computePieces(pieces: readonly Piece[], { concurrency, signal, what, onDone, onInstants }: PieceHandlers): Promise<void> {
  const left = new Map<Instant, number>();
  for (const { instants } of pieces) for (const asOf of instants) left.set(asOf, (left.get(asOf) ?? 0) + 1);
  const queue = [...pieces];
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (let piece = queue.shift(); piece !== undefined; piece = queue.shift()) {
      try {
        throwIfCancelled(signal, what);
        await piece.compute();
        await onDone(piece);
        for (const asOf of piece.instants) left.set(asOf, left.get(asOf)! - 1);
        await onInstants(piece.instants.filter((asOf) => left.get(asOf) === 0));
      } catch (error) {
        queue.length = 0;
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, pieces.length) }, worker));
  if (failures.length > 0) throw failures[0];
}

const MEMORY_LIMIT_EXCEEDED = 241;
const MOST_CHUNKS = 4_096;

/** Runs with more and more chunks until every statement stays within its memory. */
export async function withinMemory<T>(chunks: number, run: (chunks: number) => Promise<T>): Promise<T> {
  try {
    return await run(chunks);
  } catch (error) {
    if (!isGranaryError(error, 'QUERY_FAILED') || error.details['code'] !== MEMORY_LIMIT_EXCEEDED) throw error;
    if (chunks < MOST_CHUNKS) return withinMemory(chunks * 4, run);
    throw new GranaryError('QUERY_FAILED', `${error.message} (in one of ${chunks} chunks)`, { todo: 'Give the run more memory: one entity alone needs more.', details: error.details, cause: error });
  }
}
