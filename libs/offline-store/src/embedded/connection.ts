import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ClickHouseClientConfigOptions } from '@clickhouse/client';
import type { Settings } from '../settings.js';
import type { Body } from './body.js';
import type { Engine, EngineResult } from './engine.js';
import { formatParam } from './params.js';
import { summaryOf } from './summary.js';

type Connection = NonNullable<ClickHouseClientConfigOptions['connection']>;
type QueryParams = Parameters<Connection['query']>[0];

// The client sends these to an HTTP server; the engine has no such settings.
const HTTP_ONLY = /^(wait_end_of_query|buffer_size|enable_http_compression|default_format|http_.*|send_progress_in_http_headers)$/;

/** The engine as a connection of @clickhouse/client, so that one client speaks to it and to a server alike. */
export function engineConnection(engine: Engine, database: string): Connection {
  const run = async (params: QueryParams, body?: Body): Promise<{ result: EngineResult; base: Base }> => {
    const queryId = params.query_id ?? randomUUID();
    const settings = Object.entries(params.clickhouse_settings ?? {}).filter(([name, value]) => value !== undefined && !HTTP_ONLY.test(name));
    const result = await engine.run({
      sql: params.query,
      queryId,
      database,
      settings: Object.fromEntries(settings) as Settings,
      params: Object.fromEntries(Object.entries(params.query_params ?? {}).map(([name, value]) => [name, formatParam(value)])),
      defaultFormat: 'TabSeparated',
      body,
      whole: Boolean(params.clickhouse_settings?.wait_end_of_query),
      signal: params.abort_signal,
    });
    return { result, base: { query_id: queryId, response_headers: {}, http_status_code: 200 } };
  };

  return {
    async query(params) {
      const { result, base } = await run(params);
      return { ...base, stream: readable(result) };
    },
    async exec(params) {
      const { result, base } = await run(params, params.values);
      return { ...base, stream: readable(result), summary: summaryOf(result, 0n) };
    },
    async command(params) {
      const { result, base } = await run(params);
      for await (const chunk of result.chunks) void chunk;
      return { ...base, summary: summaryOf(result, 0n) };
    },
    async insert(params) {
      const { result, base } = await run(params, params.values);
      return { ...base, summary: summaryOf(result, 0n) };
    },
    async ping() {
      try {
        const { result } = await run({ query: 'SELECT 1' });
        for await (const chunk of result.chunks) void chunk;
        return { success: true };
      } catch (error) {
        return { success: false, error: error as Error };
      }
    },
    close: () => engine.close(),
  };
}

interface Base {
  readonly query_id: string;
  readonly response_headers: Record<string, string>;
  readonly http_status_code: number;
}

function readable(result: EngineResult): Readable {
  return Readable.from(result.chunks, { objectMode: false });
}
