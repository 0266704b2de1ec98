import { GranaryError, isGranaryError, type Entity, type Snapshot } from '@granary/contracts';
import type { EventSink, LoadedModels } from '@granary/jobs';
import type { OfflineStore } from '@granary/offline-store';
import type { OnlineStore } from '@granary/online-store';
import type { FeatureReader, FeatureReaderOptions } from '@granary/serving';
import type { BuildSchemaPart, SampleKeys, ServedRecommender, ServedScorer, ServingApp } from '@granary/serving-api';
import { currentSnapshot, onlinePlace, writeEndpoints, type Context } from './context.js';

/**
 * The serving API over the context's stores; it is closed with the context. `offline` is looked at for trained models at the
 * start; one that `stays` open also answers reads of the past, and takes the log of what is served.
 * Throws REGISTRY_EMPTY, CONFIG_INVALID.
 */
export async function startServing(context: Context, offline: OfflineStore | null, { stays, sink }: { readonly stays: boolean; readonly sink?: EventSink }): Promise<ServingApp> {
  const { host, port } = context.environment;
  const snapshot = await context.snapshot();
  const head = await (await context.registry()).head();
  const online = await context.online();
  const { FeatureReader } = await import('@granary/serving');
  const { createServingApp, ingestMutations } = await import('@granary/serving-api');
  const options = await readerOptions(context, stays ? offline : null);
  const reader = new FeatureReader(snapshot, online, options);
  const samples = offline === null ? {} : await (await import('@granary/jobs')).sampleKeys(offline, snapshot);
  const app = await createServingApp({
    reader,
    ...(head === null ? {} : { appliedAt: head.appliedAt }),
    schemaParts: [...(await modelParts(context, offline, online, reader, options, samples)), ...(sink === undefined ? [] : [ingestMutations(snapshot, sink)])],
    sampleKeys: samples,
    host,
    port,
  });
  context.onClose(() => app.close());
  return app;
}

/** What readers of the context's stores share. What they log is written before the context closes the store. */
async function readerOptions(context: Context, offline: OfflineStore | null): Promise<FeatureReaderOptions> {
  const { project, logSample: sample } = context.environment;
  if (offline === null) return { project };
  const { appendServed, featureHistory } = await import('@granary/jobs');
  const { ServingLog } = await import('@granary/serving');
  const { voice } = context;
  const log = new ServingLog({ sample, write: (rows) => appendServed(offline, rows), onFailure: (error) => voice.note(`what is served could not be logged: ${(error as Error).message}`) });
  context.onClose(async () => {
    await log.flush();
    const { dropped, lost } = log.counts();
    if (dropped + lost > 0) voice.note(`of what was served ${dropped + lost} sampled rows are not in the log`);
  });
  return { project, history: featureHistory(offline), log };
}

/**
 * The root fields of recommenders and scorers. Each model reads the features of the snapshot it was trained with. Without
 * an offline store none is known to be trained: their fields say so.
 */
async function modelParts(context: Context, offline: OfflineStore | null, online: OnlineStore, reader: FeatureReader, options: FeatureReaderOptions, samples: SampleKeys): Promise<BuildSchemaPart[]> {
  const { snapshot } = reader;
  const { FeatureReader, Recommender, Scorer } = await import('@granary/serving');
  const { recommenders, scorers } = await import('@granary/serving-api');
  const loaded = offline === null ? null : await loadModelsOf(context, offline, snapshot);
  const registry = await context.registry();
  const readerOf = async (id: string): Promise<FeatureReader> => (id === snapshot.id ? reader : new FeatureReader(await currentSnapshot(registry, id), online, options));
  const entity = (name: string): Entity => snapshot.entities.find((each) => each.name === name)!;

  const servedRecommenders: ServedRecommender[] = [];
  for (const declaration of snapshot.recommenders) {
    const trained = loaded?.recommenders.get(declaration.name);
    servedRecommenders.push({
      declaration,
      user: entity(declaration.user),
      item: entity(declaration.item),
      trained: trained === undefined ? null : new Recommender(declaration.name, { reader: await readerOf(trained.version.snapshot), model: trained.model }),
    });
  }
  const servedScorers: ServedScorer[] = [];
  for (const declaration of snapshot.scorers) {
    const trained = loaded?.scorers.get(declaration.name);
    const own = trained === undefined ? reader : await readerOf(trained.version.snapshot);
    servedScorers.push({ declaration, reader: own, trained: trained === undefined ? null : new Scorer(declaration.name, { reader: own, model: trained.model }) });
  }
  return [recommenders(servedRecommenders, samples), scorers(servedScorers, samples)];
}

async function loadModelsOf(context: Context, offline: OfflineStore, snapshot: Snapshot): Promise<LoadedModels> {
  const { loadModels } = await import('@granary/jobs');
  const names = { recommenders: snapshot.recommenders.map((each) => each.name), scorers: snapshot.scorers.map((each) => each.name) };
  return loadModels(offline, await context.artifacts(), names);
}

/** ClickHouse's HTTP interface in front of an embedded store, closed with the context. Throws CONFIG_INVALID when the port is taken. */
export async function startFront(context: Context, store: OfflineStore): Promise<string> {
  const { clickhousePort: port } = context.environment;
  const { startHttpFront } = await import('@granary/offline-store');
  try {
    const front = await startHttpFront({ store, port });
    context.onClose(() => front.close());
    return front.url;
  } catch (error) {
    if (!isGranaryError(error) || (error.cause as NodeJS.ErrnoException | undefined)?.syscall !== 'listen') throw error;
    throw new GranaryError('CONFIG_INVALID', `The HTTP front to ClickHouse ${error.message}`, {
      todo: 'Choose another port with --clickhouse-port (0: any free one), or end the process that has it.',
      details: { port },
      cause: error,
    });
  }
}

/** Tells other commands of this home where it is served, as long as it is. */
export async function announce(context: Context, clickhouse: string | null, serving: string): Promise<void> {
  const { home } = context.environment;
  await writeEndpoints(home, { pid: process.pid, clickhouse, online: await onlinePlace(context.environment), serving });
  context.onClose(() => writeEndpoints(home, null));
}

export function untilInterrupted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
