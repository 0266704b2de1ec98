import type { Value } from '@granary/contracts';

/** Orders two values of one type as ClickHouse does: strings by their UTF-8 bytes, false before true. */
export function compareValues(a: Value, b: Value): number {
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

// UTF-8 bytes order like code points; UTF-16 code units don't where surrogates meet U+E000 and above.
function compareStrings(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a.charCodeAt(i) !== b.charCodeAt(i)) return fixUp(a.charCodeAt(i)) - fixUp(b.charCodeAt(i));
  }
  return a.length - b.length;
}

/** Moves surrogates above the rest of the basic plane. */
function fixUp(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}
