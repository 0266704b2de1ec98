import type { ServedRow } from '@granary/contracts';

export interface ServingLogOptions {
  /** Stores rows, in any order; a rejection loses them. */
  readonly write: (rows: readonly ServedRow[]) => Promise<void>;
  /** The share of rows that is logged, 0 to 1, each by itself. Default 0.01. */
  readonly sample?: number;
  /** Rows in one write, at most. Default 1,000. */
  readonly batchRows?: number;
  /** Rows that wait to be written, at most: what comes then is dropped. Default 20,000. */
  readonly capacity?: number;
  /** A row waits this long at most before its write begins, in milliseconds. Default 1,000. */
  readonly flushMs?: number;
  /** Is told once of each run of failures. Default: nobody. */
  readonly onFailure?: (error: unknown) => void;
  /** Uniform in [0, 1). Default: Math.random. */
  readonly random?: () => number;
}

export interface ServingLogCounts {
  readonly written: number;
  /** Came while too many were waiting. */
  readonly dropped: number;
  /** Could not be written. */
  readonly lost: number;
}

/** Notes what is served without holding up who serves it: rows wait in memory, bounded, and are written in batches. */
export class ServingLog {
  readonly #options: Required<ServingLogOptions>;
  #waiting: ServedRow[] = [];
  #writing: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #counts = { written: 0, dropped: 0, lost: 0 };
  #failing = false;

  constructor({ write, sample = 0.01, batchRows = 1_000, capacity = 20_000, flushMs = 1_000, onFailure = () => undefined, random = Math.random }: ServingLogOptions) {
    this.#options = { write, sample, batchRows, capacity, flushMs, onFailure, random };
  }

  /** Whether the next row is one of the sample: asked before the row is put together. */
  samples(): boolean {
    const { sample, random } = this.#options;
    return sample > 0 && (sample >= 1 || random() < sample);
  }

  note(row: ServedRow): void {
    const { capacity, batchRows, flushMs } = this.#options;
    if (this.#waiting.length >= capacity) {
      this.#counts.dropped++;
      return;
    }
    this.#waiting.push(row);
    if (this.#waiting.length >= batchRows) this.#begin();
    else this.#timer ??= setTimeout(() => this.#begin(), flushMs).unref();
  }

  counts(): ServingLogCounts {
    return { ...this.#counts };
  }

  /** Resolves when all rows noted so far have been written or lost. */
  async flush(): Promise<void> {
    this.#begin();
    while (this.#writing !== null) await this.#writing;
  }

  #begin(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#writing ??= this.#writeAll().finally(() => (this.#writing = null));
  }

  async #writeAll(): Promise<void> {
    const { write, batchRows, onFailure } = this.#options;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, batchRows);
      try {
        await write(batch);
        this.#counts.written += batch.length;
        this.#failing = false;
      } catch (error) {
        this.#counts.lost += batch.length;
        if (!this.#failing) onFailure(error);
        this.#failing = true;
      }
      // Until now they took up room: what waits to be written and what is being written are bounded together.
      this.#waiting.splice(0, batch.length);
    }
  }
}
