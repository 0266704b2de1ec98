import { GranaryError } from '@granary/contracts';

export interface Interrupt {
  readonly signal: AbortSignal;
  /** Gives the signals back to the process. */
  readonly dispose: () => void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * The first Ctrl-C aborts the signal, and jobs stop at their next safe point; the second ends the process at once, as if
 * nobody had listened: `process.exit` would wait for a statement that still runs in the embedded engine.
 */
export function listenForInterrupt(onFirst: () => void): Interrupt {
  const controller = new AbortController();
  const listeners = SIGNALS.map((name) => {
    const listener = (): void => {
      if (controller.signal.aborted) {
        dispose();
        process.kill(process.pid, name);
        return;
      }
      onFirst();
      controller.abort(new GranaryError('CANCELLED', `interrupted by ${name}`, { todo: 'Run it again: what is done is kept, the rest is done then.' }));
    };
    process.on(name, listener);
    return [name, listener] as const;
  });
  const dispose = (): void => listeners.forEach(([name, listener]) => process.off(name, listener));
  return { signal: controller.signal, dispose };
}
