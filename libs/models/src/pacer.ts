import { GranaryError, type JobOptions, type Progress } from '@granary/contracts';

/** How long computation may hold the event loop, ms: short enough for Ctrl-C and health checks to be answered. */
const HOLD_MS = 20;

/** Called between units of work: reports progress, lets the event loop run, and throws CANCELLED once the signal is aborted. */
export type Pacer = (progress: Progress) => Promise<void>;

export function createPacer(options: JobOptions): Pacer {
  let since = performance.now();
  return async (progress) => {
    throwIfCancelled(options, progress.stage);
    const finished = progress.done === progress.total;
    if (!finished && performance.now() - since < HOLD_MS) return;
    options.onProgress?.(progress);
    await new Promise((resolve) => setImmediate(resolve));
    throwIfCancelled(options, progress.stage);
    since = performance.now();
  };
}

function throwIfCancelled(options: JobOptions, stage: string): void {
  if (options.signal?.aborted !== true) return;
  throw new GranaryError('CANCELLED', `Cancelled during ${stage}`, { todo: 'Nothing was saved; start it again when wanted.' });
}
