import { randomUUID } from 'node:crypto';
import { identifier, type Statement } from '@granary/contracts';
import type { OfflineStore, StatementOptions } from '@granary/offline-store';

/**
 * A name of its own for a table that lives as long as one piece of work: runs at the same time don't meet in it. The
 * offline store drops tables with this prefix that killed processes left behind.
 */
export function stageTable(purpose: string): string {
  return `granary_stage_${purpose}_${randomUUID().replaceAll('-', '')}`;
}

export interface Stage {
  readonly purpose: string;
  /** Columns of the sorting key. */
  readonly orderBy: readonly string[];
  /** With the columns of the SELECT and none of its rows: it is not run. */
  readonly empty?: boolean;
}

/** Puts the rows of a SELECT into a table of their own; its name. */
export type CreateStage = (stage: Stage, select: Statement, options?: StatementOptions) => Promise<string>;

/** Drops what `use` created, whatever comes of it. */
export async function withStages<T>(store: OfflineStore, use: (create: CreateStage) => Promise<T>): Promise<T> {
  const tables: string[] = [];
  try {
    return await use(async ({ purpose, orderBy, empty = false }, { sql, params }, options) => {
      const table = stageTable(purpose);
      tables.push(table);
      const order = orderBy.map(identifier).join(', ');
      await store.command({ sql: `CREATE TABLE ${identifier(table)} ENGINE = MergeTree ORDER BY (${order})${empty ? ' EMPTY' : ''} AS ${sql}`, params }, options);
      return table;
    });
  } finally {
    for (const table of tables) await store.dropTable(table);
  }
}

/** Puts the rows of a SELECT into a table of their own while `use` runs. */
export function withStage<T>(store: OfflineStore, stage: Stage, select: Statement, use: (table: string) => Promise<T>, options?: StatementOptions): Promise<T> {
  return withStages(store, async (create) => use(await create(stage, select, options)));
}
