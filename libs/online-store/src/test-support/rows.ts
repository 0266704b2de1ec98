import type { OnlineStore } from '../store.js';

/** The write order of a base. */
export interface Order {
  /** All events with sequence ≤ h are in it. */
  readonly h: number;
  readonly t: number;
}

export function at(h: number, t = h): Order {
  return { h, t };
}

/** A base as stores see it: a head, and bytes that mean nothing to them. Calls nothing: child processes get its text. */
export function packed({ h, t }: Order, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const head = Buffer.alloc(27);
  head[0] = 2;
  head.writeBigUInt64BE(BigInt(h) + 2n ** 63n, 7);
  head.writeBigUInt64BE(BigInt(t) + 2n ** 63n, 15);
  head.writeUInt32LE(27 + payload.length, 23);
  return Buffer.concat([head, payload]);
}

export function frame(sequence: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(12 + payload.length, 0);
  head.writeBigUInt64BE(BigInt(sequence) + 2n ** 63n, 4);
  return Buffer.concat([head, payload]);
}

/** The base of a value and its frames, as hex; frames that come twice once, by their bytes. */
export function parsed(value: Uint8Array | null): { readonly base: string; readonly frames: readonly string[] } | null {
  if (value === null) return null;
  const bytes = Buffer.from(value);
  const frames = new Set<string>();
  const length = bytes.readUInt32LE(23);
  for (let start = length; start < bytes.length; ) {
    const end = start + bytes.readUInt32LE(start);
    frames.add(bytes.toString('hex', start, end));
    start = end;
  }
  return { base: bytes.toString('hex', 0, length), frames: [...frames].sort() };
}

export async function readParsed(store: OnlineStore, keys: readonly string[]) {
  return (await store.read(keys)).map(parsed);
}

/** mulberry32: uniform in [0, 1). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [copy[i], copy[j]] = [copy[j]!, copy[i]!];
  }
  return copy;
}
