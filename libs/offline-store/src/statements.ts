import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
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
  /** What a query whose text ends in FORMAT gives, in pieces. One that fails may have given some, of whole rows and the beginning of one. */
  pieces(statement: Statement, options?: StatementOptions): AsyncIterable<Buffer>;
  /** DDL and INSERT … SELECT. */
  command(statement: Statement, options?: StatementOptions): Promise<void>;
  /** The raw document of a query whose text ends in FORMAT. */
  document(statement: Statement, options?: StatementOptions): Promise<Readable>;
  /** Runs an INSERT … FORMAT with its data. */
  insert(sql: string, data: Readable, options?: StatementOptions): Promise<void>;
}

const FORMAT = 'JSONCompactEachRowWithNamesAndTypes';
const WHOLE = { wait_end_of_query: 1 } as const;

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
  /** Over HTTP. It goes on with an INSERT whose client is gone: it must be told to stop. */
  readonly isServer: boolean;
}

export function createStatements(config: StatementsConfig): Statements {
  const { client } = config;

  async function guarded<T>(params: Statement['params'], options: StatementOptions, run: (call: Call) => Promise<T>): Promise<T> {
    const { call, failure } = prepare(config, params, options);
    try {
      options.signal?.throwIfAborted();
      return await run(call);
    } catch (cause) {
      if (config.isServer && options.signal?.aborted) await kill(client, call.query_id);
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

  async function* pieces(statement: Statement, options: StatementOptions = {}): AsyncGenerator<Buffer> {
    const { failure } = prepare(config, statement.params, options);
    // A server that fails after its answer has begun says so among the bytes: it must have all before it begins.
    const settings = { ...options.settings, ...(config.isServer ? WHOLE : {}) };
    const { stream: body } = await guarded(statement.params, { ...options, settings }, (call) => client.exec({ query: statement.sql, ...call }));
    const closed = finished(body).catch(() => undefined);
    try {
      for await (const piece of body) yield bufferOf(piece as Uint8Array);
    } catch (cause) {
      throw storeError(cause, failure);
    } finally {
      // The embedded engine reads its tables until then.
      await closed;
    }
  }

  async function whole(sql: string, params: Statement['params'], options: StatementOptions): Promise<string> {
    // The whole answer is wanted anyway; complete before it is sent, its failure is a proper error in both modes.
    return guarded(params, { ...options, settings: { ...options.settings, ...WHOLE } }, async (call) => {
      const { stream: body } = await client.exec({ query: sql, ...call });
      const parts: Buffer[] = [];
      for await (const part of body) parts.push(bufferOf(part as Uint8Array));
      return (parts.length === 1 ? parts[0]! : Buffer.concat(parts)).toString();
    });
  }

  return {
    stream,
    pieces,
    async rows({ sql, params }, options = {}) {
      return decodeRows(await whole(`${withoutSemicolon(sql)}\nFORMAT ${FORMAT}`, params, options));
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

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
