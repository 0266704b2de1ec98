import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { GranaryError } from '@granary/contracts';
import type { EventSink } from '@granary/jobs';
import { AppModule } from './app.module.js';
import { readBodies } from './bodies.js';
import { HttpErrorsFilter, logToStderr, type LogInternalError } from './errors.js';

export interface BodyLimits {
  /** Bytes of one body, inflated. Default 16 MiB. */
  readonly requestBytes: number;
  /** Bytes of all bodies that are being read or answered. Default 128 MiB. */
  readonly inFlightBytes: number;
}

export const DEFAULT_BODY_LIMITS: BodyLimits = Object.freeze({ requestBytes: 16 * 1024 ** 2, inFlightBytes: 128 * 1024 ** 2 });

export interface IngestAppOptions {
  /** Where the events go; whoever made it closes it, after this app. */
  readonly sink: EventSink;
  /** Default `127.0.0.1`: other machines can't reach it. */
  readonly host?: string;
  /** Default 4001; 0: any free one. */
  readonly port?: number;
  readonly limits?: Partial<BodyLimits>;
  /** Default: a line of JSON on stderr. */
  readonly log?: LogInternalError;
}

export interface IngestApp {
  /** Without a path: events go to `/v1/events/<source>`, health is at `/health/live` and `/health/ready`. */
  readonly url: string;
  /** Takes no new requests, answers those under way, then ends. */
  close(): Promise<void>;
}

/** Takes events in over HTTP. Throws CONFIG_INVALID (the port is taken). */
export async function createIngestApp({ sink, host = '127.0.0.1', port = 4001, limits, log = logToStderr }: IngestAppOptions): Promise<IngestApp> {
  const bodies = { ...DEFAULT_BODY_LIMITS, ...limits };
  const adapter = new FastifyAdapter({ bodyLimit: bodies.requestBytes });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.of(sink), adapter, { logger: false, abortOnError: false, bodyParser: false });
  const server = adapter.getInstance();
  readBodies(server, bodies);
  let closing: Promise<void> | undefined;
  // A connection that stays open after its last answer would hold up the end for as long as clients keep it.
  server.addHook('onSend', async (_request, reply) => {
    if (closing !== undefined) void reply.header('connection', 'close');
    return Promise.resolve();
  });
  app.useGlobalFilters(new HttpErrorsFilter(log));
  try {
    await app.listen(port, host);
  } catch (error) {
    await app.close();
    throw startError(error, host, port);
  }
  return {
    url: await app.getUrl(),
    close: () =>
      (closing ??= (async () => {
        await server.close();
        await app.close();
      })()),
  };
}

function startError(error: unknown, host: string, port: number): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL') return error;
  return new GranaryError('CONFIG_INVALID', `The intake can't listen on ${host}:${port}: ${code}`, {
    todo: 'Choose another port, or end the process that has it.',
    details: { host, port },
    cause: error,
  });
}
