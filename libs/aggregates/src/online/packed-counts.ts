/**
 * Pairs of a position and a count as a text: of each how far its position is from the one before (that of the first from 0), as an
 * unsigned number by zigzag, and its count less 1; each number by digits of `bits` bits, the least first. A character is a digit
 * plus `last`, or plus `more` where another follows: all are ASCII. Neighbours that occur seldom take two bytes a pair.
 */
export const PACKED_DIGITS = { bits: 5, last: 48, more: 80 } as const;

const { bits, last, more } = PACKED_DIGITS;
const BASE = 2 ** bits;

/** Positions and counts below 2³¹. */
export function packCounts(positions: readonly number[], counts: readonly number[]): string {
  let packed = '';
  let before = 0;
  const write = (number: number): void => {
    let rest = number;
    for (; rest >= BASE; rest = Math.floor(rest / BASE)) packed += String.fromCharCode(more + (rest % BASE));
    packed += String.fromCharCode(last + rest);
  };
  positions.forEach((position, i) => {
    const step = position - before;
    write(step < 0 ? -2 * step - 1 : 2 * step);
    write(counts[i]! - 1);
    before = position;
  });
  return packed;
}

/** Gives the pairs of a text, in their order. */
export function unpackCounts(packed: string, take: (position: number, count: number) => void): void {
  let position = 0;
  let step = 0;
  let number = 0;
  let shift = 0;
  let isCount = false;
  for (let i = 0; i < packed.length; i++) {
    const digit = packed.charCodeAt(i) - last;
    number |= (digit & (BASE - 1)) << shift;
    shift += bits;
    if (digit >= BASE) continue;
    if (isCount) {
      position += (step >>> 1) ^ -(step & 1);
      take(position, number + 1);
    } else {
      step = number;
    }
    isCount = !isCount;
    number = 0;
    shift = 0;
  }
}
