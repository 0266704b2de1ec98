import { named, type Feature, type Instant } from '@granary/contracts';
import type { Parts } from '../fold-of.js';
import { emptyParts } from '../parts.js';
import { ageRange, oldestAt, type AgeRange } from '../window.js';
import { isFolded, isNewerThanRow, isVisible } from './base.js';
import { batchOf, valueOf, type Batch } from './batch.js';
import { compileCompute, type Compute } from './compute.js';
import type { EntityState } from './entity-state.js';
import type { EventSchema } from './event-schema.js';
import { compileMergeTiles } from './merge-tiles.js';
import type { FeatureRepresentation, ViewRepresentation } from './represent.js';
import { take, timelineOf, upperBound, type Timeline } from './timeline.js';

/** What an entity's state comes to as of an instant. */
export interface Evaluation {
  /** Of each feature, as `partsOf` has them: what `finish` and `foldRequest` take. */
  readonly parts: readonly Parts[];
  /** The time of the entity's newest event that is visible then; null: it has none, so its features are missing. */
  readonly eventTime: Instant | null;
}

/** As of an instant that is not before the state's. Null: nothing is kept of the entity. */
export type Evaluate = (state: EntityState | null, at: Instant) => Evaluation;

/** Made once for a view, or for those of its features that a service reads, in the order of `names`. */
export function compileEvaluate(representation: ViewRepresentation, names: readonly string[] = representation.features.map(({ feature }) => feature.name)): Evaluate {
  const { events: schema } = representation;
  const byName = representation.features.map((each) => ({ name: each.feature.name, ...each }));
  const chosen = names.map((name) => named(byName, name));
  const windows = distinct(chosen.filter(({ kept }) => kept === 'log').map(({ feature }) => windowOf(feature)));
  const totals = distinct(chosen.filter(isTotal).map(({ feature }) => windowOf(feature)));
  const readers = chosen.map((each) => compileReader(each, schema, each.kept === 'log' ? windows : totals));
  const empty = chosen.map(({ feature }) => emptyParts(feature));
  const hasLatest = chosen.some(({ feature }) => feature.aggregate.fn === 'latest');
  const knownAtColumn = representation.row[1]?.holds.kind === 'knownAt';

  return (state, at) => {
    if (state === null) return { parts: empty, eventTime: null };
    const { timeline, count } = visibleAt(schema, timelineOf(schema, state), at);
    const all = batchOf(timeline.events);
    const rowTime = (state.row?.[0] ?? null) as number | null;
    const reading: Reading = {
      state,
      at,
      slices: windows.map((ages) => sliceOf(all, count, at, ages)),
      totals: totals.map((ages) => unfolded(schema, state, timeline, sliceOf(all, count, at, ages), ages)),
      newest: hasLatest && count > 0 && isNewerThanRow(state, timeline, count - 1, knownAtColumn) ? { batch: all, from: count - 1, to: count } : null,
    };
    const newestTime = count === 0 ? null : timeline.events.times[count - 1]!;
    return {
      parts: readers.map((read) => read(reading)),
      eventTime: newestTime === null || (rowTime !== null && rowTime > newestTime) ? rowTime : newestTime,
    };
  };
}

/** Some of an entity's visible events. */
interface Slice {
  readonly batch: Batch;
  readonly from: number;
  readonly to: number;
}

interface Reading {
  readonly state: EntityState;
  readonly at: Instant;
  /** What each window holds. */
  readonly slices: readonly Slice[];
  /** Of windows over all of history what they hold beside the totals of the row. */
  readonly totals: readonly Slice[];
  /** The newest event, unless the row has its values. */
  readonly newest: Slice | null;
}

type Reader = (reading: Reading) => Parts;

function compileReader({ feature, kept, at: place, parts, place: where, tiles }: FeatureRepresentation, schema: EventSchema, windows: readonly (AgeRange | null)[]): Reader {
  if (feature.aggregate.fn === 'latest') {
    const [read, [none]] = [valueOf(schema.columns[where.column!]!, where.column!), emptyParts(feature)];
    return ({ state, newest }) => [(newest === null ? state.row?.[place] : read(newest.batch.events, newest.from)) ?? none!];
  }
  const compute: Compute = compileCompute(feature, where, schema, false);
  const window = windows.findIndex((each) => sameAges(each, windowOf(feature)));
  if (kept === 'log') {
    return ({ slices, at }) => {
      const { batch, from, to } = slices[window]!;
      return compute(batch, from, to, at, null);
    };
  }
  const before = tiles === null ? ({ row }: EntityState): Parts | null => row?.slice(place, place + parts.length) ?? null : compileMergeTiles(tiles, windowOf(feature)!);
  return ({ state, totals, at }) => {
    const { batch, from, to } = totals[window]!;
    return compute(batch, from, to, at, before(state, at));
  };
}

function isTotal({ feature, kept }: FeatureRepresentation): boolean {
  return kept !== 'log' && feature.aggregate.window !== null;
}

function windowOf({ aggregate }: Feature): AgeRange | null {
  return ageRange(aggregate.window!);
}

function sameAges(a: AgeRange | null, b: AgeRange | null): boolean {
  return a?.youngest === b?.youngest && a?.oldest === b?.oldest && a?.hopMs === b?.hopMs;
}

function distinct(windows: readonly (AgeRange | null)[]): readonly (AgeRange | null)[] {
  return windows.filter((ages, i) => windows.findIndex((each) => sameAges(each, ages)) === i);
}

/** The visible events, which are the first `count` ones of those given back. */
function visibleAt(schema: EventSchema, timeline: Timeline, at: Instant): { readonly timeline: Timeline; readonly count: number } {
  const { events } = timeline;
  const count = upperBound(events.times, events.count, at);
  if (events.known === null) return { timeline, count };
  const visible: number[] = [];
  for (let i = 0; i < count; i++) if (isVisible(events, i, at)) visible.push(i);
  return { timeline: visible.length === count ? timeline : take(schema, timeline, visible), count: visible.length };
}

function sliceOf(batch: Batch, count: number, at: Instant, ages: AgeRange | null): Slice {
  if (ages === null) return { batch, from: 0, to: 0 };
  const { times } = batch.events;
  return { batch, from: ages.oldest === Infinity ? 0 : upperBound(times, count, at - oldestAt(ages, at) - 1), to: upperBound(times, count, at - ages.youngest) };
}

function unfolded(schema: EventSchema, state: EntityState, timeline: Timeline, slice: Slice, ages: AgeRange | null): Slice {
  const positions: number[] = [];
  for (let i = slice.from; i < slice.to; i++) if (!isFolded(state, timeline, i, ages!.youngest)) positions.push(i);
  if (positions.length === slice.to - slice.from) return slice;
  const { events } = take(schema, timeline, positions);
  return { batch: batchOf(events), from: 0, to: events.count };
}
