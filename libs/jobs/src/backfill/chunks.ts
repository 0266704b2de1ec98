import { throwIfCancelled } from '../cancelled.js';

export interface ChunkOptions {
  readonly chunks: number;
  /** Those that an earlier run has done. */
  readonly done: ReadonlySet<number>;
  /** Chunks at work at the same time. */
  readonly concurrency: number;
  readonly signal: AbortSignal | undefined;
  readonly what: string;
}

/** Computes the chunks that are left, a few at a time. After a failure or an abort none begins; those at work are awaited. */
export async function computeChunks({ chunks, done, concurrency, signal, what }: ChunkOptions, compute: (chunk: number) => Promise<void>): Promise<void> {
  const queue = Array.from({ length: chunks }, (_, chunk) => chunk).filter((chunk) => !done.has(chunk));
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (let chunk = queue.shift(); chunk !== undefined; chunk = queue.shift()) {
      try {
        throwIfCancelled(signal, what);
        await compute(chunk);
      } catch (error) {
        queue.length = 0;
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, queue.length) }, worker));
  if (failures.length > 0) throw failures[0];
}
