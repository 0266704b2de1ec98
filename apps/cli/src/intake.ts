import type { EventSink } from '@granary/jobs';
import type { IngestApp } from '@granary/ingest';
import type { OfflineStore } from '@granary/offline-store';
import type { Context } from './context.js';

/**
 * Stores events in the context's offline store and publishes them to its online store, also those that others store there;
 * finished and closed with the context.
 */
export async function openIntake(context: Context, store: OfflineStore): Promise<EventSink> {
  const { createIntake, createPublisher, follow } = await import('@granary/jobs');
  const snapshot = await context.snapshot();
  const publisher = createPublisher(store, await context.online(), snapshot, { project: context.environment.project });
  const following = follow(publisher, { onTrouble: (error) => context.voice.note(`publishing: ${(error as Error).message}; trying again`) });
  context.onClose(() => following.close());
  const sink = createIntake({ store, snapshot, publisher });
  context.onClose(() => sink.close());
  return sink;
}

/** Takes events in over HTTP, closed with the context, before the sink. Throws CONFIG_INVALID. */
export async function startIntake(context: Context, sink: EventSink): Promise<IngestApp> {
  const { host, intakePort: port } = context.environment;
  const { createIngestApp } = await import('@granary/ingest');
  const app = await createIngestApp({ sink, host, port });
  context.onClose(() => app.close());
  return app;
}
