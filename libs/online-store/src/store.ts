export interface PackedRow {
  /** From `rowKey`. */
  readonly key: string;
  /** From a row codec's `encode`: the store reads nothing of it but the write order. */
  readonly value: Uint8Array;
}

export interface WriteResult {
  readonly written: number;
  /** Rows that changed nothing, because the store held the same write order already or a greater one. */
  readonly stale: number;
}

/** Packed rows by key. All methods throw STORE_UNAVAILABLE when the store can't be reached in time. */
export interface OnlineStore {
  readonly kind: 'redis' | 'lmdb';
  /** One result per key, in the keys' order; null where there is no row. One round trip. The bytes are the caller's own. */
  read(keys: readonly string[]): Promise<(Uint8Array | null)[]>;
  /**
   * Each row by itself, atomically, replaces what is stored if its write order is greater; with an equal order the first
   * one stays, so a replay is a no-op. Several rows of one key may come in one call. Resolves when the store has
   * acknowledged all; after an error some rows may have been written, and writing all of them again is safe.
   */
  write(rows: readonly PackedRow[]): Promise<WriteResult>;
  /** Returns how many rows there were. Leaves no trace: a row written afterwards counts as new, whatever its order. */
  delete(keys: readonly string[]): Promise<number>;
  /** JSON that must live and die with the rows: watermarks and checkpoints of materialisation. Null when never written. */
  readMeta(name: string): Promise<unknown>;
  /** Replaces; null removes. */
  writeMeta(name: string, json: unknown): Promise<void>;
  ping(): Promise<void>;
  /** Afterwards every other method throws STORE_UNAVAILABLE; closing twice is fine. */
  close(): Promise<void>;
}
