import { SKETCH_SIZE, Sketching, estimateDistinct, hashOfNumber } from '../distinct-sketch.js';
import { maskOf, numbersOf, type Batch } from './batch.js';
import { addDistinct, addDistinctIntegers, beginDistinct } from './distinct-numbers.js';
import { finite, newEnd, type BuildSweep } from './sweep.js';

export const sweepAnswers: BuildSweep = (place, steps) => (batch, bounds, _at, out) => {
  const mask = maskOf(batch, place);
  const answers = batch.events.conditions[place.predicate!]!;
  let [hits, answered] = [0, 0];
  for (let s = 0; s < steps.length; s++) {
    const { window, features } = steps[s]!;
    const end = newEnd(bounds, steps, s);
    if (end === bounds.to[window]) hits = answered = 0;
    for (let i = bounds.from[window]!; i < end; i++) {
      // 0 null, 1 true, 2 false; without a branch, which a mixture of answers would make slow.
      const answer = answers[i]! * (mask === null ? 1 : mask[i]!);
      hits += answer & 1;
      answered += (answer + 1) >> 1;
    }
    for (let f = 0; f < features.length; f++) out[features[f]!.to] = answered === 0 ? features[f]!.whenEmpty : hits / answered;
  }
};

export const sweepDistinct: BuildSweep = (place, steps) => (batch, bounds, _at, out) => {
  const mask = maskOf(batch, place);
  const { values } = batch.events.columns[place.column!]!;
  const doubles = values instanceof Int32Array ? null : numbersOf(batch, place.column!);
  let distinct = 0;
  for (let s = 0; s < steps.length; s++) {
    const { window, features } = steps[s]!;
    const end = newEnd(bounds, steps, s);
    if (end === bounds.to[window]) {
      distinct = 0;
      beginDistinct(batch.events.count);
    }
    const begin = bounds.from[window]!;
    distinct += doubles === null ? addDistinctIntegers(values as Int32Array, mask, begin, end) : addDistinct(doubles, mask, begin, end);
    for (let f = 0; f < features.length; f++) {
      const { fn, to, whenEmpty } = features[f]!;
      if (distinct >= SKETCH_SIZE && fn === 'approxCountDistinct') out[to] = aboutHowMany(batch, mask, place.column!, begin, bounds.to[window]!);
      else out[to] = distinct === 0 ? whenEmpty : distinct;
    }
  }
};

function aboutHowMany(batch: Batch, mask: Uint8Array | null, column: number, from: number, to: number): number {
  const numbers = numbersOf(batch, column);
  const sketching = new Sketching();
  for (let i = from; i < to; i++) if (mask === null || mask[i] === 1) sketching.add(hashOfNumber(numbers[i]!));
  return estimateDistinct(sketching.done());
}

/** The newest value, and how long ago it was. */
export const sweepNewest: BuildSweep = (place, steps) => (batch, bounds, at, out) => {
  const mask = maskOf(batch, place);
  let newest = -1;
  for (let s = 0; s < steps.length; s++) {
    const { window, features } = steps[s]!;
    const end = newEnd(bounds, steps, s);
    if (end === bounds.to[window]) newest = -1;
    for (let i = end - 1; newest < 0 && i >= bounds.from[window]!; i--) if (mask === null || mask[i] === 1) newest = i;
    for (let f = 0; f < features.length; f++) {
      const swept = features[f]!;
      if (newest < 0) out[swept.to] = swept.whenEmpty;
      else if (swept.fn === 'timeSinceLast') out[swept.to] = at - batch.events.times[newest]!;
      else out[swept.to] = finite(batch.events.columns[place.column!]!.values[newest] as number, swept);
    }
  }
};

export const sweepOldest: BuildSweep = (place, steps) => (batch, bounds, _at, out) => {
  const mask = maskOf(batch, place);
  let oldest = -1;
  for (let s = 0; s < steps.length; s++) {
    const { window, features } = steps[s]!;
    const end = newEnd(bounds, steps, s);
    if (end === bounds.to[window]) oldest = -1;
    for (let i = bounds.from[window]!; i < end; i++) {
      if (mask !== null && mask[i] === 0) continue;
      oldest = i;
      break;
    }
    for (let f = 0; f < features.length; f++) {
      const swept = features[f]!;
      out[swept.to] = oldest < 0 ? swept.whenEmpty : finite(batch.events.columns[place.column!]!.values[oldest] as number, swept);
    }
  }
};
