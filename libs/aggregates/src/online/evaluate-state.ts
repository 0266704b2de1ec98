import { named, type Feature, type Instant } from '@granary/contracts';
import type { Parts } from '../fold-of.js';
import { compileFinish } from '../fold.js';
import { emptyParts } from '../parts.js';
import { ageRange, oldestAt, type AgeRange } from '../window.js';
import { isFolded, isNewerThanRow, isVisible } from './base.js';
import { batchOf, valueOf, type Batch } from './batch.js';
import { compileSweeps, doubleOf, isSwept } from './compile-sweeps.js';
import { compileCompute, type Compute } from './compute.js';
import type { EntityState } from './entity-state.js';
import type { EventSchema } from './event-schema.js';
import { compileMergeTiles } from './merge-tiles.js';
import type { FeatureRepresentation, ViewRepresentation } from './represent.js';
import type { Bounds } from './sweep.js';
import { take, timelineOf, upperBound, type Timeline } from './timeline.js';

/** What an entity's state comes to as of an instant. */
export interface Evaluation {
  /** Of each feature, as `partsOf` has them: what `finish` and `foldRequest` take. */
  readonly parts: readonly Parts[];
  /** The time of the entity's newest event that is visible then; null: it has none, so its features are missing. */
  readonly eventTime: Instant | null;
}

/**
 * As of an instant that is not before the state's. Null: nothing is kept of the entity. To `doubles` go the values of the features
 * that were chosen as doubles, in their order, as `finish` gives them, NaN for null; without a state none.
 */
export type Evaluate = (state: EntityState | null, at: Instant, doubles?: Float64Array) => Evaluation;

/** Features by name, each once. */
export interface ChosenFeatures {
  /** Default: all. */
  readonly parts?: readonly string[];
  /** Of which the value alone is wanted: those that `isDouble`. It takes much less time than their parts. Default: none. */
  readonly doubles?: readonly string[];
}

/** Made once for a view, or for those of its features that a service reads. */
export function compileEvaluate(representation: ViewRepresentation, { parts, doubles = [] }: ChosenFeatures = {}): Evaluate {
  const { events: schema } = representation;
  const byName = representation.features.map((each) => ({ name: each.feature.name, ...each }));
  const inParts = parts === undefined ? byName : parts.map((name) => named(byName, name));
  const asDoubles = doubles.map((name) => named(byName, name));
  const chosen = [...inParts, ...asDoubles];
  const windows = distinct(chosen.filter(({ kept }) => kept === 'log').map(({ feature }) => windowOf(feature)));
  const totals = distinct(chosen.filter(isTotal).map(({ feature }) => windowOf(feature)));
  const readers = inParts.map((each) => compileReader(each, schema, each.kept === 'log' ? windows : totals));
  const writeDoubles = compileDoubles(asDoubles, schema, windows, totals);
  const empty = inParts.map(({ feature }) => emptyParts(feature));
  const hasLatest = chosen.some(({ feature }) => feature.aggregate.fn === 'latest');
  const knownAtColumn = representation.row[1]?.holds.kind === 'knownAt';
  const bounds = { from: new Int32Array(windows.length), to: new Int32Array(windows.length) };

  return (state, at, out) => {
    if (state === null) return { parts: empty, eventTime: null };
    const { timeline, count } = visibleAt(schema, timelineOf(schema, state), at);
    const batch = batchOf(timeline.events);
    const rowTime = (state.row?.[0] ?? null) as number | null;
    for (let i = 0; i < windows.length; i++) findBounds(bounds, i, batch, count, at, windows[i]!);
    const reading: Reading = {
      state,
      at,
      batch,
      bounds,
      totals: totals.length === 0 ? NONE : totals.map((ages) => unfolded(schema, state, timeline, batch, count, at, ages)),
      newest: hasLatest && count > 0 && isNewerThanRow(state, timeline, count - 1, knownAtColumn) ? { batch, from: count - 1, to: count } : null,
    };
    if (out !== undefined) writeDoubles(reading, out);
    const newestTime = count === 0 ? null : timeline.events.times[count - 1]!;
    return {
      parts: readers.length === 0 ? NONE : readers.map((read) => read(reading)),
      eventTime: newestTime === null || (rowTime !== null && rowTime > newestTime) ? rowTime : newestTime,
    };
  };
}

const NONE: readonly never[] = [];

/** Some events. */
interface Slice {
  readonly batch: Batch;
  readonly from: number;
  readonly to: number;
}

