import { ageRange, hashesKept, isSketch, representView, type TileGroup, type ViewRepresentation } from '@granary/aggregates';
import { EARLIEST, EVENT, LATEST, eventsTable, identifier, named, storedSources, type Aggregate, type Instant, type Snapshot, type Source, type VersionedView } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import { adviseHop, type HopAdvice } from './advise-hop.js';
import { onlineSize } from './online-size.js';

/** What a view costs, from the events that are stored now. */
export interface ViewEstimate {
  /** Events that a full backfill reads, of a computed source those of all its inputs; null: nothing is ingested yet. */
  readonly rows: number | null;
  /** How many of them its windows reach as of the newest one; of a computed source all. */
  readonly rowsInWindows: number | null;
  /** Of one entity online, its key not counted: its row, and the events it keeps where that is known. */
  readonly bytesPerEntity: number;
  /** About how many events an entity keeps online for windows and lists; 0: none. Null: not known. */
  readonly eventsPerEntity: number | null;
  /** At least so many does the entity with the most. */
  readonly mostEventsPerEntity: number | null;
  /** Of each of them. */
  readonly bytesPerEvent: number;
  /** What a hop would keep instead; null: the events are few, or needed one by one. */
  readonly hop: HopAdvice | null;
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
  const representation = representView(view, source);
  const { rowBytes, eventBytes, hopBytes } = onlineSize(view.version, representation);
  const holder = keyHolder(snapshot, source);
  const known = holder !== null && inputs.includes(holder) ? await countKept(store, holder, view, representation) : { entities: null, eventsPerEntity: null, mostEventsPerEntity: null, hopsPerEntity: null, hashesPerEntity: 0 };
  const { hopsPerEntity, hashesPerEntity, ...events } = known;
  const kept = eventBytes === 0 ? { ...events, eventsPerEntity: 0, mostEventsPerEntity: 0 } : events;
  const ofHops = hopBytes.reduce((sum, bytes, i) => sum + bytes * (hopsPerEntity?.[i] ?? 0), 8 * hashesPerEntity);
  const hop = adviseHop(representation, kept.mostEventsPerEntity ?? 0);
  return { rows, rowsInWindows, ...kept, bytesPerEvent: eventBytes, bytesPerEntity: Math.round(rowBytes + (kept.eventsPerEntity ?? 0) * eventBytes + ofHops), hop };
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

// How many keys the search for the heaviest entity tells apart: one with a smaller share of the events may be missed.
const HEAVY_KEYS = 1_000;

/** What the entities keep as of the newest event. */
async function countKept(store: OfflineStore, holder: Source, view: VersionedView, { retention: { reachMs, ends, newestEvent }, tiles }: ViewRepresentation): Promise<Pick<ViewEstimate, 'entities' | 'eventsPerEntity' | 'mostEventsPerEntity'> & { readonly hopsPerEntity: readonly number[] | null; readonly hashesPerEntity: number }> {
  const keys = view.keyFields.map(identifier).join(', ');
  const inReach = `${identifier(EVENT.time)} >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')`;
  const started = (i: number): string => `toUnixTimestamp64Milli(${identifier(EVENT.time)}) >= {starts:Array(Int64)}[${i + 1}]`;
  const hopsOf = ({ hopMs }: TileGroup, i: number): string => `uniqIf(${keys}, intDiv(toUnixTimestamp64Milli(${identifier(EVENT.time)}), ${hopMs}), ${started(i)})`;
  // What the holder has no column of may be different in each event.
  const valuesOf = ({ column }: Aggregate, i: number): string => (holder.fields.some(({ name }) => name === column) ? `uniqIf(${keys}, ${identifier(column!)}, ${started(i)})` : `countIf(${started(i)})`);
  const sketches = tiles.flatMap(({ totals }, i) => totals.filter(isSketch).map(({ feature }) => valuesOf(feature.aggregate, i)));
  const sql = `SELECT uniq(${keys}) AS entities, count() AS events, countIf(${inReach}) AS reached, approx_top_countIf(1, ${HEAVY_KEYS})(tuple(${keys}), ${inReach}) AS heaviest,
tupleElement(heaviest[1], 2) - tupleElement(heaviest[1], 3) AS most, [${tiles.map(hopsOf).join(', ')}]::Array(UInt64) AS hops, [${sketches.join(', ')}]::Array(UInt64) AS different FROM ${identifier(eventsTable(holder))}`;
  // An instant after all events: none is kept for its age.
  const from = reachMs < 0 ? LATEST : await reachedFrom(store, holder, reachMs);
  const starts = await Promise.all(tiles.map(({ ages }) => reachedFrom(store, holder, ages.oldest)));
  const [row] = await store.rows({ sql, params: { from, starts } }, { comment: 'plan' });
  const [entities, events, reached, most] = ['entities', 'events', 'reached', 'most'].map((name) => Number(row![name] ?? 0)) as [number, number, number, number];
  if (entities === 0) return { entities, eventsPerEntity: 0, mostEventsPerEntity: 0, hopsPerEntity: null, hashesPerEntity: 0 };
  const hopsPerEntity = (row!['hops'] as readonly unknown[]).map((hops) => Number(hops) / entities);
  const hashesPerEntity = (row!['different'] as readonly unknown[]).reduce<number>((sum, values) => sum + hashesKept(Number(values) / entities), 0);
  const single = ends.reduce((sum, { n }) => sum + n, newestEvent ? 1 : 0);
  const eventsPerEntity = Math.min(events / entities, reached / entities + single);
  return { entities, eventsPerEntity, mostEventsPerEntity: Math.max(most, Math.ceil(eventsPerEntity)), hopsPerEntity, hashesPerEntity };
}

async function countInWindows(store: OfflineStore, source: Source, view: VersionedView): Promise<number> {
  const table = identifier(eventsTable(source));
  const time = identifier(EVENT.time);
  const from = await reachedFrom(store, source, reachMs(view));
  const [row] = await store.rows({ sql: `SELECT count() AS n FROM ${table} WHERE ${time} >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')`, params: { from } }, { comment: 'plan' });
  return Number(row!['n']);
}

/** Where what reaches so far back from the newest event begins. */
async function reachedFrom(store: OfflineStore, source: Source, reach: number): Promise<Instant> {
  const [newest] = await store.rows({ sql: `SELECT toUnixTimestamp64Milli(max(${identifier(EVENT.time)})) AS ms FROM ${identifier(eventsTable(source))}`, params: {} }, { comment: 'plan' });
  return Math.max(Number(newest!['ms']) - reach, EARLIEST);
}

/** Infinity: all of history. */
function reachMs({ features }: VersionedView): number {
  return Math.max(...features.map(({ aggregate: { window } }) => (window === null ? Infinity : (ageRange(window)?.oldest ?? 0))));
}
