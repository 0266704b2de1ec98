import { Body, Controller, HttpCode, Inject, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { BodyRows, EventSink, IntakeResult, RejectedEvent } from '@granary/jobs';
import { SINK } from './tokens.js';

interface IntakeAnswer extends IntakeResult {
  /** `line`: of the body, from 1, where that is NDJSON. */
  readonly rejected: readonly (RejectedEvent & { readonly line?: number })[];
}

@Controller('v1/events')
export class EventsController {
  constructor(@Inject(SINK) private readonly sink: EventSink) {}

  /** 200: all are accepted; 207: some; 409: none, for what is stored contradicts them; 400: none. */
  @Post(':source')
  @HttpCode(200)
  async post(@Param('source') source: string, @Body() body: BodyRows | undefined, @Res({ passthrough: true }) reply: FastifyReply): Promise<IntakeAnswer> {
    const result = await this.sink.accept(source, body?.rows ?? [], { origin: 'http' });
    if (result.rejected.length > 0) void reply.code(result.accepted > 0 ? 207 : result.rejected.every(({ code }) => code === 'CONFLICTING_EVENT') ? 409 : 400);
    const lines = body?.lines ?? null;
    return lines === null ? result : { ...result, rejected: result.rejected.map((each) => ({ ...each, line: lines[each.index]! })) };
  }
}
