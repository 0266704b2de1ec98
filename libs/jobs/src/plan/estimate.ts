import { ageRange } from '@granary/aggregates';
import { EVENT, eventsTable, identifier, named, storedSources, type Snapshot, type Source, type VersionedView } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import { rowSize } from './row-size.js';

/** What a view costs, from the events that are stored now. */
export interface ViewEstimate {
  /** Events that a full backfill reads, of a computed source those of all its inputs; null: nothing is ingested yet. */
  readonly rows: number | null;
  /** How many of them its windows reach as of the newest one; of a computed source all. */
  readonly rowsInWindows: number | null;
  /** Of one entity's packed row online, its key not counted. */
  readonly bytesPerEntity: number;
  /** About how many entities have rows; null: only the query of its source could say. */
  readonly entities: number | null;
}

/** Reads counts and, of the keys and times, one column each; nothing is computed. */
export async function estimateView(store: OfflineStore, snapshot: Snapshot, view: VersionedView): Promise<ViewEstimate> {
  const source = named(snapshot.sources, view.source);
  const inputs = await ingested(store, storedSources(snapshot, source));
  const counts = await Promise.all(inputs.map((input) => store.countEvents(input)));
  const rows = inputs.length === 0 ? null : counts.reduce((a, b) => a + b, 0);
  const rowsInWindows = rows === null || rows === 0 || source.computed !== undefined ? rows : await countInWindows(store, source, view);
  const holder = keyHolder(snapshot, source);
  const entities = holder !== null && inputs.includes(holder) ? await countEntities(store, holder, view.keyFields) : null;
  return { rows, rowsInWindows, bytesPerEntity: rowSize(view), entities };
}

async function ingested(store: OfflineStore, sources: readonly Source[]): Promise<readonly Source[]> {
  const there = await Promise.all(sources.map((source) => store.tableExists(eventsTable(source))));
  return sources.filter((_, i) => there[i]);
}

/** The stored source whose events hold a view's keys; enriching leaves them where they are, a query may make its own. */
function keyHolder(snapshot: Snapshot, source: Source): Source | null {
  if (source.computed === undefined) return source;
  return source.computed.kind === 'enriched' ? keyHolder(snapshot, named(snapshot.sources, source.computed.events)) : null;
}

async function countEntities(store: OfflineStore, source: Source, keyFields: readonly string[]): Promise<number> {
  const [row] = await store.rows({ sql: `SELECT uniq(${keyFields.map(identifier).join(', ')}) AS n FROM ${identifier(eventsTable(source))}`, params: {} }, { comment: 'plan' });
  return Number(row!['n']);
}

async function countInWindows(store: OfflineStore, source: Source, view: VersionedView): Promise<number> {
  const table = identifier(eventsTable(source));
  const time = identifier(EVENT.time);
  const [newest] = await store.rows({ sql: `SELECT toUnixTimestamp64Milli(max(${time})) AS ms FROM ${table}`, params: {} }, { comment: 'plan' });
  // ClickHouse's instants begin in 1900; beyond that they wrap.
  const from = Math.max(Number(newest!['ms']) - reachMs(view), Date.UTC(1900, 0, 1));
  const [row] = await store.rows({ sql: `SELECT count() AS n FROM ${table} WHERE ${time} >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')`, params: { from } }, { comment: 'plan' });
  return Number(row!['n']);
}

/** Infinity: all of history. */
function reachMs({ features }: VersionedView): number {
  return Math.max(...features.map(({ aggregate: { window } }) => (window === null ? Infinity : (ageRange(window)?.oldest ?? 0))));
}
