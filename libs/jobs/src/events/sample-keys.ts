import { EVENT, eventsTable, identifier, type EntityKey, type Instant, type Snapshot, type Value } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import { partsOfView } from '../view-parts.js';

/**
 * By entity, the key of its newest stored event by `now`, of all views of stored sources: one that has values, to ask for in examples.
 * Entities without events have none.
 */
export async function sampleKeys(store: OfflineStore, snapshot: Snapshot, now: Instant = Date.now()): Promise<Readonly<Record<string, EntityKey>>> {
  const newest = new Map<string, { readonly at: Instant; readonly key: EntityKey }>();
  for (const { view, source } of snapshot.views.map((each) => partsOfView(snapshot, each))) {
    if (source.computed !== undefined || !(await store.tableExists(eventsTable(source)))) continue;
    const [row] = await store.rows({
      sql: `SELECT ${view.keyFields.map((field, i) => `${identifier(field)} AS ${identifier(keyColumn(i))}`).join(', ')}, ${identifier(EVENT.time)} AS ${identifier(TIME)}
FROM ${identifier(eventsTable(source))} WHERE ${identifier(EVENT.time)} <= fromUnixTimestamp64Milli({now:Int64}, 'UTC') ORDER BY ${identifier(EVENT.time)} DESC LIMIT 1`,
      params: { now },
    });
    const at = row?.[TIME] as Instant | undefined;
    if (row === undefined || at === undefined || at <= (newest.get(view.entity)?.at ?? -Infinity)) continue;
    newest.set(view.entity, { at, key: view.keyFields.map((_, i) => row[keyColumn(i)] as Value) });
  }
  return Object.fromEntries([...newest].map(([entity, { key }]) => [entity, key]));
}

// No field's name begins with an underscore.
const TIME = '_time';
const keyColumn = (at: number): string => `_key_${at}`;
