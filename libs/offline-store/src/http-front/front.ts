import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { GranaryError } from '@granary/contracts';
import { openEngine, type Engine, type EngineResult } from '../embedded/engine.js';
import { summaryOf } from '../embedded/summary.js';
import type { OfflineStore } from '../store.js';
import { TURN_PATH, turnsOf } from '../turns.js';
import { frontError } from './errors.js';
import { problem } from './problem.js';
import { boundedSettings, refuse } from './refuse.js';
import { expectsData, readRequest, type FrontRequest } from './request.js';

export interface HttpFrontOptions {
  /** The directory, which this process must be able to open; or an embedded store that this process has open. */
  readonly path?: string;
  readonly store?: Pick<OfflineStore, 'kind' | 'where'>;
  /** Loopback only: there is no authentication. Default 127.0.0.1. */
  readonly host?: '127.0.0.1' | '::1' | 'localhost';
  /** Default 0: any free port. */
  readonly port?: number;
  /** Bytes of one request's body after decompression. Default 1 GiB. */
  readonly maxBodyBytes?: number;
}

export interface HttpFront {
  readonly url: string;
  /** Stops taking requests, ends those that run, and lets go of the directory. */
  close(): Promise<void>;
}

const LOOPBACK = new Set(['127.0.0.1', '::1', '[::1]', 'localhost']);

/**
 * ClickHouse's HTTP interface in front of the embedded engine, for clients of ClickHouse, curl and BI tools.
 * Every request stands alone: its settings, parameters and database end with it. Throws STORE_LOCKED, STORE_UNAVAILABLE,
 * CONFIG_INVALID.
 */
export async function startHttpFront(options: HttpFrontOptions): Promise<HttpFront> {
  const host = options.host ?? '127.0.0.1';
  const path = options.path ?? (options.store?.kind === 'embedded' ? options.store.where : undefined);
  if (path === undefined || !LOOPBACK.has(host)) {
    throw new GranaryError('CONFIG_INVALID', 'the HTTP front needs the directory of an embedded store and a loopback address', {
      todo: 'Give path, or an embedded store; a ClickHouse server has an interface of its own.',
    });
  }
  const engine = openEngine({ path, connections: 2 });
  const running = new Set<AbortController>();
  // Parameters are in the URL, of which a ClickHouse server takes a megabyte.
  const server = createServer({ maxHeaderSize: 1024 ** 2 + 16_384 }, (request, response) => {
    const abort = new AbortController();
    running.add(abort);
    // Whoever hangs up no longer wants the answer: the statement is stopped.
    response.once('close', () => {
      running.delete(abort);
      if (!response.writableFinished) abort.abort();
    });
    void handle(engine, options.maxBodyBytes ?? 1024 ** 3, request, response, abort.signal);
  });
  // Long statements are the rule here; the statement's own time limit ends them.
  server.requestTimeout = 0;
  try {
    await new Promise<void>((listening, reject) => {
      server.once('error', reject);
      server.listen(options.port ?? 0, host, listening);
    });
  } catch (cause) {
    await engine.close();
    throw new GranaryError('STORE_UNAVAILABLE', `can't listen on ${host}:${options.port ?? 0}: ${(cause as Error).message}`, {
      todo: 'Choose another port.',
      cause,
    });
  }
  const { port } = server.address() as AddressInfo;
  return Object.freeze({
    url: `http://${host === '::1' ? '[::1]' : host}:${port}`,
    async close() {
      const closed = new Promise((done) => server.close(done));
      for (const abort of running) abort.abort();
      server.closeAllConnections();
      await closed;
      await engine.close();
    },
  });
}

async function handle(engine: Engine, maxBodyBytes: number, request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
  let queryId: string = randomUUID();
  try {
    refuseStrangers(request);
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    if (request.method !== 'GET' && request.method !== 'POST' && request.method !== 'HEAD') {
      throw problem(48, `${request.method} is not supported: use GET or POST`, 'NOT_IMPLEMENTED');
    }
    if (pathname === '/ping' || (pathname === '/' && request.method !== 'POST' && !searchParams.has('query'))) {
      response.writeHead(200, { 'content-type': 'text/html; charset=UTF-8' }).end('Ok.\n');
      return;
    }
    if (pathname === TURN_PATH) {
      await giveTurn(resolve(engine.path), searchParams.get('name') ?? '', response);
      return;
    }
    if (pathname !== '/') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end(`There is no ${pathname}. Use / or /ping.\n`);
      return;
    }
    const read = await readRequest(request, maxBodyBytes);
    queryId = read.queryId ?? queryId;
    await answer(engine, request, response, read, queryId, signal);
  } catch (error) {
    fail(response, queryId, error, request);
  }
}

