import { backfillColumns, type Column } from '@granary/compiler';
import { BACKFILL, backfillTable, identifier, type Instant, type VersionedView } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import type { ViewParts } from '../view-parts.js';

/** The columns of a view's table: what the compiler computes, and the mark of rows that are gone. */
export function tableColumns({ view, entity }: Pick<ViewParts, 'view' | 'entity'>): readonly Column[] {
  return [...backfillColumns(view, entity), { name: BACKFILL.deleted, type: 'UInt8' }];
}

/**
 * Makes the table of a view's rows, sorted by instant: few rows are replaced as cheaply as they are written. Not
 * partitioned: a late event's instants span months, and each partition would be a part to write. A table of another
 * layout, of a former release, is dropped: what it held is computed again. False: the table was there.
 */
export async function prepareTable(store: OfflineStore, parts: ViewParts): Promise<boolean> {
  const name = backfillTable(parts.view);
  const columns = tableColumns(parts);
  const stored = await store.rows({ sql: 'SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {name:String} ORDER BY position', params: { name } });
  if (stored.length === columns.length && columns.every((column, i) => stored[i]!['name'] === column.name && stored[i]!['type'] === column.type)) return false;
  if (stored.length > 0) await store.dropTable(name);
  await store.createTable({
    name,
    columns,
    orderBy: [BACKFILL.asOf, ...parts.entity.keys.map((key) => key.name)],
    replacing: { version: BACKFILL.sequence, deleted: BACKFILL.deleted },
  });
  return true;
}

/** What a reader of one instant's rows must know: see `granary_backfills`. */
export interface InstantRows {
  readonly asOf: Instant;
  /** Rows of a smaller sequence are none of the instant's: leftovers of a run that a newer one overtook. */
  readonly floor: number;
}

/** `FROM … WHERE …` of the rows of one instant; its parameters are those of `instantParams` under the same name. */
export function fromInstant(view: VersionedView, name: string): string {
  return `FROM ${identifier(backfillTable(view))} FINAL WHERE ${identifier(BACKFILL.asOf)} = fromUnixTimestamp64Milli({${name}:Int64}, 'UTC') AND ${identifier(BACKFILL.sequence)} >= {${name}_floor:UInt64}`;
}

export function instantParams(name: string, { asOf, floor }: InstantRows): Readonly<Record<string, number>> {
  return { [name]: asOf, [`${name}_floor`]: floor };
}
