import { randomUUID } from 'node:crypto';
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { LogInternalError } from './graphql/errors.js';

const CODES: Readonly<Record<number, string>> = { 404: 'NOT_FOUND', 413: 'BODY_TOO_LARGE', 415: 'BAD_REQUEST', 400: 'BAD_REQUEST' };

/** What fails before GraphQL sees it (an unknown path, a body too large or no JSON) is answered in GraphQL's shape. */
@Catch()
export class HttpErrorsFilter implements ExceptionFilter {
  constructor(private readonly log: LogInternalError) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const status = statusOf(error);
    if (error instanceof HttpException && status === 503) return void reply.code(status).send(error.getResponse());
    if (status < 500) return void reply.code(status).send(body((error as Error).message, { code: CODES[status] ?? 'BAD_REQUEST' }));
    const id = randomUUID();
    this.log({ id, code: 'INTERNAL_SERVER_ERROR', path: '', error });
    void reply.code(500).send(body(`Something went wrong on our side; the server's log has the details under ${id}`, { code: 'INTERNAL_SERVER_ERROR', id }));
  }
}

function statusOf(error: unknown): number {
  if (error instanceof HttpException) return error.getStatus();
  const status = (error as { statusCode?: unknown }).statusCode;
  return typeof status === 'number' && status >= 400 ? status : 500;
}

function body(message: string, extensions: Readonly<Record<string, string>>): object {
  return { errors: [{ message, extensions }] };
}
