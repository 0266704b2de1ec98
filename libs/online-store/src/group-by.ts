/** `Map.groupBy`, which Node has from 21 on. */
export function groupBy<T, K>(items: readonly T[], keyOf: (item: T, position: number) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (let position = 0; position < items.length; position++) {
    const item = items[position]!;
    const key = keyOf(item, position);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
