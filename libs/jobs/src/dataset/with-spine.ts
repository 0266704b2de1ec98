import { SPINE } from '@granary/compiler';
import { identifier, type Statement } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import { stageTable } from '../stage-table.js';

/** Puts a spine into a table of its own while `use` runs, whatever comes of it. */
export async function withSpine<T>(store: OfflineStore, select: Statement, use: (table: string) => Promise<T>, signal?: AbortSignal): Promise<T> {
  const table = stageTable('spine');
  try {
    await store.command({ sql: `CREATE TABLE ${identifier(table)} ENGINE = MergeTree ORDER BY ${identifier(SPINE.row)} AS ${select.sql}`, params: select.params }, { comment: 'spine', signal });
    return await use(table);
  } finally {
    await store.dropTable(table);
  }
}
