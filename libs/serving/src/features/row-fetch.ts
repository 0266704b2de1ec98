import type { OnlineStore, RowsInPlace } from '@granary/online-store';

/** Collects the keys of rows to read, each once, for one round trip. */
export interface RowFetch {
  /** The position of the key's row in what `read` gives. */
  want(key: string): number;
  read(): Promise<RowsInPlace>;
}

const NO_ROWS: RowsInPlace = { at: () => null };

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
    read: () => (positions.size === 0 ? Promise.resolve(NO_ROWS) : store.readInPlace([...positions.keys()])),
  };
}
