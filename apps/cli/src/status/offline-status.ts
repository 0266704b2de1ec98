import { eventsTable, formatInstant, quarantineTable, type Snapshot } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import { formatCount } from '../terminal/format.js';
import type { Style } from '../terminal/style.js';
import { renderTable } from '../terminal/table.js';

export interface SourceStatus {
  readonly source: string;
  readonly events: number;
  /** Of the event that was stored last; 0: none. Of a computed source, whose events are not stored, 0. */
  readonly lastSequence: number;
  readonly quarantined: number;
}

export interface ViewStatus {
  readonly view: string;
  readonly version: string;
  /** The latest instant that was backfilled. */
  readonly backfilled: string | null;
  /** How many instants were. */
  readonly instants: number;
}

export interface ModelStatus {
  readonly name: string;
  readonly version: number;
  readonly artifact: string;
  readonly trainedAt: string;
}

export interface OfflineStatus {
  readonly sources: readonly SourceStatus[];
  readonly views: readonly ViewStatus[];
  readonly models: readonly ModelStatus[];
}

/** Makes nothing that isn't there. `snapshot` null: nothing is applied. */
export async function offlineStatus(store: OfflineStore, snapshot: Snapshot | null): Promise<OfflineStatus> {
  const sources: SourceStatus[] = [];
  for (const source of snapshot?.sources ?? []) {
    const ingested = await store.tableExists(eventsTable(source));
    const events = ingested ? await store.countEvents(source) : 0;
    const lastSequence = ingested ? await store.lastSequence(source) : 0;
    const quarantined = (await store.tableExists(quarantineTable(source))) ? await store.countQuarantined(source) : 0;
    sources.push({ source: source.name, events, lastSequence, quarantined });
  }
  const runs = await store.rows({ sql: "SELECT view, version, max(as_of) AS latest, uniqExact(as_of) AS instants FROM granary_backfills WHERE state = 'finished' GROUP BY view, version", params: {} });
  const views = (snapshot?.views ?? []).map(({ name, version }) => {
    const run = runs.find((row) => row['view'] === name && row['version'] === version);
    return { view: name, version, backfilled: run === undefined ? null : formatInstant(run['latest'] as number), instants: Number(run?.['instants'] ?? 0) };
  });
  const { listModels } = await import('@granary/jobs');
  const models = (await listModels(store)).map(({ name, version, artifact, createdAt }) => ({ name, version, artifact, trainedAt: formatInstant(createdAt) }));
  return { sources, views, models };
}

export function renderOffline({ sources, views, models }: OfflineStatus, style: Style): readonly string[] {
  const right = (title: string) => ({ title, align: 'right' as const });
  const tables = [
    [[{ title: 'source' }, right('events'), right('quarantined')], sources.map((each) => [each.source, formatCount(each.events), formatCount(each.quarantined)])],
    [[{ title: 'view' }, { title: 'version' }, { title: 'backfilled as of' }, right('instants')], views.map((each) => [each.view, each.version, each.backfilled ?? '–', formatCount(each.instants)])],
    [[{ title: 'model' }, right('version'), { title: 'artifact' }, { title: 'trained at' }], models.map((each) => [each.name, String(each.version), each.artifact.slice(0, 12), each.trainedAt])],
  ] as const;
  const shown = tables.filter(([, rows]) => rows.length > 0).map(([columns, rows]) => renderTable(columns, rows, style));
  return [[...shown, ...(models.length === 0 ? ['no models trained yet'] : [])].join('\n\n')];
}
