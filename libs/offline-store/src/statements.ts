import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { drainStream, type ClickHouseClient, type ClickHouseSettings } from '@clickhouse/client';
import type { Statement } from '@granary/contracts';
import { decodeRows, rowDecoder, type Row } from './decode.js';
import { storeError, type Failure } from './errors.js';
import type { StatementLimits } from './options.js';
import { baseSettings, type Settings } from './settings.js';

export interface StatementOptions extends StatementLimits {
  /** Who asks, for ClickHouse's log: `backfill user_activity`. Default `granary`. */
  readonly comment?: string;
  /** Default: a new UUID. */
  readonly queryId?: string;
  /** Aborting stops the statement in ClickHouse too; the promise rejects with CANCELLED once it has stopped. */
  readonly signal?: AbortSignal | undefined;
  /** For this statement only. */
  readonly settings?: Settings;
}

/** All that is ever said to ClickHouse goes through here. Every method throws QUERY_FAILED, STORE_UNAVAILABLE, CANCELLED. */
export interface Statements {
  /** All rows, decoded by type: see `columnDecoder`. */
  rows(statement: Statement, options?: StatementOptions): Promise<Row[]>;
  /** Rows in batches as they arrive; memory stays bounded. Stopping early stops the statement. */
  stream(statement: Statement, options?: StatementOptions): AsyncIterable<Row[]>;
  /** All of what a query whose text ends in FORMAT gives. */
  bytes(statement: Statement, options?: StatementOptions): Promise<Buffer>;
  /** DDL and INSERT … SELECT. */
  command(statement: Statement, options?: StatementOptions): Promise<void>;
  /** The raw document of a query whose text ends in FORMAT. */
  document(statement: Statement, options?: StatementOptions): Promise<Readable>;
  /** Runs an INSERT … FORMAT with its data. */
  insert(sql: string, data: Readable, options?: StatementOptions): Promise<void>;
}

const FORMAT = 'JSONCompactEachRowWithNamesAndTypes';

interface Call {
  readonly query_id: string;
  readonly query_params: Record<string, unknown>;
  readonly clickhouse_settings: ClickHouseSettings;
  readonly abort_signal?: AbortSignal;
}

export interface StatementsConfig {
  readonly maxExecutionSeconds: number;
  readonly maxMemoryBytes: number;
  readonly client: ClickHouseClient;
  readonly where: string;
  /** A server goes on with an INSERT whose client is gone; it must be told to stop. */
  readonly killOnAbort: boolean;
}

export function createStatements(config: StatementsConfig): Statements {
  const { client } = config;

  async function guarded<T>(params: Statement['params'], options: StatementOptions, run: (call: Call) => Promise<T>): Promise<T> {
    const { call, failure } = prepare(config, params, options);
    try {
      options.signal?.throwIfAborted();
      return await run(call);
    } catch (cause) {
      if (config.killOnAbort && options.signal?.aborted) await kill(client, call.query_id);
      throw storeError(cause, failure);
    }
  }

  async function* stream(statement: Statement, options: StatementOptions = {}): AsyncGenerator<Row[]> {
    const { failure } = prepare(config, statement.params, options);
    const decode = rowDecoder();
    const result = await guarded(statement.params, options, (call) =>
      client.query({ query: withoutSemicolon(statement.sql), format: FORMAT, ...call }),
    );
    try {
      for await (const batch of result.stream()) {
        const rows = decode(batch.map((row) => row.text));
        if (rows.length > 0) yield rows;
      }
    } catch (cause) {
      throw storeError(cause, failure);
    } finally {
      result.close();
    }
  }

  async function bytes(statement: Statement, options: StatementOptions = {}): Promise<Buffer> {
    // The whole answer is wanted anyway; complete before it is sent, its failure is a proper error in both modes.
    const settings = { ...options.settings, wait_end_of_query: 1 };
    return guarded(statement.params, { ...options, settings }, async (call) => {
      const { stream: body } = await client.exec({ query: statement.sql, ...call });
      const chunks: Uint8Array[] = [];
      for await (const chunk of body) chunks.push(chunk as Uint8Array);
      const [only, ...others] = chunks;
      return only !== undefined && others.length === 0 ? Buffer.from(only.buffer, only.byteOffset, only.byteLength) : Buffer.concat(chunks);
    });
  }

  return {
    stream,
    bytes,
    async rows({ sql, params }, options = {}) {
      return decodeRows((await bytes({ sql: `${withoutSemicolon(sql)}\nFORMAT ${FORMAT}`, params }, options)).toString());
    },
    async command(statement, options = {}) {
      await guarded(statement.params, options, (call) => client.command({ query: statement.sql, ...call }));
    },
    async document(statement, options = {}) {
      const result = await guarded(statement.params, options, (call) => client.exec({ query: statement.sql, ...call }));
      return result.stream;
    },
    async insert(sql, data, options = {}) {
      const result = await guarded({}, options, (call) => client.exec({ query: sql, values: data, ...call }));
      await drainStream(result.stream);
    },
  };
}

function prepare(config: StatementsConfig, params: Statement['params'], options: StatementOptions): { call: Call; failure: Failure } {
  const queryId = options.queryId ?? randomUUID();
  const comment = options.comment ?? 'granary';
  const base = baseSettings({
    maxExecutionSeconds: options.maxExecutionSeconds ?? config.maxExecutionSeconds,
    maxMemoryBytes: options.maxMemoryBytes ?? config.maxMemoryBytes,
  });
  return {
    call: {
      query_id: queryId,
      query_params: { ...params },
      clickhouse_settings: { ...base, log_comment: comment, ...options.settings } as ClickHouseSettings,
      ...(options.signal ? { abort_signal: options.signal } : {}),
    },
    failure: { queryId, comment, signal: options.signal, where: config.where },
  };
}

async function kill(client: ClickHouseClient, queryId: string): Promise<void> {
  // The abort has been reported already: that the server can't be reached any more changes nothing for the caller.
  await client.command({ query: 'KILL QUERY WHERE query_id = {id:String} ASYNC', query_params: { id: queryId } }).catch(() => undefined);
}

// Ours or the client's FORMAT clause must not stand behind a semicolon.
function withoutSemicolon(sql: string): string {
  return sql.replace(/[\s;]+$/, '');
}
