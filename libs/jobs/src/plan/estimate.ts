import { ageRange, representView, type TileGroup, type ViewRepresentation } from '@granary/aggregates';
import { EARLIEST, EVENT, LATEST, eventsTable, identifier, named, storedSources, type Instant, type Snapshot, type Source, type VersionedView } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import { adviseHop, withHop, type HopAdvice } from './advise-hop.js';
import { onlineSize } from './online-size.js';
import { emitValueCounts, listTotals, valueBytes, type ListTotal } from './tile-values.js';

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
  /** What a hop would keep instead; null: the events are few, needed one by one, or as different as they are many. */
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
  const counted = holder !== null && inputs.includes(holder);
  const known = counted ? await countKept(store, holder, view, representation) : { entities: null, eventsPerEntity: null, mostEventsPerEntity: null, hopsPerEntity: null, valueBytesPerEntity: 0 };
  const { hopsPerEntity, valueBytesPerEntity, ...events } = known;
  const kept = eventBytes === 0 ? { ...events, eventsPerEntity: 0, mostEventsPerEntity: 0 } : events;
  const ofHops = hopBytes.reduce((sum, bytes, i) => sum + bytes * (hopsPerEntity?.[i] ?? 0), valueBytesPerEntity);
  const advice = adviseHop(representation, kept.mostEventsPerEntity ?? 0);
  const hop = advice === null || !counted ? advice : await priceHop(store, holder, view, source, advice, eventBytes);
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
async function countKept(store: OfflineStore, holder: Source, view: VersionedView, { retention: { reachMs, ends, newestEvent }, tiles }: ViewRepresentation): Promise<Pick<ViewEstimate, 'entities' | 'eventsPerEntity' | 'mostEventsPerEntity'> & { readonly hopsPerEntity: readonly number[] | null; readonly valueBytesPerEntity: number }> {
  const keys = view.keyFields.map(identifier).join(', ');
  const inReach = happenedFrom('{from:Int64}');
  const started = (i: number): string => `toUnixTimestamp64Milli(${identifier(EVENT.time)}) >= {starts:Array(Int64)}[${i + 1}]`;
  const hopsOf = ({ hopMs }: TileGroup, i: number): string => `uniqIf(${keys}, intDiv(toUnixTimestamp64Milli(${identifier(EVENT.time)}), ${hopMs}), ${started(i)})`;
  const lists = listTotals({ tiles });
  const sql = `SELECT uniq(${keys}) AS entities, count() AS events, countIf(${inReach}) AS reached, ${emitHeaviest(keys, inReach)} AS heaviest,
tupleElement(heaviest[1], 2) - tupleElement(heaviest[1], 3) AS most, [${tiles.map(hopsOf).join(', ')}]::Array(UInt64) AS hops, [${lists.map((each) => emitValueCounts(each, holder, keys, started(each.group))).join(', ')}]::Array(Array(UInt64)) AS lists FROM ${identifier(eventsTable(holder))}`;
  // An instant after all events: none is kept for its age.
  const from = reachMs < 0 ? LATEST : await reachedFrom(store, holder, reachMs);
  const starts = await Promise.all(tiles.map(({ ages }) => reachedFrom(store, holder, ages.oldest)));
  const [row] = await store.rows({ sql, params: { from, starts } }, { comment: 'plan' });
  const [entities, events, reached, most] = ['entities', 'events', 'reached', 'most'].map((name) => Number(row![name] ?? 0)) as [number, number, number, number];
  if (entities === 0) return { entities, eventsPerEntity: 0, mostEventsPerEntity: 0, hopsPerEntity: null, valueBytesPerEntity: 0 };
  const hopsPerEntity = (row!['hops'] as readonly unknown[]).map((hops) => Number(hops) / entities);
  const valueBytesPerEntity = totalBytes(lists, row!['lists'], entities);
  const single = ends.reduce((sum, { n }) => sum + n, newestEvent ? 1 : 0);
  const eventsPerEntity = Math.min(events / entities, reached / entities + single);
  return { entities, eventsPerEntity, mostEventsPerEntity: Math.max(most, Math.ceil(eventsPerEntity)), hopsPerEntity, valueBytesPerEntity };
}

/** Null where the values of its hops would take up as much as the events that the entity with the most keeps. */
async function priceHop(store: OfflineStore, holder: Source, view: VersionedView, source: Source, advice: HopAdvice, eventBytes: number): Promise<HopAdvice | null> {
  const hopping = view.features.filter(({ name }) => advice.features.includes(name)).map((feature) => withHop(feature, advice.hopMs));
  const lists = listTotals(representView({ features: hopping }, source));
  if (lists.length === 0) return advice;
  const keys = view.keyFields.map(identifier).join(', ');
  const [table, inReach] = [identifier(eventsTable(holder)), happenedFrom('{from:Int64}')];
  const heaviest = `tuple(${keys}) = (SELECT tupleElement(${emitHeaviest(keys, inReach)}[1], 1) FROM ${table})`;
  const sql = `SELECT count() AS events, [${lists.map((each) => emitValueCounts(each, holder, keys, 'true')).join(', ')}]::Array(Array(UInt64)) AS lists FROM ${table} WHERE ${inReach} AND ${heaviest}`;
  const [row] = await store.rows({ sql, params: { from: await reachedFrom(store, holder, advice.sizeMs) } }, { comment: 'plan' });
  const bytes = totalBytes(lists, row!['lists'], 1);
  return 2 * bytes > Number(row!['events']) * eventBytes ? null : { ...advice, valueBytes: bytes };
}

function totalBytes(lists: readonly ListTotal[], counts: unknown, entities: number): number {
  return lists.reduce((sum, each, i) => {
    const [values, pairs] = ((counts as readonly (readonly unknown[])[])[i]!).map((count) => Number(count) / entities) as [number, number];
    return sum + valueBytes(each, [values, pairs]);
  }, 0);
}

function happenedFrom(ms: string): string {
  return `${identifier(EVENT.time)} >= fromUnixTimestamp64Milli(${ms}, 'UTC')`;
}

/** SQL of an array of one tuple: the key with the most events for which the condition holds, how many about, and the error of that. */
function emitHeaviest(keys: string, condition: string): string {
  return `approx_top_countIf(1, ${HEAVY_KEYS})(tuple(${keys}), ${condition})`;
}

async function countInWindows(store: OfflineStore, source: Source, view: VersionedView): Promise<number> {
  const table = identifier(eventsTable(source));
  const from = await reachedFrom(store, source, reachMs(view));
  const [row] = await store.rows({ sql: `SELECT count() AS n FROM ${table} WHERE ${happenedFrom('{from:Int64}')}`, params: { from } }, { comment: 'plan' });
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
