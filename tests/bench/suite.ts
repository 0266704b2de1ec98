import type { BenchRow } from './report.js';

/** What a suite is given. Everything it opens it gives to `defer`, also when it throws. */
export interface Bench {
  readonly signal: AbortSignal;
  /** The smallest size and a few rounds only: to see that it works. */
  readonly quick: boolean;
  /** Also what takes minutes. */
  readonly full: boolean;
  /** Whether rows of this name are asked for; of a suite that is not `selective` all are. */
  readonly wants: (name: string) => boolean;
  /** A new temporary folder, removed at the end after everything deferred. */
  readonly folder: () => string;
  /** Runs at the end, the last one given first. */
  readonly defer: (cleanup: () => unknown) => void;
  readonly add: (...rows: readonly BenchRow[]) => void;
  /** A line for the reader: what was skipped, what was checked. */
  readonly note: (text: string) => void;
}

export interface Suite {
  readonly name: string;
  readonly about: string;
  /** Whether it can measure some of its rows only. Default false. */
  readonly selective?: boolean;
  readonly run: (bench: Bench) => Promise<void>;
}
