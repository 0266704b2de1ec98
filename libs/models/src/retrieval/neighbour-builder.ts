import type { Neighbours } from './neighbour-generator.js';

/** Collects rows of an item × item matrix in the order of items. */
export interface NeighbourBuilder {
  /** The row's columns and their weights, read at the given columns. */
  add(columns: readonly number[], weightOf: (column: number) => number): void;
  build(): Neighbours;
}

export function createNeighbourBuilder(itemCount: number): NeighbourBuilder {
  const offsets = new Int32Array(itemCount + 1);
  let items = new Int32Array(1024);
  let weights = new Float32Array(1024);
  let row = 0;
  let size = 0;
  return {
    add(columns, weightOf) {
      if (size + columns.length > items.length) {
        const capacity = Math.max(items.length * 2, size + columns.length);
        const grownItems = new Int32Array(capacity);
        const grownWeights = new Float32Array(capacity);
        grownItems.set(items);
        grownWeights.set(weights);
        items = grownItems;
        weights = grownWeights;
      }
      for (const column of columns) {
        items[size] = column;
        weights[size++] = weightOf(column);
      }
      offsets[++row] = size;
    },
    build() {
      if (row !== itemCount) throw new Error(`Built ${row} rows of ${itemCount}`);
      return Object.freeze({ offsets, items: items.slice(0, size), weights: weights.slice(0, size) });
    },
  };
}
