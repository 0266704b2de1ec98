/**
 * The indices of the k greatest scores, best first, equal scores by lower index. O(n + m log k) with a heap of k.
 * @param scores read at the `count` indices that `indexAt` gives
 * @param accept leaves an index out when false
 */
export function topK(
  scores: { readonly [index: number]: number },
  count: number,
  k: number,
  indexAt: (position: number) => number,
  accept: (index: number) => boolean,
): number[] {
  if (k <= 0) return [];
  const heap: number[] = [];
  // Of the worst that is kept, once there are k: most are turned away by this one comparison.
  let worst = -Infinity;
  for (let position = 0; position < count; position++) {
    const index = indexAt(position);
    if (heap.length < k) {
      if (accept(index)) siftUp(heap, scores, index);
    } else if (!(scores[index]! < worst) && isWorse(scores, heap[0]!, index) && accept(index)) {
      siftDown(heap, scores, index);
    } else {
      continue;
    }
    if (heap.length === k) worst = scores[heap[0]!]!;
  }
  return heap.sort((a, b) => scores[b]! - scores[a]! || a - b);
}

function isWorse(scores: { readonly [index: number]: number }, a: number, b: number): boolean {
  const difference = scores[a]! - scores[b]!;
  return difference < 0 || (difference === 0 && a > b);
}

/** The root is the worst of those kept. */
function siftUp(heap: number[], scores: { readonly [index: number]: number }, index: number): void {
  let at = heap.length;
  heap.push(index);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isWorse(scores, index, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = index;
}

function siftDown(heap: number[], scores: { readonly [index: number]: number }, index: number): void {
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isWorse(scores, heap[child + 1]!, heap[child]!)) child++;
    if (!isWorse(scores, heap[child]!, index)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = index;
}

/** The values at the given indices, 0 for an index outside. */
export function gather(values: Float32Array | Float64Array, indices: Int32Array | readonly number[]): Float32Array {
  const gathered = new Float32Array(indices.length);
  for (let i = 0; i < indices.length; i++) gathered[i] = values[indices[i]!] ?? 0;
  return gathered;
}
