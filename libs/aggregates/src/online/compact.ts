import type { Instant } from '@granary/contracts';
import type { Parts } from '../fold-of.js';
import { emptyParts } from '../parts.js';
import { ageRange } from '../window.js';
import { isFolded, isNewerThanRow, isSettled } from './base.js';
import { batchOf, valueOf, type Batch } from './batch.js';
import { compileCompute } from './compute.js';
import type { EntityState } from './entity-state.js';
import type { EventColumns, EventSchema } from './event-schema.js';
import { compileFoldTiles } from './fold-tiles.js';
import type { TileGroup } from './represent-tiles.js';
import type { FeatureRepresentation, StoredColumn, ViewRepresentation } from './represent.js';
import { retained } from './retain.js';
import { take, timelineOf } from './timeline.js';

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
export function compileCompact({ events: schema, features, retention, row, tiles }: ViewRepresentation): (state: EntityState, to: BasePoint) => EntityState {
  const stored = features.filter(({ kept }) => kept === 'stored');
  const youngest = [...new Set([...stored.flatMap((each) => youngestOf(each) ?? []), ...tiles.map(({ ages }) => ages.youngest)])];
  const knownAtColumn = row[1]?.holds.kind === 'knownAt';
  const writers = [...row.flatMap(({ holds }) => compileHead(holds) ?? []), ...stored.map((each) => compileWriter(each, schema)), ...tiles.map((each) => compileTileWriter(each, schema))];

  return (state, to) => {
    const sequence = Math.max(state.sequence, to.sequence);
    const asOf = state.row === null ? to.asOf : Math.max(state.asOf, to.asOf);
    const timeline = timelineOf(schema, state, sequence);
    const { events } = timeline;
    const settled: number[] = [];
    for (let i = 0; i < events.count; i++) if (isSettled(events, i, asOf)) settled.push(i);
    const last = settled.at(-1);
    const newest = last !== undefined && isNewerThanRow(state, timeline, last, knownAtColumn) ? last : null;
    const added = youngest.map((age): [number, Batch] => {
      const positions = settled.filter((i) => asOf - events.times[i]! >= age && !isFolded(state, timeline, i, age));
      return [age, batchOf(take(schema, timeline, positions).events)];
    });
    const folding: Folding = { state, events, newest, added: new Map(added), asOf };
    const kept = retained(retention, events, settled, asOf);
    return {
      sequence,
      asOf,
      row: writers.flatMap((write) => write(folding)),
      log: kept.length === events.count ? events : take(schema, timeline, kept).events,
      tail: [],
    };
  };
}

interface Folding {
  readonly state: EntityState;
  readonly events: EventColumns;
  /** The newest settled event, unless what the row says is of it or of a newer one. */
  readonly newest: number | null;
  /** By the youngest age of a window: what the totals over it don't hold yet. */
  readonly added: ReadonlyMap<number, Batch>;
  readonly asOf: Instant;
}

/** Makes the values of some columns of the row. */
type Writer = (folding: Folding) => Parts;

/** Null: a column of a feature. */
function compileHead({ kind }: StoredColumn['holds']): Writer | null {
  switch (kind) {
    case 'eventTime':
      return ({ state, events, newest }) => [newest === null ? (state.row?.[0] ?? null) : events.times[newest]!];
    case 'knownAt':
      return ({ state, events, newest }) => [newest === null ? (state.row?.[1] ?? null) : events.known![newest]!];
    case 'part':
    case 'tiles':
      return null;
  }
}

function compileWriter(stored: FeatureRepresentation, schema: EventSchema): Writer {
  const { feature, at, parts, place } = stored;
  const youngest = youngestOf(stored);
  if (youngest === null) {
    const [read, [none]] = [valueOf(schema.columns[place.column!]!, place.column!), emptyParts(feature)];
    return ({ state, events, newest }) => [(newest === null ? state.row?.[at] : read(events, newest)) ?? none!];
  }
  const compute = compileCompute(feature, place, schema, true);
  return ({ state, added, asOf }) => {
    const batch = added.get(youngest)!;
    return compute(batch, 0, batch.events.count, asOf, state.row?.slice(at, at + parts.length) ?? null);
  };
}

function compileTileWriter(group: TileGroup, schema: EventSchema): Writer {
  const fold = compileFoldTiles(group, schema);
  return ({ state, added, asOf }) => fold(state, added.get(group.ages.youngest)!, asOf);
}

/** From which age on the row's totals hold an event; null: of a latest, which is no total. */
function youngestOf({ feature }: FeatureRepresentation): number | null {
  const { window } = feature.aggregate;
  return window === null ? null : ageRange(window)!.youngest;
}