/** Answers when it is the caller's turn, which lasts until it hangs up. */
async function giveTurn(path: string, name: string, response: ServerResponse): Promise<void> {
  const end = await turnsOf(path).take(name);
  response.once('close', end);
  if (response.destroyed) end();
  else response.writeHead(200, { 'content-type': 'text/plain' }).flushHeaders();
}

/** A web page can send requests to loopback too: foreign origins and names (DNS rebinding) are turned away. */
function refuseStrangers(request: IncomingMessage): void {
  const named = (url: string): string => (URL.canParse(url) ? new URL(url).hostname : '');
  const { origin, host } = request.headers;
  if (!LOOPBACK.has(named(`http://${host ?? ''}`)) || (origin !== undefined && !LOOPBACK.has(named(origin)))) {
    throw problem(497, 'only this machine may ask', 'ACCESS_DENIED');
  }
}

async function answer(
  engine: Engine,
  request: IncomingMessage,
  response: ServerResponse,
  read: FrontRequest,
  queryId: string,
  signal: AbortSignal,
): Promise<void> {
  const started = process.hrtime.bigint();
  const body = read.body !== undefined && expectsData(read.sql) ? read.body : undefined;
  let sql = read.sql;
  if (read.body !== undefined && body === undefined) for await (const chunk of read.body) sql += String(chunk);
  refuse(read, sql);
  const result = await engine.run({
    sql,
    queryId,
    database: read.database ?? 'default',
    settings: boundedSettings(read, sql),
    params: read.params,
    defaultFormat: read.defaultFormat ?? 'TabSeparated',
    body,
    whole: read.whole,
    // As ClickHouse does: what a link can do must not change anything.
    readonly: request.method !== 'POST',
    signal,
  });
  await send(response, result, read, queryId, started);
}

async function send(response: ServerResponse, result: EngineResult, read: FrontRequest, queryId: string, started: bigint): Promise<void> {
  const tag = randomUUID().replaceAll('-', '').slice(0, 16);
  response.writeHead(200, {
    'content-type': contentType(result.format),
    'x-clickhouse-format': result.format,
    'x-clickhouse-query-id': queryId,
    'x-clickhouse-timezone': 'UTC',
    'x-clickhouse-exception-tag': tag,
    'x-clickhouse-summary': JSON.stringify(summaryOf(result, process.hrtime.bigint() - started)),
    ...(read.compress ? { 'content-encoding': 'gzip' } : {}),
  });
  const chunks = Readable.from(withFailure(result.chunks, tag), { objectMode: false });
  if (read.compress) await pipeline(chunks, createGzip(), response);
  else await pipeline(chunks, response);
}

/** The status is sent: a failure in mid-stream is told in the frame that ClickHouse 25.11 introduced. */
async function* withFailure(chunks: AsyncIterable<Uint8Array>, tag: string): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    const text = `${frontError(error).text}\n`;
    yield Buffer.from(`\r\n__exception__\r\n${tag}\r\n${text}${Buffer.byteLength(text)} ${tag}\r\n__exception__\r\n`);
  }
}

function fail(response: ServerResponse, queryId: string, error: unknown, request: IncomingMessage): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const { status, code, text } = frontError(error);
  // What is left of the body is not wanted: the connection can't be used again.
  const unread = !request.complete;
  response.writeHead(status, {
    'content-type': 'text/plain; charset=UTF-8',
    'x-clickhouse-query-id': queryId,
    'x-clickhouse-exception-code': String(code),
    ...(unread ? { connection: 'close' } : {}),
  });
  response.end(`${text}\n`);
}

function contentType(format: string): string {
  const name = format.toLowerCase();
  if (name === 'json' || name.startsWith('jsoncompact') || name === 'jsonstrings') {
    return name.includes('eachrow') ? 'application/x-ndjson; charset=UTF-8' : 'application/json; charset=UTF-8';
  }
  if (name === 'jsoneachrow' || name === 'ndjson' || name === 'jsonlines') return 'application/x-ndjson; charset=UTF-8';
  if (name.startsWith('csv')) return 'text/csv; charset=UTF-8';
  if (name.startsWith('tabseparated') || name.startsWith('tsv')) return 'text/tab-separated-values; charset=UTF-8';
  return /^(parquet|arrow|orc|rowbinary|native|avro|msgpack)/.test(name) ? 'application/octet-stream' : 'text/plain; charset=UTF-8';
}
