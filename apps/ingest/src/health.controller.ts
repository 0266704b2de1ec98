import { Controller, Get, Header, Inject, ServiceUnavailableException } from '@nestjs/common';
import { isGranaryError } from '@granary/contracts';
import type { EventSink } from '@granary/jobs';
import { SINK } from './tokens.js';

const PATIENCE_MS = 2_000;

@Controller('health')
export class HealthController {
  constructor(@Inject(SINK) private readonly sink: EventSink) {}

  /** The process is alive. */
  @Get('live')
  @Header('cache-control', 'no-store')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** Events can be stored: 200, or 503 with the code of what fails. */
  @Get('ready')
  @Header('cache-control', 'no-store')
  async ready(): Promise<{ status: 'ready' }> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => (timer = setTimeout(() => resolve('NO_ANSWER'), PATIENCE_MS)));
    const failed = await Promise.race([
      this.sink.ping().then(
        () => null,
        (error: unknown) => (isGranaryError(error) ? error.code : 'INTERNAL_SERVER_ERROR'),
      ),
      late,
    ]);
    clearTimeout(timer);
    if (failed !== null) throw new ServiceUnavailableException({ status: 'not ready', failed });
    return { status: 'ready' };
  }
}
