// A matrix of more bytes has memory of its own.
const MOST_SHARED = 1_024;
const BLOCK = 16 * MOST_SHARED;

let block = new ArrayBuffer(0);
let used = 0;

/**
 * Zeros for the data and mask of so many cells. Small matrices are cut out of one block after the other, each of its bytes used once:
 * memory outside of the heap takes longer to get than a row of 50 numbers takes to read.
 */
export function matrixMemory(cells: number): { readonly data: Float32Array; readonly mask: Uint8Array } {
  const bytes = 5 * cells;
  if (bytes > MOST_SHARED) return cut(new ArrayBuffer(bytes), 0, cells);
  if (used + bytes > block.byteLength) {
    block = new ArrayBuffer(BLOCK);
    used = 0;
  }
  const at = used;
  // Where a Float32Array may begin.
  used += 4 * Math.ceil(bytes / 4);
  return cut(block, at, cells);
}

function cut(buffer: ArrayBuffer, at: number, cells: number): { readonly data: Float32Array; readonly mask: Uint8Array } {
  return { data: new Float32Array(buffer, at, cells), mask: new Uint8Array(buffer, at + 4 * cells, cells) };
}
