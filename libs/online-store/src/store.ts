export interface PackedRow {
  /** From `rowKey`. */
  readonly key: string;
  /** A base, from a state codec's `encodeBase`: the store reads nothing of it but its head. */
  readonly value: Uint8Array;
}

export interface FrameRow {
  readonly key: string;
  /** From a state codec's `encodeFrame`. */
  readonly frame: Uint8Array;
}

export interface WriteResult {
  readonly written: number;
  /** Rows that changed nothing, because the store held the same write order already or a greater one. */
  readonly stale: number;
}

/** A key that was appended to, and how much it holds now: who appends knows whose tail has grown. */
export interface Appended {
  readonly key: string;
  /** Of base and tail. */
  readonly bytes: number;
  readonly tailBytes: number;
}

export interface SampleLimits {
  /** How many rows at most. Default 1000. */
  readonly rows?: number;
  /** How long it may take, in milliseconds. Default 500. */
  readonly budgetMs?: number;
}

export interface MemorySample {
  readonly rows: readonly { readonly key: string; readonly bytes: number }[];
  /** Whether these are all rows, not a sample of them. */
  readonly complete: boolean;
}

/** The values of one call's keys, where they lie in the store. */
export interface RowsInPlace {
  /**
   * The value of the key at this position; null: there is no row. Its bytes are gone with the next `at` of any call and with
   * the turn of the event loop: what is to last is decoded or copied before. Throws STORE_UNAVAILABLE.
   */
  at(position: number): Uint8Array | null;
}

/** Values (base ++ tail) by key. All methods throw STORE_UNAVAILABLE when the store can't be reached in time. */
export interface OnlineStore {
  readonly kind: 'redis' | 'lmdb';
  /** One result per key, in the keys' order; null where there is no row. One round trip. The bytes are the caller's own. */
  read(keys: readonly string[]): Promise<(Uint8Array | null)[]>;
  /** `read` for who decodes at once: an embedded store copies nothing, and gets each value when it is asked for it. */
  readInPlace(keys: readonly string[]): Promise<RowsInPlace>;
  /**
   * Each base by itself, atomically, replaces the stored one if its write order (H, T) is greater; with an equal order the
   * first one stays, so a replay is a no-op. Stored frames with a sequence beyond the new base's H are kept, others
   * dropped. Several rows of one key may come in one call. Resolves when the store has acknowledged all; after an error
   * some rows may have been written, and writing all of them again is safe.
   */
  write(rows: readonly PackedRow[]): Promise<WriteResult>;
  /**
   * Adds each frame to its key's tail, atomically by key, and says nothing of frames that the base has folded already. A
   * key that isn't there begins with `emptyBase`. Frames may come twice and in any order, so that after an error all may
   * be appended again. One answer per distinct key, in the order of their first frames. Throws SCHEMA_MISMATCH for keys
   * whose value is of an older format; the other keys have their frames then.
   */
  append(rows: readonly FrameRow[], emptyBase: Uint8Array): Promise<readonly Appended[]>;
  /** Returns how many rows there were. Leaves no trace: a row written afterwards counts as new, whatever its order. */
  delete(keys: readonly string[]): Promise<number>;
  /** JSON that must live and die with the rows: watermarks, cursors and checkpoints. Null when never written. */
  readMeta(name: string): Promise<unknown>;
  /** Replaces; null removes. */
  writeMeta(name: string, json: unknown): Promise<void>;
  /**
   * Writes `to` if what is stored is `from`, as `readMeta` gave it (compared as JSON text; null: not there), and says
   * whether it did: one of several that try wins.
   */
  swapMeta(name: string, from: unknown, to: unknown): Promise<boolean>;
  /** What rows with keys that begin with `prefix` weigh in the store's memory (LMDB: on its disk), of as many as the limits allow. */
  sampleMemory(prefix: string, limits?: SampleLimits): Promise<MemorySample>;
  ping(): Promise<void>;
  /**
   * Another number once a connection was lost: a server that was gone may be back with less than it had acknowledged, and what was
   * known of it says nothing any more. It is another one before a call is answered by the server that came back.
   */
  incarnation(): number;
  /**
   * What names the servers that hold the rows, where rows and what is noted of them may lie on different ones: another name once one
   * was restarted, or replaced after a failover, when it may have less than was acknowledged, though the notes on others say more.
   * Sorted. Empty where notes are lost with the rows: LMDB, a single Redis.
   */
  servers(): Promise<readonly string[]>;
  /** What the store's settings put at risk, each a sentence that says what to do; empty: nothing. */
  hazards(): Promise<readonly string[]>;
  /** Afterwards every other method throws STORE_UNAVAILABLE; closing twice is fine. */
  close(): Promise<void>;
}
