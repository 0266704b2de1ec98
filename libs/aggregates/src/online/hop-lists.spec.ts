import { expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { CountingHops, countsFrom, countsOf, inNewestHops, valuesFrom } from './hop-lists.js';
import { packCounts, unpackCounts } from './packed-counts.js';

const seed = Number(process.env['SEED']);

it('counts by position come out of a text as they went in', () => {
  const below = (most: number): fc.Arbitrary<number> => fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: most }));
  fc.assert(
    fc.property(fc.array(fc.tuple(below(2 ** 31 - 1), below(2 ** 31 - 2).map((n) => n + 1))), (pairs) => {
      const read: [number, number][] = [];
      unpackCounts(packCounts(pairs.map(([position]) => position), pairs.map(([, count]) => count)), (position, count) => read.push([position, count]));
      expect(read).toEqual(pairs);
    }),
    { seed },
  );
  expect(packCounts([0, 1, 2, 0], [1, 32, 33, 1])).toBe('0' + '0' + '2' + 'O' + '2' + 'P1' + '3' + '0');
});

it('hops give the values and counts from any one on', () => {
  const hop = fc.uniqueArray(fc.nat({ max: 9 })).map((values) => values.sort());
  fc.assert(
    fc.property(fc.array(hop), (hops) => {
      const counting = new CountingHops<number>();
      for (const values of hops) counting.add(values, values.map((value) => value + 1));
      let end = 0;
      const newest = inNewestHops({ ends: hops.map(({ length }) => (end += length)), values: hops.flat() });
      hops.forEach((values, from) => {
        expect(countsOf(counting, from)).toEqual([values, values.map((value) => value + 1)]);
        const copied = new CountingHops<number>(counting);
        hops.slice(from).forEach((_, i) => copied.copy(from + i));
        const later = new CountingHops<number>();
        for (const own of hops.slice(from)) later.add(own, own.map((value) => value + 1));
        expect([copied.values, copied.packed]).toEqual([later.values, later.packed]);
        const after = hops.slice(from).flat();
        const different = [...new Set(after)].sort();
        const [found, counts] = countsFrom(counting, from);
        expect([...found].sort()).toEqual(different);
        expect(counts).toEqual(found.map((value) => (value + 1) * after.filter((other) => other === value).length));
        expect([...valuesFrom(newest, from)].sort()).toEqual(different);
      });
      expect(newest.values).toHaveLength(new Set(hops.flat()).size);
    }),
    { seed },
  );
});
