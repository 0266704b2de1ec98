import type { Scalar } from '@granary/contracts';
import { maskOf, valueReader, type Batch } from './batch.js';
import type { Compute, ComputeContext } from './compute.js';
import type { EventPlace } from './event-place.js';

/** The newest event before `to` that counts; −1: none. */
function newestCounted(batch: Batch, place: EventPlace, from: number, to: number): number {
  const mask = maskOf(batch, place);
  for (let i = to - 1; i >= from; i--) if (mask === null || mask[i] === 1) return i;
  return -1;
}

/** The oldest event from `from` on that counts; −1: none. */
function oldestCounted(batch: Batch, place: EventPlace, from: number, to: number): number {
  const mask = maskOf(batch, place);
  for (let i = from; i < to; i++) if (mask === null || mask[i] === 1) return i;
  return -1;
}

function pick(find: typeof newestCounted): (context: ComputeContext) => Compute {
  return ({ place, field }) => {
    const read = valueReader(field!, place.column!);
    return (batch, from, to) => {
      const at = find(batch, place, from, to);
      return [at < 0 ? null : read(batch.events, at)];
    };
  };
}

const lastN = ({ feature, place, field }: ComputeContext): Compute => {
  const [read, n] = [valueReader(field!, place.column!), feature.aggregate.n!];
  return (batch, from, to) => {
    const newest: Scalar[] = [];
    for (let i = newestCounted(batch, place, from, to); i >= 0 && newest.length < n; i = newestCounted(batch, place, from, i)) newest.push(read(batch.events, i) as Scalar);
    return [newest];
  };
};

const timeSinceLast = ({ place }: ComputeContext): Compute => (batch, from, to) => {
  const at = newestCounted(batch, place, from, to);
  return [at < 0 ? null : batch.events.times[at]!];
};

/** They read events only: over all of history too, for the log keeps those at its ends. */
export const orderPicks = { first: pick(oldestCounted), last: pick(newestCounted), lastN, timeSinceLast } as const;
