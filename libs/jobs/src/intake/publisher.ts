import type { Source } from '@granary/contracts';
import type { AppendOutcome, EventRow } from '@granary/offline-store';

/** An event as it is stored now. */
export interface StoredEvent extends EventRow {
  /** `__sequence` it was stored with. */
  readonly sequence: number;
  /** `duplicate`: it was stored before this batch, or stands in it already; `version`: it replaces a stored one; `conflict`: what is stored is another one. */
  readonly outcome: AppendOutcome;
}

/** Makes stored events visible online. Intake awaits it before it acknowledges, so that the next read sees what was acknowledged. */
export interface Publisher {
  /**
   * A batch of a source has been stored. `events` are in the order they came, duplicates with the sequence they are stored
   * with (an earlier attempt may have stored them and stopped before it published). `lastSequence` is the source's greatest
   * by then. Batches of one source come one after the other, but not every event comes through here: files are ingested, and
   * processes end between storing and publishing. What lies between the publisher's cursor and the batch is read from the table.
   *
   * Rejecting leaves the batch unacknowledged: it is stored, and who sent it will send it again.
   */
  published(source: Source, events: readonly StoredEvent[], lastSequence: number): Promise<void>;
  /** Resolves when nothing of what was published is left to be noted. */
  settled(): Promise<void>;
  /** Rejects where nothing can be published now: STORE_UNAVAILABLE. */
  ping(): Promise<void>;
}

/** For an intake without an online store. */
export const noPublisher: Publisher = Object.freeze({ published: () => Promise.resolve(), settled: () => Promise.resolve(), ping: () => Promise.resolve() });
