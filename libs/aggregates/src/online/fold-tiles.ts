import type { Instant, Scalar, Value } from '@granary/contracts';
import { oldestAt, hopStart } from '../window.js';
import type { Batch } from './batch.js';
import { compileCompute, type Compute } from './compute.js';
import type { EntityState } from './entity-state.js';
import type { EventSchema } from './event-schema.js';
import { CountingHops, countsOf, hopCounts, hopLists, inNewestHops, valuesOf, type HopLists } from './hop-lists.js';
import { withoutUnread } from './hop-sketches.js';
import { fillerOf, isSketch, type TileGroup, type TileLayout, type TileTotal } from './represent-tiles.js';
import { upperBound } from './timeline.js';

/** What stands in a group's columns of the row, one after the other. */
type TileColumns = readonly (readonly Scalar[])[];

/**
 * Makes, once for a group, the function that gives its columns as of `asOf`, from those of the state's row and the events that they
 * have not: those settled and old enough by then.
 */
export function compileFoldTiles(group: TileGroup, schema: EventSchema): (state: EntityState, fresh: Batch, asOf: Instant) => TileColumns {
  const { hopMs, ages, startsAt } = group;
  const totals = group.totals.map((total) => LAYOUTS[total.layout](total, compileCompute(total.feature, total.place, schema, true)));
  return ({ row }, fresh, asOf) => {
    const before = arrayOf(row, startsAt) as readonly number[];
    const { times, count } = fresh.events;
    const from = asOf - oldestAt(ages, asOf);
    let tile = firstFrom(before, from);
    let event = upperBound(times, count, from - 1);
    const starts: number[] = [];
    const writers = totals.map((begin) => begin(row, fresh, asOf));
    while (tile < before.length || event < count) {
      const start = Math.min(before[tile] ?? Infinity, event < count ? hopStart(times[event]!, hopMs) : Infinity);
      const there = before[tile] === start;
      const end = upperBound(times, count, start + hopMs - 1);
      starts.push(start);
      for (const writer of writers) writer.hop(there ? tile : null, event, end);
      if (there) tile++;
      event = end;
    }
    return [starts, ...writers.flatMap((writer) => writer.columns())];
  };
}

/** Writes the columns of one total. */
interface TileWriter {
  /** The next hop: the events `[from, to)`, which join the hop that is there in the row. */
  readonly hop: (there: number | null, from: number, to: number) => void;
  /** When all hops are there. */
  readonly columns: () => TileColumns;
}

type BeginTiles = (row: EntityState['row'], fresh: Batch, asOf: Instant) => TileWriter;

/** Made once for a total; `compute` gives the parts of events. */
const LAYOUTS: Readonly<Record<TileLayout, (total: TileTotal, compute: Compute) => BeginTiles>> = {
  each({ parts, at, countsAt }, compute) {
    const fillers = parts.map(fillerOf);
    // A decayed weight is as of an instant, which moves on whether or not there are new events.
    const moves = parts.some(({ role }) => role === 'asOf');
    return (row, fresh, asOf) => {
      const columns = parts.map((): Scalar[] => []);
      return {
        hop(there, from, to) {
          const before = there === null ? null : parts.map((_, i) => arrayOf(row, at + i)[there]!);
          if (before !== null && from === to && !moves) return columns.forEach((column, i) => void column.push(before[i]!));
          const counted = there !== null && arrayOf(row, countsAt)[there] !== 0;
          const after = compute(fresh, from, to, asOf, counted ? before : null);
          columns.forEach((column, i) => void column.push((after[i] ?? fillers[i]!) as Scalar));
        },
        columns: () => columns,
      };
    };
  },

  newest(total, compute) {
    const thin = isSketch(total) ? (withoutUnread as (hops: HopLists<Scalar>) => HopLists<Scalar>) : inNewestHops;
    return (row, fresh, asOf) => {
      const there = hopLists(columnsOf(row, total));
      const ends: number[] = [];
      const values: Scalar[] = [];
      return {
        hop(hop, from, to) {
          const before = hop === null ? [] : valuesOf(there, hop);
          const [after] = from === to ? [before] : compute(fresh, from, to, asOf, [before]);
          for (const value of after as readonly Scalar[]) values.push(value);
          ends.push(values.length);
        },
        columns() {
          const kept = thin({ ends, values });
          return [kept.ends, kept.values];
        },
      };
    };
  },

  counted: (total, compute) => (row, fresh, asOf) => {
    const there = hopCounts(columnsOf(row, total));
    const hops = new CountingHops<Scalar>(there);
    return {
      hop(hop, from, to) {
        if (hop !== null && from === to) return hops.copy(hop);
        const [values, counts] = compute(fresh, from, to, asOf, hop === null ? null : countsOf(there, hop));
        hops.add(values as readonly Scalar[], counts as readonly number[]);
      },
      columns: () => [hops.values, hops.packed],
    };
  },
};

/** The columns of a total in the row. */
export function columnsOf(row: EntityState['row'], { at, width }: TileTotal): TileColumns {
  return Array.from({ length: width }, (_, i) => arrayOf(row, at + i));
}

/** A column of the row, an array; of a row that is not there yet it is empty. */
export function arrayOf(row: readonly (Value | null)[] | null, at: number): readonly Scalar[] {
  return (row?.[at] ?? []) as readonly Scalar[];
}

/** The position of the first hop that begins at or after an instant. */
export function firstFrom(starts: readonly number[], instant: Instant): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (starts[middle]! < instant) low = middle + 1;
    else high = middle;
  }
  return low;
}
