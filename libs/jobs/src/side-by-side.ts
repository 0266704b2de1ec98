import { throwIfCancelled } from './cancelled.js';

export interface SideBySide {
  /** Pieces of work under way at the same time. */
  readonly concurrency: number;
  readonly signal: AbortSignal | undefined;
  readonly what: string;
}

/** Runs each piece of work, a few at a time. After a failure or an abort none begins; those under way are awaited. */
export async function sideBySide<T>(pieces: readonly T[], { concurrency, signal, what }: SideBySide, run: (piece: T) => Promise<void>): Promise<void> {
  const queue = [...pieces];
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (let piece = queue.shift(); piece !== undefined; piece = queue.shift()) {
      try {
        throwIfCancelled(signal, what);
        await run(piece);
      } catch (error) {
        queue.length = 0;
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, queue.length) }, worker));
  if (failures.length > 0) throw failures[0];
}
