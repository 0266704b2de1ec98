import type { Instant, Scalar, Value } from '@granary/contracts';
import { oldestAt, hopStart } from '../window.js';
import type { Batch } from './batch.js';
import { compileCompute, type Compute } from './compute.js';
import type { EntityState } from './entity-state.js';
import type { EventSchema } from './event-schema.js';
import { withoutUnread } from './hop-sketches.js';
import { fillerOf, isSketch, type TileGroup, type TileTotal } from './represent-tiles.js';
import { upperBound } from './timeline.js';

/** What stands in a group's columns of the row, one after the other. */
type TileColumns = readonly (readonly Scalar[])[];

/**
 * Makes, once for a group, the function that gives its columns as of `asOf`, from those of the state's row and the events that they
 * have not: those settled and old enough by then.
 */
export function compileFoldTiles(group: TileGroup, schema: EventSchema): (state: EntityState, fresh: Batch, asOf: Instant) => TileColumns {
  const { hopMs, ages, startsAt } = group;
  const totals = group.totals.map((total) => (isSketch(total) ? compileSketch(total, schema) : compileTotal(total, schema)));
  return ({ row }, fresh, asOf) => {
    const before = arrayOf(row, startsAt) as readonly number[];
    const { times, count } = fresh.events;
    const from = asOf - oldestAt(ages, asOf);
    let tile = firstFrom(before, from);
    let event = upperBound(times, count, from - 1);
    const starts: number[] = [];
    const columns = group.totals.map(({ width }) => Array.from({ length: width }, (): Scalar[] => []));
    while (tile < before.length || event < count) {
      const start = Math.min(before[tile] ?? Infinity, event < count ? hopStart(times[event]!, hopMs) : Infinity);
      const there = before[tile] === start;
      const end = upperBound(times, count, start + hopMs - 1);
      starts.push(start);
      totals.forEach((total, i) => total.write(columns[i]!, row, there ? tile : null, fresh, event, end, asOf));
      if (there) tile++;
      event = end;
    }
    return [starts, ...totals.flatMap(({ finish }, i) => finish(columns[i]!))];
  };
}

interface CompiledTotal {
  /** Adds a hop to its columns: the events `[from, to)`, which join the hop that is there. */
  readonly write: (columns: readonly Scalar[][], row: EntityState['row'], there: number | null, fresh: Batch, from: number, to: number, asOf: Instant) => void;
  /** When all hops are there. */
  readonly finish: (columns: TileColumns) => TileColumns;
}

function compileTotal({ feature, place, parts, at, countsAt }: TileTotal, schema: EventSchema): CompiledTotal {
  const compute: Compute = compileCompute(feature, place, schema, true);
  const fillers = parts.map(fillerOf);
  // A decayed weight is as of an instant, which moves on whether or not there are new events.
  const moves = parts.some(({ role }) => role === 'asOf');
  return {
    finish: (columns) => columns,
    write(columns, row, there, fresh, from, to, asOf) {
      const before = there === null ? null : parts.map((_, i) => arrayOf(row, at + i)[there]!);
      if (before !== null && from === to && !moves) return columns.forEach((column, i) => void column.push(before[i]!));
      const counted = there !== null && arrayOf(row, countsAt)[there] !== 0;
      const after = compute(fresh, from, to, asOf, counted ? before : null);
      columns.forEach((column, i) => void column.push((after[i] ?? fillers[i]!) as Scalar));
    },
  };
}

function compileSketch({ feature, place, at }: TileTotal, schema: EventSchema): CompiledTotal {
  const compute: Compute = compileCompute(feature, place, schema, true);
  return {
    write([ends, hashes], row, there, fresh, from, to, asOf) {
      const before = there === null ? [] : arrayOf(row, at + 1).slice((arrayOf(row, at)[there - 1] as number | undefined) ?? 0, arrayOf(row, at)[there] as number);
      const [after] = from === to ? [before] : compute(fresh, from, to, asOf, [before]);
      for (const hash of after as readonly Scalar[]) hashes!.push(hash);
      ends!.push(hashes!.length);
    },
    finish([ends, hashes]) {
      const kept = withoutUnread({ ends: ends as readonly number[], hashes: hashes as readonly number[] });
      return [kept.ends, kept.hashes];
    },
  };
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
