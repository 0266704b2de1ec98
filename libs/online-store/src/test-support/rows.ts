import type { WriteOrder } from '@granary/contracts';
import { createRowCodec } from '../codec.js';

const orders = createRowCodec({ id: '000000000000', columns: [] });

/** A value as stores see it: a write order, and bytes that mean nothing to them. */
export function packed(order: WriteOrder, payload: Uint8Array = new Uint8Array(0)): Uint8Array {
  return Buffer.concat([orders.encode({ order, values: [] }), payload]);
}

export function at(eventTime: number, knownAt = eventTime, sequence = 0): WriteOrder {
  return { eventTime, knownAt, sequence };
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
