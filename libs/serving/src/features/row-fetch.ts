import type { OnlineStore } from '@granary/online-store';

/** Collects the keys of rows to read, each once, for one round trip. */
export interface RowFetch {
  /** The position of the key's row in what `read` gives. */
  want(key: string): number;
  read(): Promise<readonly (Uint8Array | null)[]>;
}

export function rowFetch(store: OnlineStore): RowFetch {
  const positions = new Map<string, number>();
  return {
    want(key) {
      const known = positions.get(key);
      if (known !== undefined) return known;
      const position = positions.size;
      positions.set(key, position);
      return position;
    },
    read: async () => (positions.size === 0 ? [] : await store.read([...positions.keys()])),
  };
}
