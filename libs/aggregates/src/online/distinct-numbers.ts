const BITS = new Int32Array(2);
const DOUBLE = new Float64Array(BITS.buffer);
const LEAST_SLOTS = 256;

/** A slot is taken if it has the mark of the newest table. */
interface Table {
  readonly doubles: Float64Array;
  readonly integers: Int32Array;
  readonly marks: Int32Array;
  mark: number;
}

// One for all calls.
let table = tableOf(LEAST_SLOTS);

/**
 * How many distinct ones are among `values[from, to)`, of which none is NaN, and −0 is 0; those that count if `mask` is given. Several
 * times as fast as a Set.
 */
export function countDistinctNumbers(values: Float64Array, mask: Uint8Array | null, from: number, to: number): number {
  beginDistinct(to - from);
  return addDistinct(values, mask, from, to);
}

/** Forgets all values that were added; until the next call at most `most` are to be added, all as doubles or all as integers. */
export function beginDistinct(most: number): void {
  // At least twice as many slots.
  if (2 * most > table.marks.length) table = tableOf(2 ** Math.ceil(Math.log2(2 * most)));
  if (++table.mark < 2 ** 30) return;
  table.marks.fill(0);
  table.mark = 1;
}

/** How many of them have not been added before, as `countDistinctNumbers` tells them apart. */
export function addDistinct(values: Float64Array, mask: Uint8Array | null, from: number, to: number): number {
  const { doubles, marks, mark } = table;
  const [last, shift] = [marks.length - 1, Math.clz32(marks.length - 1)];
  let added = 0;
  for (let i = from; i < to; i++) {
    if (mask !== null && mask[i] === 0) continue;
    // Adding 0 turns −0 into 0.
    const value = values[i]! + 0;
    DOUBLE[0] = value;
    let slot = slotOf(BITS[0]! ^ BITS[1]!, shift);
    while (marks[slot] === mark && doubles[slot] !== value) slot = (slot + 1) & last;
    if (marks[slot] === mark) continue;
    marks[slot] = mark;
    doubles[slot] = value;
    added++;
  }
  return added;
}

/** As `addDistinct`. */
export function addDistinctIntegers(values: Int32Array, mask: Uint8Array | null, from: number, to: number): number {
  const { integers, marks, mark } = table;
  const [last, shift] = [marks.length - 1, Math.clz32(marks.length - 1)];
  let added = 0;
  for (let i = from; i < to; i++) {
    if (mask !== null && mask[i] === 0) continue;
    const value = values[i]!;
    let slot = slotOf(value, shift);
    while (marks[slot] === mark && integers[slot] !== value) slot = (slot + 1) & last;
    if (marks[slot] === mark) continue;
    marks[slot] = mark;
    integers[slot] = value;
    added++;
  }
  return added;
}

/** Fibonacci hashing (Knuth, volume 3, 6.4): of 2³² ⁻ ˢʰⁱᶠᵗ slots. */
function slotOf(bits: number, shift: number): number {
  return Math.imul(bits, 0x9e3779b1) >>> shift;
}

function tableOf(slots: number): Table {
  return { doubles: new Float64Array(slots), integers: new Int32Array(slots), marks: new Int32Array(slots), mark: 0 };
}
