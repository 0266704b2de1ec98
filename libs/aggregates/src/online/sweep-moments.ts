import type { Instant } from '@granary/contracts';
import { rateValue, SPREADS, spreadValue, type SpreadKind } from '../number-folds.js';
import { maskOf, numbersOf } from './batch.js';
import { finite, newEnd, type BuildSweep, type SweptFeature } from './sweep.js';
import { countOf, welford } from './totals.js';

/** What the events of a window come to, at these places. */
const [COUNT, SUM, LEAST, GREATEST, DEVIATION] = [0, 1, 2, 3, 4] as const;
const NO_VALUES = new Float64Array(0);

/** Counts, sums, means, extremes and variances. */
export const sweepMoments: BuildSweep = (place, steps) => {
  const fns = new Set<string>(steps.flatMap(({ features }) => features.map(({ fn }) => fn)));
  const readsValues = [...fns].some((fn) => fn !== 'count' && fn !== 'rate');
  const spreads = [...fns].some((fn) => fn in SPREADS);
  const moments = new Float64Array(5);

  return (batch, bounds, at, out) => {
    const mask = maskOf(batch, place);
    const values = readsValues ? numbersOf(batch, place.column!) : NO_VALUES;
    let [count, sum, least, greatest, mean, deviation] = [0, 0, Infinity, -Infinity, 0, 0];
    for (let s = 0; s < steps.length; s++) {
      const { window, features } = steps[s]!;
      const begin = bounds.from[window]!;
      const end = newEnd(bounds, steps, s);
      if (end === bounds.to[window]) {
        count = sum = mean = deviation = 0;
        least = Infinity;
        greatest = -Infinity;
      }
      const more = mask === null ? end - begin : countOf(mask, begin, end);
      if (readsValues && more > 0) {
        const [list, first] = mask === null ? [values, begin] : [counted(values, mask, begin, end), 0];
        let total = 0;
        for (let i = first; i < first + more; i++) {
          const value = list[i]!;
          total += value;
          least = Math.min(least, value);
          greatest = Math.max(greatest, value);
        }
        sum += total;
        if (spreads) {
          const middle = total / more;
          let squares = 0;
          for (let i = first; i < first + more; i++) {
            const difference = list[i]! - middle;
            squares += difference * difference;
          }
          // Chan, Golub and LeVeque 1979.
          const difference = middle - mean;
          const all = count + more;
          mean += (difference * more) / all;
          deviation += squares + (difference * difference * count * more) / all;
          if (!Number.isFinite(deviation)) ({ mean, deviation } = welford(values, mask, begin, bounds.to[window]!));
        }
      }
      count += more;
      moments[COUNT] = count;
      moments[SUM] = sum;
      moments[LEAST] = least;
      moments[GREATEST] = greatest;
      moments[DEVIATION] = deviation;
      for (let f = 0; f < features.length; f++) write(features[f]!, moments, at, out);
    }
  };
};

let scratch = new Float64Array(256);

/** Those of `values[from, to)` that count, one after the other; gone with the next call. */
function counted(values: Float64Array, mask: Uint8Array, from: number, to: number): Float64Array {
  if (scratch.length < to - from + 1) scratch = new Float64Array(2 * (to - from));
  let end = 0;
  for (let i = from; i < to; i++) {
    scratch[end] = values[i]!;
    end += mask[i]!;
  }
  return scratch;
}

function write(swept: SweptFeature, moments: Float64Array, at: Instant, out: Float64Array): void {
  const count = moments[COUNT]!;
  if (count === 0) {
    out[swept.to] = swept.whenEmpty;
    return;
  }
  switch (swept.fn) {
    case 'count':
      out[swept.to] = count;
      return;
    case 'rate':
      out[swept.to] = finite(rateValue(count, swept.aggregate, at), swept);
      return;
    case 'sum':
      out[swept.to] = finite(moments[SUM]!, swept);
      return;
    case 'avg':
      out[swept.to] = finite(moments[SUM]! / count, swept);
      return;
    case 'min':
      out[swept.to] = finite(moments[LEAST]!, swept);
      return;
    case 'max':
      out[swept.to] = finite(moments[GREATEST]!, swept);
      return;
    default:
      out[swept.to] = spread(SPREADS[swept.fn as keyof typeof SPREADS], count, moments[DEVIATION]!, swept);
  }
}

function spread({ fewer, root }: SpreadKind, count: number, deviation: number, swept: SweptFeature): number {
  return count <= fewer ? swept.whenEmpty : finite(spreadValue(count, deviation, fewer, root), swept);
}
