import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { tokens } from '../sql-text.js';
import { problem } from './problem.js';

export interface FrontRequest {
  readonly sql: string;
  /** What follows the statement: the data of an INSERT whose statement is in the URL. */
  readonly body: Readable | undefined;
  readonly queryId: string | undefined;
  readonly database: string | undefined;
  readonly defaultFormat: string | undefined;
  readonly settings: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, string>>;
  readonly compress: boolean;
  readonly whole: boolean;
}

// Of the HTTP interface itself; all other names in the URL are settings.
const IGNORED = new Set([
  'user', 'password', 'quota_key', 'buffer_size', 'send_progress_in_http_headers', 'http_headers_progress_interval_ms', 'role',
  'http_zlib_compression_level', 'add_http_cors_header', 'http_response_buffer_size', 'cancel_http_readonly_queries_on_client_close',
]);
const REFUSED = new Map([
  ['session_id', 'sessions are not supported: every request stands alone'],
  ['compress', 'the native compression is not supported: use gzip by Accept-Encoding and enable_http_compression=1'],
  ['decompress', 'the native compression is not supported: use Content-Encoding: gzip'],
]);

/** Reads a request as ClickHouse's HTTP interface does. Throws ClickHouse errors. */
export async function readRequest(request: IncomingMessage, maxBodyBytes: number): Promise<FrontRequest> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const settings: Record<string, string> = {};
  const params: Record<string, string> = {};
  const own: Record<string, string> = {};
  for (const [name, value] of url.searchParams) {
    const refused = REFUSED.get(name);
    if (refused !== undefined && value !== '' && value !== '0') throw problem(48, refused, 'NOT_IMPLEMENTED');
    if (IGNORED.has(name) || refused !== undefined) continue;
    if (name.startsWith('param_')) params[name.slice(6)] = value;
    else if (OWN.has(name)) own[name] = value;
    else settings[name] = value;
  }
  if (request.headers['content-type']?.startsWith('multipart/')) throw problem(48, 'multipart bodies are not supported: give parameters in the URL', 'NOT_IMPLEMENTED');
  const inUrl = own.query ?? '';
  const data = bodyOf(request, maxBodyBytes);
  const statementInBody = inUrl.trim() === '';
  return {
    sql: statementInBody ? await statementText(data) : inUrl,
    body: statementInBody || request.method === 'GET' ? undefined : data,
    queryId: own.query_id,
    database: own.database ?? header(request, 'x-clickhouse-database'),
    defaultFormat: own.default_format ?? header(request, 'x-clickhouse-format'),
    settings,
    params,
    compress: own.enable_http_compression === '1' && /\bgzip\b/.test(header(request, 'accept-encoding') ?? ''),
    whole: own.wait_end_of_query === '1',
  };
}

const OWN = new Set(['query', 'query_id', 'database', 'default_format', 'enable_http_compression', 'wait_end_of_query']);

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function bodyOf(request: IncomingMessage, maxBodyBytes: number): Readable {
  const encoding = header(request, 'content-encoding') ?? 'identity';
  if (encoding !== 'identity' && encoding !== 'gzip') throw problem(48, `Content-Encoding ${encoding} is not supported: use gzip`, 'NOT_IMPLEMENTED');
  async function* bounded(): AsyncGenerator<Buffer> {
    let bytes = 0;
    const plain = encoding === 'gzip' ? request.pipe(createGunzip()) : request;
    // pipe() doesn't hand on the request's own failure.
    request.once('error', (error) => plain.destroy(error));
    for await (const chunk of plain as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBodyBytes) throw problem(307, `the body is longer than ${maxBodyBytes} bytes`, 'TOO_MANY_BYTES');
      yield chunk;
    }
  }
  return Readable.from(bounded(), { objectMode: false });
}

/**
 * The statement at the beginning of a body, whole. Data behind it must be text here: a binary INSERT has its statement in
 * the URL.
 */
async function statementText(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const text = bytes.toString();
  if (!bytes.equals(Buffer.from(text))) {
    throw problem(48, 'the body is not UTF-8: give the statement in the URL (?query=INSERT … FORMAT …) and only the data in the body', 'NOT_IMPLEMENTED');
  }
  return text;
}

/** Whether a statement in the URL awaits the body as data; any other body is the end of the statement. */
export function expectsData(sql: string): boolean {
  const [first] = tokens(sql);
  return first?.text.toUpperCase() === 'INSERT';
}
