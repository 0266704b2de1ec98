import { randomUUID } from 'node:crypto';
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { isGranaryError, type ErrorCode, type ErrorKind, type GranaryError } from '@granary/contracts';
import type { FastifyReply } from 'fastify';

/** What went wrong inside, for the server's log only. */
export interface InternalError {
  /** The caller was given it too. */
  readonly id: string;
  readonly error: unknown;
}

export type LogInternalError = (entry: InternalError) => void;

const OF_KIND: Readonly<Record<ErrorKind, number>> = { input: 400, busy: 429, unavailable: 503, notReady: 503, cancelled: 503, setup: 500, unreadable: 500, no: 500 };
const OF_CODE: Partial<Record<ErrorCode, number>> = { UNKNOWN_SOURCE: 404, TOO_MANY_EVENTS: 413 };
/** What Nest and Fastify answer themselves. */
const OWN: Readonly<Record<number, { readonly code: string; readonly todo: string }>> = {
  404: { code: 'NOT_FOUND', todo: 'POST events to /v1/events/<source>.' },
  405: { code: 'METHOD_NOT_ALLOWED', todo: 'POST events to /v1/events/<source>.' },
  413: { code: 'BODY_TOO_LARGE', todo: 'Send the events in several smaller requests.' },
  415: { code: 'UNSUPPORTED_MEDIA_TYPE', todo: 'Send content-type application/json or application/x-ndjson, as it is or with content-encoding gzip.' },
};
const BAD_REQUEST = { code: 'BAD_REQUEST', todo: 'Send it whole, and with headers that say what it is.' };
const INTERNAL = 'INTERNAL_SERVER_ERROR';
const SEND_AGAIN = 'Send the same events again: those that are stored already are recognised, and count as duplicates.';
/** Seconds after which a store that is away may be tried again. */
const STORE_RETRY_S = 5;

/** The one place where errors become answers: `{ error: { code, message, todo?, details? } }`; what is ours to mend goes to the log. */
@Catch()
export class HttpErrorsFilter implements ExceptionFilter {
  constructor(private readonly log: LogInternalError) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (isGranaryError(error)) return this.granary(reply, error);
    if (error instanceof HttpException && error.getStatus() === 503) return void reply.code(503).send(error.getResponse());
    const status = statusOf(error);
    if (status < 500) return void reply.code(status).send({ error: { ...(OWN[status] ?? BAD_REQUEST), message: (error as Error).message } });
    this.hidden(reply, 500, INTERNAL, error);
  }

  private granary(reply: FastifyReply, error: GranaryError): void {
    const { code, kind, message, todo, details } = error;
    const status = OF_CODE[code] ?? OF_KIND[kind];
    if (kind === 'busy') void reply.header('retry-after', Math.ceil(Number(details['retryAfterMs'] ?? 1_000) / 1_000));
    if (kind === 'busy' || kind === 'input') return void reply.code(status).send({ error: { code, message, ...(todo === undefined ? {} : { todo }), details } });
    if (status === 503) void reply.header('retry-after', STORE_RETRY_S);
    this.hidden(reply, status, status === 503 ? code : INTERNAL, error);
  }

  private hidden(reply: FastifyReply, status: number, code: string, error: unknown): void {
    const id = randomUUID();
    this.log({ id, error });
    const what = status === 503 ? 'A store is away' : 'Something went wrong on our side';
    void reply.code(status).send({ error: { code, message: `${what}: these events are not acknowledged, though they may be stored; the server's log has the details under ${id}`, todo: SEND_AGAIN, id } });
  }
}

function statusOf(error: unknown): number {
  if (error instanceof HttpException) return error.getStatus();
  const status = (error as { statusCode?: unknown }).statusCode;
  return typeof status === 'number' && status >= 400 ? status : 500;
}

/** One line of JSON on stderr. */
export function logToStderr({ id, error }: InternalError): void {
  const stack = error instanceof Error ? error.stack : String(error);
  const cause = error instanceof Error && error.cause !== undefined ? { cause: String(error.cause) } : {};
  process.stderr.write(`${JSON.stringify({ level: 'error', time: new Date().toISOString(), id, stack, ...cause })}\n`);
}
