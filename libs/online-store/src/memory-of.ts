/** The whole piece of memory that values lie in. Positions in it are absolute. */
export interface Memory {
  readonly bytes: Buffer;
  readonly view: DataView;
}

let last: Memory | undefined;

/**
 * The memory of `value`, which begins there at its `byteOffset`. Many values share one: a client cuts replies out of what the
 * socket gave, and an embedded store gives all its values in the same place. A view of each would take as long as reading 50 numbers.
 */
export function memoryOf({ buffer }: Uint8Array): Memory {
  if (last === undefined || last.view.buffer !== buffer) last = { bytes: Buffer.from(buffer), view: new DataView(buffer) };
  return last;
}