interface Reading {
  readonly state: EntityState;
  readonly at: Instant;
  /** The entity's visible events, and more after them. */
  readonly batch: Batch;
  /** Which of them each window holds. */
  readonly bounds: Bounds;
  /** Of windows over all of history what they hold beside the totals of the row. */
  readonly totals: readonly Slice[];
  /** The newest event, unless the row has its values. */
  readonly newest: Slice | null;
}

type Reader = (reading: Reading) => Parts;

/** Writes the features' values, in their order. */
function compileDoubles(features: readonly FeatureRepresentation[], schema: EventSchema, windows: readonly (AgeRange | null)[], totals: readonly (AgeRange | null)[]): (reading: Reading, out: Float64Array) => void {
  const places = features.map((each, to) => ({ ...each, to }));
  const swept = places.filter(({ feature, kept, place }) => kept === 'log' && isSwept(feature, place, schema));
  const sweeps = compileSweeps(swept.map(({ feature, place, to }) => ({ feature, place, to, window: positionOf(windows, windowOf(feature)) })), windows);
  const others = places
    .filter((each) => !swept.includes(each))
    .map((each) => ({ to: each.to, read: compileReader(each, schema, each.kept === 'log' ? windows : totals), finish: compileFinish(each.feature) }));
  return (reading, out) => {
    const { batch, bounds, at } = reading;
    for (let i = 0; i < sweeps.length; i++) sweeps[i]!(batch, bounds, at, out);
    for (let i = 0; i < others.length; i++) {
      const { to, read, finish } = others[i]!;
      out[to] = doubleOf(finish(read(reading), at));
    }
  };
}

function compileReader({ feature, kept, at: place, parts, place: where, tiles }: FeatureRepresentation, schema: EventSchema, windows: readonly (AgeRange | null)[]): Reader {
  if (feature.aggregate.fn === 'latest') {
    const [read, [none]] = [valueOf(schema.columns[where.column!]!, where.column!), emptyParts(feature)];
    return ({ state, newest }) => [(newest === null ? state.row?.[place] : read(newest.batch.events, newest.from)) ?? none!];
  }
  const compute: Compute = compileCompute(feature, where, schema, false);
  const window = positionOf(windows, windowOf(feature));
  if (kept === 'log') return ({ batch, bounds: { from, to }, at }) => compute(batch, from[window]!, to[window]!, at, null);
  const before = tiles === null ? ({ row }: EntityState): Parts | null => row?.slice(place, place + parts.length) ?? null : compileMergeTiles(feature, tiles);
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

function positionOf(windows: readonly (AgeRange | null)[], ages: AgeRange | null): number {
  return windows.findIndex((each) => sameAges(each, ages));
}

function distinct(windows: readonly (AgeRange | null)[]): readonly (AgeRange | null)[] {
  return windows.filter((ages, i) => positionOf(windows, ages) === i);
}

/** The visible events, which are the first `count` ones of those given back. */
function visibleAt(schema: EventSchema, timeline: Timeline, at: Instant): { readonly timeline: Timeline; readonly count: number } {
  const { events } = timeline;
  const count = upperBound(events.times, events.count, at);
  if (events.known === null) return { timeline, count };
  let visible = 0;
  while (visible < count && isVisible(events, visible, at)) visible++;
  if (visible === count) return { timeline, count };
  const positions: number[] = [];
  for (let i = 0; i < count; i++) if (isVisible(events, i, at)) positions.push(i);
  return { timeline: take(schema, timeline, positions), count: positions.length };
}

function findBounds({ from, to }: Bounds, i: number, { events }: Batch, count: number, at: Instant, ages: AgeRange | null): void {
  from[i] = ages === null || ages.oldest === Infinity ? 0 : upperBound(events.times, count, at - oldestAt(ages, at) - 1);
  to[i] = ages === null ? 0 : upperBound(events.times, count, at - ages.youngest);
}

const ONE = { from: new Int32Array(1), to: new Int32Array(1) };

/** Of the first `count` events those in the window of which the row's totals do not speak. */
function unfolded(schema: EventSchema, state: EntityState, timeline: Timeline, batch: Batch, count: number, at: Instant, ages: AgeRange | null): Slice {
  findBounds(ONE, 0, batch, count, at, ages);
  const [from, to] = [ONE.from[0]!, ONE.to[0]!];
  const positions: number[] = [];
  for (let i = from; i < to; i++) if (!isFolded(state, timeline, i, ages!.youngest)) positions.push(i);
  if (positions.length === to - from) return { batch, from, to };
  const { events } = take(schema, timeline, positions);
  return { batch: batchOf(events), from: 0, to: events.count };
}
