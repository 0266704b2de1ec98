import { STATE_SUFFIX, carriedAs, compileDataset, compileEventSpine, type EventSpineOptions } from '@granary/compiler';
import { GranaryError, type FeatureService, type JobOptions, type Snapshot, type Source } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import { explainOverflow } from '../overflow.js';
import { withSpine } from './with-spine.js';

export interface DatasetOptions extends EventSpineOptions, JobOptions {
  /** The source whose events are the spine; it has the service's entity keys and request fields as fields. */
  readonly spine: string;
  /** Where the Parquet file goes. */
  readonly path: string;
}

export interface DatasetReport {
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
  readonly columns: readonly string[];
}

/**
 * Writes a point-in-time training set: a row for each event of the spine, in order of time, with all its fields, the
 * service's features as of the event's own time, and each feature's state in `<feature>__state`.
 * Throws UNKNOWN_SERVICE, DEFINITION_NOT_FOUND, and DEFINITION_INVALID where the spine lacks a key or request field.
 */
export async function writeDataset(store: OfflineStore, snapshot: Snapshot, serviceName: string, options: DatasetOptions): Promise<DatasetReport> {
  const service = findService(snapshot, serviceName);
  const source = spineSource(snapshot, service, options.spine);
  await ensureSources(store, snapshot, service, source);
  const carried = source.fields.map((field) => field.name);
  return withSpine(store, compileEventSpine(source, options), async (table) => {
    options.onProgress?.({ stage: `dataset ${serviceName}`, done: 0, total: null, unit: 'rows' });
    const statement = compileDataset(snapshot, service, { table, columns: carried });
    const { rows, bytes } = await explainOverflow(`feature service ${serviceName}`, () => store.exportParquet(statement, options.path, { comment: `dataset ${serviceName}`, signal: options.signal }));
    options.onProgress?.({ stage: `dataset ${serviceName}`, done: rows, total: rows, unit: 'rows' });
    const features = service.views.flatMap((view) => view.features);
    return { path: options.path, rows, bytes, columns: [...carried.map((name) => carriedAs(service, name)), ...features.flatMap((name) => [name, `${name}${STATE_SUFFIX}`])] };
  });
}

/** The tables of every source that a service's views read, and of its spine: a source without events yet has none. */
export async function ensureSources(store: OfflineStore, snapshot: Snapshot, service: FeatureService, spine?: Source): Promise<void> {
  const names = new Set(service.views.map((use) => snapshot.views.find((view) => view.name === use.view)?.source));
  for (const source of snapshot.sources) if (names.has(source.name) || source === spine) await store.ensureSource(source);
}

export function findService(snapshot: Snapshot, name: string): FeatureService {
  const service = snapshot.services.find((each) => each.name === name);
  if (service !== undefined) return service;
  throw new GranaryError('UNKNOWN_SERVICE', `There is no feature service ${name}`, { todo: `Name one of ${snapshot.services.map((each) => each.name).join(', ')}.` });
}

export function findSource(snapshot: Snapshot, name: string): Source {
  const source = snapshot.sources.find((each) => each.name === name);
  if (source !== undefined) return source;
  throw new GranaryError('DEFINITION_NOT_FOUND', `There is no source ${name}`, { todo: `Name one of ${snapshot.sources.map((each) => each.name).join(', ')}.` });
}

function spineSource(snapshot: Snapshot, service: FeatureService, name: string): Source {
  const source = findSource(snapshot, name);
  const keys = service.views.flatMap((use) => {
    const view = snapshot.views.find((each) => each.name === use.view);
    return snapshot.entities.find((each) => each.name === view?.entity)?.keys ?? [];
  });
  for (const need of [...keys, ...service.request]) {
    const field = source.fields.find((each) => each.name === need.name);
    if (field?.type.kind === need.type.kind) continue;
    throw new GranaryError('DEFINITION_INVALID', `The spine ${name} has no ${need.type.kind} field ${need.name}, which ${service.name} needs`, {
      todo: `Take a spine with ${[...keys, ...service.request].map((each) => each.name).join(', ')}.`,
    });
  }
  return source;
}
