import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import { eventsTable, identifier, quarantineTable, type JobOptions, type Source, type Statement, type Value } from '@granary/contracts';
import type { Row } from './decode.js';
import { engineConnection } from './embedded/connection.js';
import { openEngine, type Engine } from './embedded/engine.js';
import { appendEvents, countEvents, type AppendResult, type EventRow } from './events/append.js';
import { dropStages } from './events/append-staged.js';
import { countQuarantined, dropQuarantined, listQuarantine, quarantine, removeQuarantined, type QuarantineFilter, type QuarantinedRow, type Reject } from './events/quarantine.js';
import { eraseEvents } from './events/erase.js';
import { ensureSource } from './events/source-tables.js';
import { lastSequence } from './events/stored-events.js';
import { exportParquet, type ExportResult } from './export/export-parquet.js';
import { migrate } from './migrations.js';
import { resolveOptions, type OfflineStoreOptions, type ResolvedOptions } from './options.js';
import { createStatements, type StatementOptions, type Statements } from './statements.js';
import { createTable, dropTable, insertRows, tableExists, type TableDefinition } from './tables.js';
import { turnsByUrl, turnsOf, type Turns } from './turns.js';

/** The one seam to ClickHouse, embedded or a server: the same promises either way. */
export interface OfflineStore {
  readonly kind: 'embedded' | 'server';
  readonly database: string;
  /** The directory of an embedded store, the URL of a server. */
  readonly where: string;

  rows(statement: Statement, options?: StatementOptions): Promise<Row[]>;
  stream(statement: Statement, options?: StatementOptions): AsyncIterable<Row[]>;
  /**
   * What a query whose text ends in FORMAT gives, such as RowBinary, in pieces as they come. One that fails may have given some: whole
   * rows and the beginning of one.
   */
  pieces(statement: Statement, options?: StatementOptions): AsyncIterable<Buffer>;
  command(statement: Statement, options?: StatementOptions): Promise<void>;
  exportParquet(statement: Statement, path: string, options?: StatementOptions): Promise<ExportResult>;

  createTable(definition: TableDefinition): Promise<void>;
  insertRows(name: string, columns: readonly string[], rows: Iterable<readonly (Value | null)[]>): Promise<void>;
  dropTable(name: string): Promise<void>;
  tableExists(name: string): Promise<boolean>;

  /**
   * Makes the tables of a source be there as it is declared, and looks once in this store's life. Throws DEFINITION_INVALID,
   * SOURCE_CHANGED.
   */
  ensureSource(source: Source): Promise<void>;
  appendEvents(source: Source, rows: readonly EventRow[], options?: JobOptions): Promise<AppendResult>;
  countEvents(source: Pick<Source, 'name'>): Promise<number>;
  /** The greatest sequence that an event of the source ever had, erased ones too; 0: it had none. */
  lastSequence(source: Pick<Source, 'name'>): Promise<number>;
  /** Removes the events of the source's table for which an SQL condition is true; says how many. Their sequences are not given again. */
  eraseEvents(source: Pick<Source, 'name'>, where: Statement): Promise<number>;
  quarantine(source: Pick<Source, 'name'>, rejects: readonly Reject[]): Promise<void>;
  countQuarantined(source: Pick<Source, 'name'>): Promise<number>;
  /** The first `limit` rejects by file and line. Default 100. */
  listQuarantine(source: Pick<Source, 'name'>, limit?: number, filter?: QuarantineFilter): Promise<QuarantinedRow[]>;
  removeQuarantined(source: Pick<Source, 'name'>, rejects: readonly Pick<Reject, 'file' | 'line' | 'text'>[]): Promise<void>;
  /** Removes the rejects whose reason holds this text, or all; tells how many. */
  dropQuarantined(source: Pick<Source, 'name'>, reason?: string): Promise<number>;

  close(): Promise<void>;
}

/**
 * Opens the store, creates its database and brings its tables up to date.
 * Throws STORE_LOCKED (another process has the directory), STORE_UNAVAILABLE, QUERY_FAILED.
 */
