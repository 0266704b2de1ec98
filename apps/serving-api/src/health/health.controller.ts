import { Controller, Get, Header, Inject, ServiceUnavailableException } from '@nestjs/common';
import { CHECKS } from '../tokens.js';
import type { Checks } from '../tokens.js';
import { readiness, type Readiness } from './readiness.js';

@Controller()
export class HealthController {
  constructor(@Inject(CHECKS) private readonly checks: Checks) {}

  /** The process is alive. */
  @Get('healthz')
  @Header('cache-control', 'no-store')
  healthz(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** All that answers need is there: 200, or 503 with the parts that fail. */
  @Get('readyz')
  @Header('cache-control', 'no-store')
  async readyz(): Promise<Readiness> {
    const result = await readiness(this.checks);
    if (result.status !== 'ready') throw new ServiceUnavailableException(result);
    return result;
  }
}
