import { compileEnrichedEvents, compileEnrichedSpine, compileSqlEvents, compileSqlQuery, type EnrichedSource, type EventScope, type SqlSource } from '@granary/compiler';
import { EVENT, inputSources, storedSources, type JobOptions, type Snapshot, type Source, type Statement } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import { throwIfCancelled } from '../cancelled.js';
import { withSpine } from '../dataset/spine-table.js';
import { explainOverflow } from '../overflow.js';
import { withStages, type CreateStage } from '../stage-table.js';
import { checkSql, explainSql } from './check-sql.js';

/** How many events of each stored source a reader sees: those that arrived after them are not there. */
export type Horizon = ReadonlyMap<string, number>;

export interface EventsOptions extends Pick<JobOptions, 'signal' | 'onProgress'> {
  /** Left out: all that have arrived by the time each statement runs. */
  readonly horizon?: Horizon | undefined;
  /** Bytes that a statement may use before it fails; it spills to disk at a third. Default: the store's own limit. */
  readonly maxMemoryBytes?: number | undefined;
}

/** What has arrived of the stored sources that these come from. */
export async function currentHorizon(store: OfflineStore, snapshot: Snapshot, sources: readonly Source[]): Promise<Horizon> {
  const stored = [...new Set(sources.flatMap((source) => storedSources(snapshot, source)))];
  const horizon = new Map<string, number>();
  for (const source of stored) {
    await store.ensureSource(source);
    horizon.set(source.name, await store.lastSequence(source));
  }
  return horizon;
}

/**
 * Makes the events of these sources readable while `use` runs: the tables of stored ones are there, and those that are
 * computed are put into tables of their own, each after what it reads. `use` passes the scope to what it compiles.
 * Throws DEFINITION_INVALID and INVALID_VALUE where the SQL of a source does not give what the source declares, CANCELLED.
 */
export async function withEvents<T>(store: OfflineStore, snapshot: Snapshot, sources: readonly Source[], options: EventsOptions, use: (scope: EventScope) => Promise<T>): Promise<T> {
  return withStages(store, async (create) => {
    const computed = new Map<string, string>();
    const scope: EventScope = { horizon: options.horizon, computed };
    for (const source of withInputs(snapshot, sources)) {
      throwIfCancelled(options.signal, `reading ${source.name}`);
      if (source.computed === undefined) {
        await store.ensureSource(source);
        continue;
      }
      options.onProgress?.({ stage: `compute ${source.name}`, done: 0, total: null, unit: 'events' });
      computed.set(source.name, await compute(store, snapshot, source, create, scope, options));
    }
    return use(scope);
  });
}

/** The sources with all that they read, each after its inputs. */
export function withInputs(snapshot: Snapshot, sources: readonly Source[]): readonly Source[] {
  const ordered = new Set<Source>();
  const visit = (source: Source): void => {
    for (const input of inputSources(snapshot, source)) visit(input);
    ordered.add(source);
  };
  sources.forEach(visit);
  return [...ordered];
}

/** The name of the table that it puts the source's events into. */
async function compute(store: OfflineStore, snapshot: Snapshot, source: Source, create: CreateStage, scope: EventScope, { signal, maxMemoryBytes }: EventsOptions): Promise<string> {
  const options = { comment: `compute ${source.name}`, signal, maxMemoryBytes };
  const fill = (select: Statement): Promise<string> =>
    explainSql(() => explainOverflow(`source ${source.name}`, () => create({ purpose: 'events', orderBy: [EVENT.time, EVENT.id] }, select, options)));
  if (isSql(source)) {
    await checkSql(store, `source ${source.name}`, compileSqlQuery(snapshot, source, scope), source.fields, signal);
    return fill(compileSqlEvents(snapshot, source, scope));
  }
  if (!isEnriched(source)) throw new Error(`${source.name} is not computed`);
  return withSpine(store, compileEnrichedSpine(snapshot, source, scope), (spine) => fill(compileEnrichedEvents(snapshot, source, spine, scope)), { signal, maxMemoryBytes });
}

function isSql(source: Source): source is SqlSource {
  return source.computed?.kind === 'sql';
}

function isEnriched(source: Source): source is EnrichedSource {
  return source.computed?.kind === 'enriched';
}
