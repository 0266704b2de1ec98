/**
 * A 32-bit checksum of `view[0, end)`. Every step maps the state one-to-one, so a change confined to one aligned group
 * of four bytes is always found; other damage slips through with probability 2⁻³². It guards against damaged storage,
 * not against an attacker. Word at a time (mixing as in MurmurHash3's finaliser): a byte-wise CRC would cost more than decoding.
 */
export function checksum(view: DataView, end: number): number {
  let state = 0x9e3779b9 ^ end;
  let at = 0;
  for (; at + 4 <= end; at += 4) state = mix(state ^ view.getUint32(at, true));
  for (; at < end; at++) state = mix(state ^ view.getUint8(at));
  return state >>> 0;
}

// The shift matters: without it two flipped top bits, such as the signs of two floats, would cancel out.
function mix(state: number): number {
  const product = Math.imul(state, 0x85ebca6b);
  return product ^ (product >>> 15);
}
