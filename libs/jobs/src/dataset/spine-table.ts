import { SPINE } from '@granary/compiler';
import { clickhouseType, identifier, type FieldType, type Instant, type Statement, type Value } from '@granary/contracts';
import { fromWire, wireType, type OfflineStore, type StatementOptions } from '@granary/offline-store';
import { stageTable, withStage } from '../stage-table.js';

/** Puts a spine into a table of its own while `use` runs, whatever comes of it. */
export async function withSpine<T>(store: OfflineStore, select: Statement, use: (table: string) => Promise<T>, options: StatementOptions = {}): Promise<T> {
  return withStage(store, { purpose: 'spine', orderBy: [SPINE.row] }, select, use, { comment: 'spine', ...options });
}

/** A column of a spine beside its own. */
export interface SpineColumn {
  readonly name: string;
  readonly type: FieldType;
  readonly nullable: boolean;
}

/** A question: as of when, and the values of the columns. */
export interface SpineRow {
  readonly at: Instant;
  readonly values: readonly (Value | null)[];
}

/** Puts rows into a spine's table, in their order, while `use` runs. */
export async function withSpineRows<T>(store: OfflineStore, columns: readonly SpineColumn[], batches: AsyncIterable<readonly SpineRow[]> | Iterable<readonly SpineRow[]>, use: (table: string) => Promise<T>, options: StatementOptions = {}): Promise<T> {
  const table = stageTable('questions');
  const wire = [
    { name: SPINE.row, type: 'UInt64' },
    { name: SPINE.time, type: 'Int64' },
    ...columns.map(({ name, type, nullable }) => ({ name, type: wireType(type, nullable, clickhouseType(type)) })),
  ];
  try {
    await store.createTable({ name: table, columns: wire, orderBy: [SPINE.row] });
    let row = 0;
    for await (const batch of batches) {
      const rows = batch.map(({ at, values }) => [++row, at, ...values]);
      if (rows.length > 0) await store.insertRows(table, wire.map(({ name }) => name), rows);
    }
    const typed = [
      identifier(SPINE.row),
      `${fromWire({ kind: 'timestamp' }, identifier(SPINE.time))} AS ${identifier(SPINE.time)}`,
      `'' AS ${identifier(SPINE.eventId)}`,
      ...columns.map(({ name, type }) => `${fromWire(type, identifier(name))} AS ${identifier(name)}`),
    ];
    return await withSpine(store, { sql: `SELECT ${typed.join(', ')} FROM ${identifier(table)}`, params: {} }, use, options);
  } finally {
    await store.dropTable(table);
  }
}
