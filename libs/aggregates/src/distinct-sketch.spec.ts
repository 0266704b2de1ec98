import { describe, expect, it } from '@jest/globals';
import type { Scalar } from '@granary/contracts';
import { SKETCH_SIZE, Sketching, estimateDistinct, sketchHash } from './distinct-sketch.js';
import { sketchFrom, withoutUnread } from './online/hop-sketches.js';

let state = Number(process.env['SEED']);
console.info(`sketch seed ${state}`);
/** Knuth's multiplicative generator. */
const below = (n: number): number => Math.floor(((state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32) * n);
const drawn = (length: number, max: number): number[] => Array.from({ length }, () => below(max));

function sketchOf(values: Iterable<Scalar>): readonly number[] {
  const sketching = new Sketching();
  for (const value of values) sketching.add(sketchHash(value));
  return sketching.done();
}
const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const KINDS: Readonly<Record<string, (i: number) => Scalar>> = { int32: (i) => i, float64: (i) => i / 7, int64: (i) => BigInt(i) << 33n, string: (i) => `user ${i} ü`, timestamp: (i) => Date.UTC(2026, 0, 1) + 60_000 * i };

describe('a sketch', () => {
  it.each(Object.keys(KINDS))('of %s counts exactly below its size, and beyond it within three standard errors', (kind) => {
    const about = (n: number): number => estimateDistinct(sketchOf(count(n).map(KINDS[kind]!)));
    for (const n of [0, 1, 500, SKETCH_SIZE - 1]) expect(about(n)).toBe(n);
    for (const n of [SKETCH_SIZE, 2_000, 10_000, 40_000]) expect(Math.abs(about(n) / n - 1)).toBeLessThan(3 / Math.sqrt(SKETCH_SIZE - 2));
  });

  it('is the same of the same values, in whatever order, however often, and from whatever parts it was merged', () => {
    const all = drawn(9_000, 6_000);
    const whole = sketchOf(all);
    expect(sketchOf([...all].reverse())).toEqual(whole);
    const ends = [0, ...drawn(4, all.length).sort((a, b) => a - b), all.length];
    const merged = ends.slice(1).reduce((before: readonly number[], end, i) => {
      const sketching = new Sketching(before);
      for (const hash of sketchOf(all.slice(ends[i], end))) sketching.add(hash);
      return sketching.done();
    }, []);
    expect(merged).toEqual(whole);
  });

  it('takes 0 and −0 for the same, and no two others', () => {
    expect(sketchHash(-0)).toBe(sketchHash(0));
    const others: Scalar[] = ['', '\0', '\0\0\0\0', 'a', 'aa', 0, 1, 2 ** 32, 1n, 1n << 32n, -1n];
    expect(new Set(others.map(sketchHash)).size).toBe(others.length);
  });
});

describe('the sketches of hops', () => {
  const listed = (sketches: readonly (readonly number[])[]) => {
    let end = 0;
    return { ends: sketches.map((own) => (end += own.length)), values: sketches.flat() };
  };

  it('give without what is not read the sketch of every window, whenever that is left out', () => {
    for (let run = 0; run < 4; run++) {
      const values = drawn(1 + below(14), 900).map((n) => drawn(n, 12_000));
      const sketches = values.map(sketchOf);
      const kept = withoutUnread(listed(sketches));
      values.forEach((_, from) => expect(sketchFrom(kept, from)).toEqual(sketchOf(values.slice(from).flat())));
      expect(kept.values.length).toBe(new Set(kept.values).size);
      // What comes late, to any hop, finds the same there as in hops that nothing was left out of.
      const hop = below(values.length);
      const [more, before] = [sketchOf([1, 2, 3, 20_000]), kept.ends.map((end, i) => kept.values.slice(kept.ends[i - 1] ?? 0, end))];
      const added = (own: readonly number[]): readonly number[] => [...new Set([...own, ...more])].sort((a, b) => a - b);
      const withMore = (all: readonly (readonly number[])[]) => withoutUnread(listed(all.map((own, i) => (i === hop ? added(own) : own))));
      expect(withMore(before)).toEqual(withMore(sketches));
    }
  });

  it('are few: of n values in whatever hops about 1024 × (1 + ln(n ÷ 1024)) hashes', () => {
    const [hops, each] = [200, 500];
    const { values: hashes } = withoutUnread(listed(count(hops).map((hop) => sketchOf(count(each).map((i) => each * hop + i)))));
    const expected = SKETCH_SIZE * (1 + Math.log((hops * each) / SKETCH_SIZE));
    expect(hashes.length / expected).toBeGreaterThan(0.95);
    expect(hashes.length / expected).toBeLessThan(1.05);
  });
});
