import { GranaryError } from '@granary/contracts';

/** Throws CANCELLED once the signal is aborted; for the safe points between pieces of work. */
export function throwIfCancelled(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted !== true) return;
  throw new GranaryError('CANCELLED', `${what} was cancelled`, { todo: 'What was finished stays; run it again for the rest.' });
}
