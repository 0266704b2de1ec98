import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { GranaryError, isGranaryError } from '@granary/contracts';
import { readRows, type RowsFormat } from '@granary/jobs';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const FORMATS: readonly (readonly [contentType: string, RowsFormat])[] = [
  ['application/json', 'json'],
  ['application/x-ndjson', 'ndjson'],
  ['application/ndjson', 'ndjson'],
  ['application/jsonl', 'ndjson'],
];

const BUSY_MS = 500;

/** Reads bodies as rows: JSON and NDJSON, as they are or gzipped. `requestBytes` bounds one (inflated), `inFlightBytes` all that are being read or answered. */
export function readBodies(server: FastifyInstance, { requestBytes, inFlightBytes }: { readonly requestBytes: number; readonly inFlightBytes: number }): void {
  server.removeAllContentTypeParsers();
  for (const [contentType, format] of FORMATS) {
    server.addContentTypeParser(contentType, { parseAs: 'buffer', bodyLimit: requestBytes }, (_request, body, done) => {
      try {
        done(null, readRows(body as Buffer, format));
      } catch (error) {
        // Of Fastify's own errors only the status is looked at.
        if (isGranaryError(error)) done(error);
        else done(error as Error);
      }
    });
  }
  boundInFlight(server, requestBytes, inFlightBytes);
  server.addHook('preParsing', async (request, _reply, payload) => Promise.resolve(inflate(request, payload as Readable)));
}

function inflate(request: FastifyRequest, payload: Readable): Readable {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity') return payload;
  if (encoding !== 'gzip' && encoding !== 'x-gzip') throw refused(415, `content-encoding ${encoding} is not supported: send gzip, or none`);
  const gunzip = createGunzip();
  const inflated: Readable & { receivedEncodedLength?: number } = gunzip;
  inflated.receivedEncodedLength = 0;
  payload.on('data', (chunk: Buffer) => (inflated.receivedEncodedLength! += chunk.length));
  // Whoever reads gets what is wrong with the data, in words of the caller's.
  gunzip.on('error', (error) => Object.assign(error, { statusCode: 400, message: `the gzip data is damaged or breaks off (${error.message})` }));
  payload.on('error', (error) => gunzip.destroy(error));
  payload.pipe(gunzip);
  return inflated;
}

function boundInFlight(server: FastifyInstance, requestBytes: number, inFlightBytes: number): void {
  const held = new WeakMap<FastifyRequest, number>();
  let inFlight = 0;
  server.addHook('onRequest', async (request: FastifyRequest) => {
    if (request.method !== 'POST') return Promise.resolve();
    const length = Number(request.headers['content-length'] ?? Number.NaN);
    const plain = request.headers['content-encoding'] === undefined && Number.isFinite(length);
    // What is to be inflated, and what does not say how long it is, may become as long as any.
    const bytes = plain ? Math.min(length, requestBytes) : requestBytes;
    if (inFlight > 0 && inFlight + bytes > inFlightBytes) {
      throw new GranaryError('BUSY', 'Too many requests are under way', { todo: `Send the same again in ${BUSY_MS} ms.`, details: { retryAfterMs: BUSY_MS } });
    }
    inFlight += bytes;
    held.set(request, bytes);
    return Promise.resolve();
  });
  const release = (request: FastifyRequest): void => {
    inFlight -= held.get(request) ?? 0;
    held.delete(request);
  };
  server.addHook('onResponse', async (request: FastifyRequest, _reply: FastifyReply) => Promise.resolve(release(request)));
  server.addHook('onRequestAbort', async (request: FastifyRequest) => Promise.resolve(release(request)));
}

function refused(statusCode: number, message: string): Error {
  return Object.assign(new Error(message), { statusCode });
}
