import { Module, type DynamicModule } from '@nestjs/common';
import type { EventSink } from '@granary/jobs';
import { EventsController } from './events.controller.js';
import { HealthController } from './health.controller.js';
import { SINK } from './tokens.js';

@Module({})
export class AppModule {
  static of(sink: EventSink): DynamicModule {
    return { module: AppModule, controllers: [EventsController, HealthController], providers: [{ provide: SINK, useValue: sink }] };
  }
}
