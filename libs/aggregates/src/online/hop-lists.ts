import type { Scalar } from '@granary/contracts';
import { packCounts, unpackCounts } from './packed-counts.js';

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

/** How often values occur in hops. */
export interface HopCounts<T extends Scalar> {
  /** The different ones, in the order in which the hops, the oldest first, have them. */
  readonly values: readonly T[];
  /** Of each hop the positions of its values, in the order of these, and their counts (`packCounts`). */
  readonly packed: readonly string[];
}

/** Of columns of a row. */
export function hopCounts([values, packed]: readonly (readonly Scalar[])[]): HopCounts<Scalar> {
  return { values: values!, packed: packed as readonly string[] };
}

/** Of one hop, each value once. */
export function countsOf<T extends Scalar>({ values, packed }: HopCounts<T>, hop: number): readonly [values: readonly T[], counts: readonly number[]] {
  const [own, counts]: [T[], number[]] = [[], []];
  unpackCounts(packed[hop]!, (position, count) => {
    own.push(values[position]!);
    counts.push(count);
  });
  return [own, counts];
}

/** Of the hops from `from` on, each value once. */
export function countsFrom<T extends Scalar>({ values, packed }: HopCounts<T>, from: number): readonly [values: readonly T[], counts: readonly number[]] {
  const totals = new Float64Array(values.length);
  const add = (position: number, count: number): void => void (totals[position]! += count);
  for (let hop = from; hop < packed.length; hop++) unpackCounts(packed[hop]!, add);
  const there = [...values.keys()].filter((position) => totals[position] !== 0);
  return [there.map((position) => values[position]!), there.map((position) => totals[position]!)];
}

/** Takes up the counts of hop after hop. */
export class CountingHops<T extends Scalar> implements HopCounts<T> {
  readonly values: T[] = [];
  readonly packed: string[] = [];
  readonly #known = new Map<T, number>();
  /** Where the values of hops before are now; −1: not known yet. */
  readonly #moved: Int32Array;

  /** `before`: hops of which some are taken as they are. */
  constructor(private readonly before: HopCounts<T> = { values: [], packed: [] }) {
    this.#moved = new Int32Array(before.values.length).fill(-1);
  }

  /** A hop of those before. */
  copy(hop: number): void {
    const packed = this.before.packed[hop]!;
    const [positions, counts]: [number[], number[]] = [[], []];
    let stays = true;
    unpackCounts(packed, (position, count) => {
      if (this.#moved[position] === -1) this.#moved[position] = this.#positionOf(this.before.values[position]!);
      const now = this.#moved[position]!;
      if (now !== position) stays = false;
      positions.push(now);
      counts.push(count);
    });
    this.packed.push(stays ? packed : packCounts(positions, counts));
  }

  add(values: readonly T[], counts: readonly number[]): void {
    this.packed.push(packCounts(values.map((value) => this.#positionOf(value)), counts));
  }

  #positionOf(value: T): number {
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    this.#known.set(value, this.values.length);
    return this.values.push(value) - 1;
  }
}
