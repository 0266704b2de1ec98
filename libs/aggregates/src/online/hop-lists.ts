import type { Scalar } from '@granary/contracts';

/** Values of hops, the oldest hop's first, each hop's rising; `ends` says behind which of them each hop's end. */
export interface HopLists<T extends Scalar> {
  readonly ends: readonly number[];
  readonly values: readonly T[];
}

/** Of columns of a row. */
export function hopLists([ends, values]: readonly (readonly Scalar[])[]): HopLists<Scalar> {
  return { ends: ends as readonly number[], values: values! };
}

export function valuesOf<T extends Scalar>({ ends, values }: HopLists<T>, hop: number): readonly T[] {
  return values.slice(ends[hop - 1] ?? 0, ends[hop]);
}

/** Of the hops from `from` on. */
export function valuesFrom<T extends Scalar>({ ends, values }: HopLists<T>, from: number): readonly T[] {
  return values.slice(ends[from - 1] ?? 0);
}

/** Each value in the newest hop that has it: all that windows need which hold the hops from any one on. */
export function inNewestHops<T extends Scalar>({ ends, values }: HopLists<T>): HopLists<T> {
  const last = new Map(values.map((value, i) => [value, i]));
  const kept: T[] = [];
  let i = 0;
  const keptEnds = ends.map((end) => {
    for (; i < end; i++) if (last.get(values[i]!) === i) kept.push(values[i]!);
    return kept.length;
  });
  return { ends: keptEnds, values: kept };
}

/**
 * How often values occur in hops. `values`: the different ones, in the order in which the hops, the oldest first, have them. Of
 * each hop's pairs of a value and its count, of which `ends` says where they end, one array has the value's position, one the count.
 */
export interface HopCounts<T extends Scalar> extends HopLists<T> {
  readonly positions: readonly number[];
  readonly counts: readonly number[];
}

/** Of columns of a row. */
export function hopCounts([ends, values, positions, counts]: readonly (readonly Scalar[])[]): HopCounts<Scalar> {
  return { ...hopLists([ends!, values!]), positions: positions as readonly number[], counts: counts as readonly number[] };
}

/** Of one hop, each value once. */
export function countsOf<T extends Scalar>({ ends, values, positions, counts }: HopCounts<T>, hop: number): readonly [values: readonly T[], counts: readonly number[]] {
  const [from, to] = [ends[hop - 1] ?? 0, ends[hop]!];
  return [positions.slice(from, to).map((position) => values[position]!), counts.slice(from, to)];
}

/** Of the hops from `from` on, each value once. */
export function countsFrom<T extends Scalar>({ ends, values, positions, counts }: HopCounts<T>, from: number): readonly [values: readonly T[], counts: readonly number[]] {
  const totals = new Float64Array(values.length);
  for (let i = ends[from - 1] ?? 0; i < positions.length; i++) totals[positions[i]!]! += counts[i]!;
  const there = [...values.keys()].filter((position) => totals[position] !== 0);
  return [there.map((position) => values[position]!), there.map((position) => totals[position]!)];
}

/** Takes up the counts of hop after hop. */
export class CountingHops<T extends Scalar> implements HopCounts<T> {
  readonly ends: number[] = [];
  readonly values: T[] = [];
  readonly positions: number[] = [];
  readonly counts: number[] = [];
  readonly #known = new Map<T, number>();

  add(values: readonly T[], counts: readonly number[]): void {
    for (const value of values) this.positions.push(this.#positionOf(value));
    for (const count of counts) this.counts.push(count);
    this.ends.push(this.positions.length);
  }

  #positionOf(value: T): number {
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    this.#known.set(value, this.values.length);
    return this.values.push(value) - 1;
  }
}
