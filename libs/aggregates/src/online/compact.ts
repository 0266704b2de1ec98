import type { Instant } from '@granary/contracts';
import type { Parts } from '../fold-of.js';
import { emptyParts } from '../parts.js';
import { ageRange } from '../window.js';
import { isFolded, isNewerThanRow, isSettled } from './base.js';
import { batchOf, counts, nullsOf, valueOf, whereOf } from './batch.js';
import { compileCompute } from './compute.js';
import type { EntityState } from './entity-state.js';
import type { FeatureRepresentation, RetainedEnd, ViewRepresentation } from './represent.js';
import { take, timelineOf, type Timeline } from './timeline.js';

/** How far a base is: the events up to `sequence`, for reads at or after `asOf`. */
export interface BasePoint {
  readonly sequence: number;
  readonly asOf: Instant;
}

/**
 * Makes, once for a view, the function that folds the tail up to a sequence into the base, as of an instant; of what comes after
 * it the state given back has nothing. It loses nothing that a read at or after the instant needs. A state that is later already, by
 * its sequence or instant, stays that late: what is folded can't be taken out.
 */
export function compileCompact(representation: ViewRepresentation): (state: EntityState, to: BasePoint) => EntityState {
  const { events: schema, retention } = representation;
  const writers = representation.features.filter(({ kept }) => kept === 'stored').map((each) => compileWriter(each, representation));
  const knownAtColumn = representation.row[1]?.holds.kind === 'knownAt';

  return (state, to) => {
    const sequence = Math.max(state.sequence, to.sequence);
    const asOf = state.row === null ? to.asOf : Math.max(state.asOf, to.asOf);
    const timeline = timelineOf(schema, state, sequence);
    const { events } = timeline;
    const settled: number[] = [];
    for (let i = 0; i < events.count; i++) if (isSettled(events, i, asOf)) settled.push(i);
    const last = settled.at(-1);
    const newest = last !== undefined && isNewerThanRow(state, timeline, last, knownAtColumn) ? last : null;
    const folding: Folding = { state, timeline, settled, newest, asOf };
    const heads = [newest === null ? (state.row?.[0] ?? null) : events.times[newest]!];
    if (knownAtColumn) heads.push(newest === null ? (state.row?.[1] ?? null) : events.known![newest]!);
    const kept = keptOf(folding);
    return {
      sequence,
      asOf,
      row: [...heads, ...writers.flatMap((write) => write(folding))],
      log: kept.length === events.count ? events : take(schema, timeline, kept).events,
      tail: [],
    };
  };

  function keptOf({ timeline, settled, asOf }: Folding): number[] {
    const { times, until, count } = timeline.events;
    const keeps = new Uint8Array(count).fill(1);
    for (const i of settled) if (asOf - times[i]! > retention.reachMs) keeps[i] = 0;
    for (let i = 0; i < count; i++) if (until !== null && until[i]! <= asOf) keeps[i] = 0;
    for (const end of retention.ends) for (const i of endOf(timeline, settled, end, asOf)) keeps[i] = 1;
    if (retention.newestEvent && settled.length > 0) keeps[settled.at(-1)!] = 1;
    const kept: number[] = [];
    for (let i = 0; i < count; i++) if (keeps[i] === 1) kept.push(i);
    return kept;
  }
}

interface Folding {
  readonly state: EntityState;
  readonly timeline: Timeline;
  /** Positions of the settled events, rising. */
  readonly settled: readonly number[];
  /** The newest of them, unless the row has its values. */
  readonly newest: number | null;
  readonly asOf: Instant;
}

function compileWriter({ feature, at, parts, place }: FeatureRepresentation, { events: schema }: ViewRepresentation): (folding: Folding) => Parts {
  const { window, fn } = feature.aggregate;
  if (fn === 'latest') {
    const [read, [none]] = [valueOf(schema.columns[place.column!]!, place.column!), emptyParts(feature)];
    return ({ state, timeline, newest }) => [(newest === null ? state.row?.[at] : read(timeline.events, newest)) ?? none!];
  }
  const compute = compileCompute(feature, place, schema, true);
  const { youngest } = ageRange(window!)!;
  return ({ state, timeline, settled, asOf }) => {
    const added = settled.filter((i) => asOf - timeline.events.times[i]! >= youngest && !isFolded(state, timeline, i, youngest));
    const { events } = take(schema, timeline, added);
    return compute(batchOf(events), 0, events.count, asOf, state.row?.slice(at, at + parts.length) ?? null);
  };
}

function endOf({ events }: Timeline, settled: readonly number[], { end, n, youngest, place }: RetainedEnd, asOf: Instant): number[] {
  const [where, nulls] = [whereOf(events, place.where), nullsOf(events, place.column)];
  const counted = settled.filter((i) => asOf - events.times[i]! >= youngest && counts(where, nulls, i));
  return end === 'oldest' ? counted.slice(0, n) : counted.slice(-n);
}
