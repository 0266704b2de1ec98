import type { Instant } from '@granary/contracts';
import { batchOf, maskOf } from './batch.js';
import type { EventColumns } from './event-schema.js';
import type { RetainedEnd, Retention } from './represent.js';

/** The positions of the events that the log of a base as of `asOf` keeps; `settled` are those of the events that are settled then, rising. */
export function retained({ reachMs, ends, newestEvent }: Retention, events: EventColumns, settled: readonly number[], asOf: Instant): readonly number[] {
  const { times, until, count } = events;
  const keeps = new Uint8Array(count).fill(1);
  for (const i of settled) if (asOf - times[i]! > reachMs) keeps[i] = 0;
  if (until !== null) for (let i = 0; i < count; i++) if (until[i]! <= asOf) keeps[i] = 0;
  for (const end of ends) for (const i of endOf(end, events, settled, asOf)) keeps[i] = 1;
  if (newestEvent) for (const i of settled.slice(-1)) keeps[i] = 1;
  const kept: number[] = [];
  for (let i = 0; i < count; i++) if (keeps[i] === 1) kept.push(i);
  return kept;
}

function endOf({ end, n, youngest, oldest, place }: RetainedEnd, events: EventColumns, settled: readonly number[], asOf: Instant): readonly number[] {
  const mask = maskOf(batchOf(events), place);
  const counted = settled.filter((i) => asOf - events.times[i]! >= youngest && asOf - events.times[i]! <= oldest && (mask === null || mask[i] === 1));
  return end === 'oldest' ? counted.slice(0, n) : counted.slice(-n);
}
