const BITS = new Int32Array(2);
const DOUBLE = new Float64Array(BITS.buffer);
const LEAST_SLOTS = 256;

// One table for all calls: a slot is taken if it has the mark of the newest.
let table = { slots: new Float64Array(LEAST_SLOTS), marks: new Int32Array(LEAST_SLOTS), mark: 0 };

/**
 * How many distinct ones are among `values[from, to)`, of which none is NaN, and −0 is 0; those that count if `mask` is given. Several
 * times as fast as a Set.
 */
export function countDistinctNumbers(values: Float64Array, mask: Uint8Array | null, from: number, to: number): number {
  const { slots, marks, mark } = emptyTable(to - from);
  const last = slots.length - 1;
  let size = 0;
  for (let i = from; i < to; i++) {
    if (mask !== null && mask[i] === 0) continue;
    // Adding 0 turns −0 into 0.
    const value = values[i]! + 0;
    let slot = hash(value) & last;
    while (marks[slot] === mark && slots[slot] !== value) slot = (slot + 1) & last;
    if (marks[slot] === mark) continue;
    marks[slot] = mark;
    slots[slot] = value;
    size++;
  }
  return size;
}

/** With at least twice as many slots. */
function emptyTable(most: number): typeof table {
  if (2 * most > table.slots.length) {
    const length = 2 ** Math.ceil(Math.log2(2 * most));
    table = { slots: new Float64Array(length), marks: new Int32Array(length), mark: 0 };
  }
  if (++table.mark === 2 ** 30) {
    table.marks.fill(0);
    table.mark = 1;
  }
  return table;
}

/** As MurmurHash3's finaliser mixes: of small integers only upper bits are set. */
function hash(value: number): number {
  DOUBLE[0] = value;
  const bits = BITS[0]! ^ BITS[1]!;
  const mixed = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  return mixed ^ (mixed >>> 13);
}
