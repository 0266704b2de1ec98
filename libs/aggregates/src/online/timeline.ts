import type { Instant, Value } from '@granary/contracts';
import type { EntityState } from './entity-state.js';
import { eventColumns, type EventColumn, type EventColumns, type EventSchema, type FixedValues, type TailEvent } from './event-schema.js';

/** Log and tail in one, ascending by (time, known, sequence). */
export interface Timeline {
  readonly events: EventColumns;
  /** 1: from the tail, so that the base knows nothing of it. Null: none is. */
  readonly fresh: Uint8Array | null;
}

/** The state's events of which the base does not speak, each once. `upTo`: those of greater sequence are left out. */
export function timelineOf(schema: EventSchema, { sequence, log, tail }: EntityState, upTo = Infinity): Timeline {
  if (tail.length === 0) return { events: log, fresh: null };
  const later = tail.filter((event) => event.sequence > sequence && event.sequence <= upTo);
  if (later.length === 0) return { events: log, fresh: null };
  later.sort((a, b) => a.time - b.time || a.known - b.known || a.sequence - b.sequence);
  return merge(schema, log, later.filter((event, i) => i === 0 || event.sequence !== later[i - 1]!.sequence));
}

/** Events of the log stand before those of the tail that came at the same instant: their sequence is less. */
function merge(schema: EventSchema, log: EventColumns, tail: readonly TailEvent[]): Timeline {
  const events = eventColumns(schema, log.count + tail.length);
  const fresh = new Uint8Array(events.count);
  const places = tail.map(({ time, known }, i) => i + positionAfter(log, time, known));
  places.forEach((place, i) => {
    const { time, known, conditions, values } = tail[i]!;
    fresh[place] = 1;
    events.times[place] = time;
    if (events.known !== null) events.known[place] = known;
    conditions.forEach((answer, condition) => (events.conditions[condition]![place] = answer));
    values.forEach((value, column) => setValue(schema.columns[column]!, events.columns[column]!, place, value));
  });
  // From one event of the tail to the next the log is copied as it is.
  for (let i = 0, from = 0; i <= places.length; i++) {
    const end = i < places.length ? places[i]! : events.count;
    const start = i === 0 ? 0 : places[i - 1]! + 1;
    copyEvents(log, from, end - start, events, start);
    from += end - start;
  }
  return { events, fresh };
}

/** How many events of the log are at or before that instant. */
function positionAfter({ times, known, count }: EventColumns, time: Instant, knownAt: Instant): number {
  let at = upperBound(times, count, time);
  while (known !== null && at > 0 && times[at - 1] === time && known[at - 1]! > knownAt) at--;
  return at;
}

function setValue({ type }: EventSchema['columns'][number], { nulls, values }: EventColumn, at: number, value: Value | null): void {
  if (value === null) {
    if (nulls === null) throw new Error('an event lacks a field that is not nullable');
    nulls[at] = 1;
    return;
  }
  // A bool stands in its array as 0 or 1.
  (values as Value[])[at] = type.kind === 'enum' ? type.values.indexOf(value as string) : value;
}

function copyEvents(from: EventColumns, start: number, count: number, to: EventColumns, at: number): void {
  if (count === 0) return;
  forEachArray(from, to, (source, target) => {
    if (Array.isArray(source)) for (let i = 0; i < count; i++) (target as unknown[])[at + i] = source[start + i];
    else (target as Uint8Array).set(count === source.length ? (source as Uint8Array) : (source as Uint8Array).subarray(start, start + count), at);
  });
}

/** The events at these positions, which rise. */
export function take(schema: EventSchema, { events, fresh }: Timeline, positions: readonly number[]): Timeline {
  const taken = eventColumns(schema, positions.length);
  forEachArray(events, taken, (source, target) => positions.forEach((position, i) => ((target as unknown[])[i] = source[position])));
  return { events: taken, fresh: fresh === null ? null : Uint8Array.from(positions, (position) => fresh[position]!) };
}

type AnyValues = FixedValues | unknown[];

function forEachArray(from: EventColumns, to: EventColumns, visit: (source: AnyValues, target: AnyValues) => void): void {
  visit(from.times, to.times);
  if (from.known !== null) visit(from.known, to.known!);
  if (from.until !== null) visit(from.until, to.until!);
  from.conditions.forEach((condition, i) => visit(condition, to.conditions[i]!));
  from.columns.forEach(({ nulls, values }, i) => {
    if (nulls !== null) visit(nulls, to.columns[i]!.nulls!);
    visit(values, to.columns[i]!.values);
  });
}

/** How many of the first `count` times, which rise, are at most `time`. */
export function upperBound(times: Float64Array, count: number, time: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}