async function open(given: OfflineStoreOptions): Promise<OfflineStore> {
  const options = resolveOptions(given);
  const engine = options.kind === 'embedded' ? openEngine(options) : undefined;
  const setup = connect(options, engine, 'default');
  const client = connect(options, engine, options.database);
  try {
    await statementsOf(setup, options).command({ sql: `CREATE DATABASE IF NOT EXISTS ${identifier(options.database)}`, params: {} });
    const statements = statementsOf(client, options);
    await migrate(statements);
    await dropStages(statements, options.kind === 'embedded');
    return facade(options, statements, async () => {
      await client.close();
      if (!engine) await setup.close();
    });
  } catch (error) {
    await client.close();
    if (!engine) await setup.close();
    throw error;
  }
}

export const OfflineStore = Object.freeze({ open });

function facade(options: ResolvedOptions, statements: Statements, close: () => Promise<void>): OfflineStore {
  const appends = serial(options.kind === 'embedded' ? turnsOf(options.path) : turnsByUrl(options.url));
  /** By name, each source as it was declared when its tables were looked at. */
  const ensured = new Map<string, string>();
  return Object.freeze<OfflineStore>({
    kind: options.kind,
    database: options.database,
    where: options.where,
    rows: statements.rows,
    stream: statements.stream,
    pieces: statements.pieces,
    command: statements.command,
    exportParquet: (statement, path, more) => exportParquet(statements, statement, path, more),
    createTable: (definition) => createTable(statements, definition),
    insertRows: (name, columns, rows) => insertRows(statements, name, columns, rows),
    dropTable(name) {
      for (const source of ensured.keys()) if (name === eventsTable({ name: source }) || name === quarantineTable({ name: source })) ensured.delete(source);
      return dropTable(statements, name);
    },
    tableExists: (name) => tableExists(statements, name),
    async ensureSource(source) {
      const declared = JSON.stringify(source);
      if (ensured.get(source.name) === declared) return;
      await appends(source.name, () => ensureSource(statements, source));
      ensured.set(source.name, declared);
    },
    appendEvents: (source, rows, more) => appends(source.name, () => appendEvents(statements, source, rows, more)),
    countEvents: (source) => countEvents(statements, source),
    lastSequence: (source) => lastSequence(statements, source),
    eraseEvents: (source, where) => eraseEvents(statements, source, where),
    quarantine: (source, rejects) => quarantine(statements, source, rejects),
    countQuarantined: (source) => countQuarantined(statements, source),
    listQuarantine: (source, limit, filter) => listQuarantine(statements, source, limit, filter),
    removeQuarantined: (source, rejects) => removeQuarantined(statements, source, rejects),
    dropQuarantined: (source, reason) => dropQuarantined(statements, source, reason),
    close,
  });
}

/** Runs what is given under one name one after the other. */
function serial(turns: Turns): <T>(name: string, run: () => Promise<T>) => Promise<T> {
  return async (name, run) => {
    const end = await turns.take(name);
    try {
      return await run();
    } finally {
      end();
    }
  };
}

function statementsOf(client: ClickHouseClient, options: ResolvedOptions): Statements {
  const { where, maxExecutionSeconds, maxMemoryBytes } = options;
  return createStatements({ client, where, maxExecutionSeconds, maxMemoryBytes, isServer: options.kind === 'server' });
}

function connect(options: ResolvedOptions, engine: Engine | undefined, database: string): ClickHouseClient {
  const log = { level: ClickHouseLogLevel.OFF };
  if (engine) return createClient({ connection: engineConnection(engine, database), log });
  if (options.kind !== 'server') throw new Error('an embedded store needs its engine');
  return createClient({
    url: options.url,
    username: options.username,
    password: options.password,
    database,
    application: 'granary',
    // The statement's own time limit comes first; without one, an hour.
    request_timeout: (options.maxExecutionSeconds || 3_600) * 1_000 + 30_000,
    log,
  });
}
