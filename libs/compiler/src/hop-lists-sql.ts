/** SQL of behind which value each hop's end: `lists` is SQL of an array of the hops' arrays. */
export function emitEnds(lists: string): string {
  return int32Each(`arrayCumSum(hop -> length(hop), ${lists})`);
}

/** SQL of what `inNewestHops` of @granary/aggregates makes of the lists of hops, the oldest hop's first. */
export function emitInNewestHops(lists: string): readonly [ends: string, values: string] {
  const values = `arrayFlatten(${lists})`;
  // How many hops from here on have the value.
  const newest = `arrayReverse(arrayEnumerateUniq(arrayReverse(${values})))`;
  // A lambda over hops that read these would be given a copy for each.
  const ranges = `arrayMap((end, size) -> (end - size + 1, size), arrayCumSum(hop -> length(hop), ${lists}), arrayMap(hop -> length(hop), ${lists}))`;
  const kept = `arrayReduceInRanges('sum', ${ranges}, arrayMap(hops -> hops = 1, ${newest}))`;
  return [int32Each(`arrayCumSum(${kept})`), `arrayFilter((value, hops) -> hops = 1, ${values}, ${newest})`];
}

/** SQL of what `CountingHops` of @granary/aggregates keeps of the values and counts of hops, the oldest hop's first. */
export function emitCountingHops(values: string, counts: string): readonly [ends: string, values: string, positions: string, counts: string] {
  const all = `arrayFlatten(${values})`;
  return [emitEnds(values), `arrayDistinct(${all})`, `arrayMap(i -> toInt32(i - 1), arrayEnumerateDense(${all}))`, `arrayFlatten(${counts})`];
}

function int32Each(numbers: string): string {
  return `arrayMap(n -> toInt32(n), ${numbers})`;
}
