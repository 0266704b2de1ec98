import { maskOf, numbersOf, type Batch } from './batch.js';
import type { EventPlace } from './event-place.js';

/**
 * What the events `[from, to)` of a batch that count at a place come to. Several features ask for the same: each is computed
 * once, in one pass.
 */
export interface Totals {
  readonly place: EventPlace;
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Of the column's values as doubles; 0 where there is none. */
  readonly sum: number;
  /** Positions of the first of the least and of the greatest values as doubles; −1: none counts. Undefined: not computed yet. */
  least: number | undefined;
  greatest: number | undefined;
  /** The mean and the sum of squared differences from it. Undefined: not computed yet. */
  mean: number | undefined;
  deviation: number | undefined;
}

export function totalsOf(batch: Batch, place: EventPlace, from: number, to: number): Totals {
  const { totals } = batch;
  for (let i = 0; i < totals.length; i++) {
    const each = totals[i]!;
    if (each.from === from && each.to === to && each.place.column === place.column && each.place.where === place.where) return each;
  }
  const made = compute(batch, place, from, to);
  totals.push(made);
  return made;
}

function compute(batch: Batch, place: EventPlace, from: number, to: number): Totals {
  const mask = maskOf(batch, place);
  const count = mask === null ? to - from : countOf(mask, from, to);
  let sum = 0;
  if (place.column !== null && isNumeric(batch, place.column)) {
    const values = numbersOf(batch, place.column);
    if (mask === null) for (let i = from; i < to; i++) sum += values[i]!;
    else for (let i = from; i < to; i++) if (mask[i] === 1) sum += values[i]!;
  }
  return { place, from, to, count, sum, least: undefined, greatest: undefined, mean: undefined, deviation: undefined };
}

export function countOf(mask: Uint8Array, from: number, to: number): number {
  let count = 0;
  for (let i = from; i < to; i++) count += mask[i]!;
  return count;
}

function isNumeric({ events }: Batch, column: number): boolean {
  return !Array.isArray(events.columns[column]!.values);
}

/** Of a column of doubles, or of what stands for its values as one. */
export function extremesOf(batch: Batch, place: EventPlace, from: number, to: number): { readonly least: number; readonly greatest: number } {
  const totals = totalsOf(batch, place, from, to);
  if (totals.least === undefined) findExtremes(batch, totals);
  return totals as { least: number; greatest: number };
}

function findExtremes(batch: Batch, totals: Totals): void {
  const { place, from, to } = totals;
  const values = numbersOf(batch, place.column!);
  const mask = maskOf(batch, place);
  let low = Infinity;
  let high = -Infinity;
  // Without branches, which values in no order would make slow.
  if (mask === null) {
    for (let i = from; i < to; i++) {
      low = Math.min(low, values[i]!);
      high = Math.max(high, values[i]!);
    }
  } else {
    for (let i = from; i < to; i++) {
      if (mask[i] === 0) continue;
      low = Math.min(low, values[i]!);
      high = Math.max(high, values[i]!);
    }
  }
  totals.least = firstOf(low, values, mask, from, to);
  totals.greatest = firstOf(high, values, mask, from, to);
}

function firstOf(value: number, values: Float64Array, mask: Uint8Array | null, from: number, to: number): number {
  for (let i = from; i < to; i++) if (values[i] === value && (mask === null || mask[i] === 1)) return i;
  return -1;
}

/** Count, mean and sum of squared differences from it, in two passes. */
export function spreadOf(batch: Batch, place: EventPlace, from: number, to: number): { readonly count: number; readonly mean: number; readonly deviation: number } {
  const totals = totalsOf(batch, place, from, to);
  if (totals.mean === undefined) {
    totals.mean = totals.count === 0 ? 0 : totals.sum / totals.count;
    totals.deviation = deviationFrom(totals.mean, batch, totals);
    if (!Number.isFinite(totals.deviation)) Object.assign(totals, welford(numbersOf(batch, place.column!), maskOf(batch, place), from, to));
  }
  return totals as { count: number; mean: number; deviation: number };
}

function deviationFrom(mean: number, batch: Batch, { place, from, to }: Totals): number {
  const values = numbersOf(batch, place.column!);
  const mask = maskOf(batch, place);
  let deviation = 0;
  for (let i = from; i < to; i++) {
    if (mask !== null && mask[i] === 0) continue;
    const difference = values[i]! - mean;
    deviation += difference * difference;
  }
  return deviation;
}

/** Where the sum of the values leaves the doubles their mean need not. */
export function welford(values: Float64Array, mask: Uint8Array | null, from: number, to: number): { readonly mean: number; readonly deviation: number } {
  let [counted, mean, deviation] = [0, 0, 0];
  for (let i = from; i < to; i++) {
    if (mask !== null && mask[i] === 0) continue;
    const difference = values[i]! - mean;
    mean += difference / (counted + 1);
    deviation += (difference * difference * counted) / (counted + 1);
    counted++;
  }
  return { mean, deviation };
}
