const BITS = new Int32Array(2);
const DOUBLE = new Float64Array(BITS.buffer);
const LEAST_SLOTS = 256;

// One table for all sets, of which one lives at a time: a slot is taken if it has the mark of the newest.
let slots = new Float64Array(LEAST_SLOTS);
let marks = new Uint32Array(LEAST_SLOTS);
let mark = 0;

/** Counts distinct doubles, of which none is NaN; −0 is 0. Several times as fast as a Set. Making another one ends this one. */
export class DistinctNumbers {
  size = 0;

  /** `most`: how many may be added. */
  constructor(most: number) {
    if (2 * most > slots.length) {
      const length = 2 ** Math.ceil(Math.log2(2 * most));
      slots = new Float64Array(length);
      marks = new Uint32Array(length);
      mark = 0;
    }
    if (++mark < 2 ** 32) return;
    marks.fill(0);
    mark = 1;
  }

  add(value: number): void {
    // Adding 0 turns −0 into 0.
    DOUBLE[0] = value + 0;
    const last = slots.length - 1;
    // As MurmurHash3's finaliser mixes: of small integers only upper bits are set.
    let slot = BITS[0]! ^ BITS[1]!;
    slot = Math.imul(slot ^ (slot >>> 16), 0x85ebca6b);
    slot = (slot ^ (slot >>> 13)) & last;
    while (marks[slot] === mark) {
      if (slots[slot] === value) return;
      slot = (slot + 1) & last;
    }
    marks[slot] = mark;
    slots[slot] = value;
    this.size++;
  }
}
