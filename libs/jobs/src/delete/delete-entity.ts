import { compileEntityEvents, compileIsOfKey, hasVersions } from '@granary/compiler';
import { EVENT, GranaryError, backfillTable, eventsTable, identifier, parseKey, storedSources, type EntityKey, type Instant, type JobOptions, type Snapshot, type Source, type Statement, type Value } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import { entityRowKeys, readWatermark, type OnlineStore } from '@granary/online-store';
import { notesOf } from '../backfill/notes.js';
import { throwIfCancelled } from '../cancelled.js';
import { withEvents } from '../events/with-events.js';
import { baseWriter, writeBases } from '../materialise/bases.js';
import { materialise } from '../materialise/materialise.js';
import { findEntity } from '../named.js';
import { withStage } from '../stage-table.js';
import type { ViewParts } from '../view-parts.js';
import { eraseDeadLetters } from './erase-dead-letters.js';
import { eraseServed } from './erase-served.js';
import { hasAlike, reachOf, viewsOf, type OfKey, type OwnEvents, type Reach } from './reach.js';
import { TouchedKeys } from './touched-keys.js';

export interface DeleteEntityOptions extends Pick<JobOptions, 'signal' | 'onProgress'> {
  /** The first part of every online key. */
  readonly project: string;
  readonly entity: string;
  /** By name, as someone wrote them. */
  readonly key: Readonly<Record<string, unknown>>;
  /** What time it is. Default: the clock. */
  readonly now?: () => Instant;
}

export interface ErasurePlan extends Pick<DeletedEntity, 'entity' | 'key'> {
  /** How many events each stored source would lose, each version of one counted. */
  readonly events: Readonly<Record<string, number>>;
  /** The views that these events are in: the entity's own, and those of others. */
  readonly views: readonly string[];
}

export interface DeletedEntity {
  readonly entity: string;
  readonly key: Readonly<Record<string, Value>>;
  /** How many events each stored source lost, each version of one counted; one that holds none of the entity is left out. */
  readonly events: Readonly<Record<string, number>>;
  readonly deadLetters: number;
  /** Logged reads of the entity, or of what its events were in. */
  readonly served: number;
  /** Views whose backfilled values are gone, and computed anew by the next backfill. */
  readonly backfills: readonly string[];
  /** Online values of other entities that these events were in too, computed anew. */
  readonly recomputed: number;
  /** Sources of SQL that still give events of the entity: from stored events that do not name it by a key of a view. */
  readonly left: readonly string[];
}

/** Throws DEFINITION_NOT_FOUND, MISSING_KEY and INVALID_KEY. */
export function readEntityKey(snapshot: Snapshot, name: string, given: Readonly<Record<string, unknown>>): EntityKey {
  const entity = findEntity(snapshot, name);
  const unknown = Object.keys(given).find((each) => !entity.keys.some((key) => key.name === each));
  if (unknown === undefined) return parseKey(entity, given);
  throw new GranaryError('INVALID_KEY', `${name} has no key ${unknown}`, { todo: `Give ${entity.keys.map((key) => `${key.name}=…`).join(' ')}.`, details: { entity: name, key: unknown } });
}

/** What `deleteEntity` would take; nothing is changed. Throws DEFINITION_NOT_FOUND, MISSING_KEY, INVALID_KEY and what the store throws. */
export async function planErasure(offline: OfflineStore, snapshots: readonly [head: Snapshot, ...former: Snapshot[]], { entity, key }: Pick<DeleteEntityOptions, 'entity' | 'key'>): Promise<ErasurePlan> {
  const { of, reach } = whatIsErased(snapshots, entity, key);
  const events: Record<string, number> = {};
  for (const { source, keyFields } of reach.own) {
    if (!(await offline.tableExists(eventsTable(source)))) continue;
    const isOfKey = compileIsOfKey(source, keyFields, of.key, await offline.lastSequence(source));
    const where = hasVersions(source) ? `${identifier(EVENT.id)} IN (${idsWhere(source, isOfKey).sql})` : isOfKey.sql;
    const [row] = await offline.rows({ sql: `SELECT count() AS events FROM ${identifier(eventsTable(source))} WHERE ${where}`, params: isOfKey.params });
    if (Number(row!['events']) > 0) events[source.name] = Number(row!['events']);
  }
  return { ...namedKey(of), events, views: [...reach.views, ...reach.computed].map(({ view }) => view.name) };
}

/**
 * Erases an entity as if it had never been (docs/adr/0011): every event whose view's keys name it, all versions of it; its dead
 * letters; the log of what was served of it; backfilled values; online values, those of other entities that its events were in
 * being computed anew. Training sets, models and the files that were ingested stay. Events that arrive afterwards begin anew.
 *
 * `snapshots`: the head first, then those applied before it (not used where the entity had other keys then). Run again it finishes
 * what was stopped. Throws DEFINITION_NOT_FOUND, MISSING_KEY, INVALID_KEY, CANCELLED and what the stores throw.
 */
export async function deleteEntity(offline: OfflineStore, online: OnlineStore, snapshots: readonly [head: Snapshot, ...former: Snapshot[]], options: DeleteEntityOptions): Promise<DeletedEntity> {
  const { project, now = Date.now, signal, onProgress } = options;
  const [head] = snapshots;
  const { of, reach } = whatIsErased(snapshots, options.entity, options.key);
  const touched = new TouchedKeys(offline, of);
  const steps = ['events', 'dead letters', 'backfills', 'online values', 'served', 'computed sources'] as const;
  const begin = (step: (typeof steps)[number]): void => {
    throwIfCancelled(signal, `delete ${of.entity.name}`);
    onProgress?.({ stage: `delete ${step}`, done: steps.indexOf(step), total: steps.length, unit: 'steps' });
  };

  begin('events');
  const events: Record<string, number> = {};
  for (const own of reach.own) {
    if (!(await offline.tableExists(eventsTable(own.source)))) continue;
    const erased = await eraseEvents(offline, reach, own, of, touched);
    if (erased > 0) events[own.source.name] = erased;
  }
  // Views of sources that have no table yet too: the owner's rows must be empty.
  for (const parts of reach.views) await touched.note(parts, null);
  begin('dead letters');
  let deadLetters = 0;
  for (const own of reach.own) deadLetters += await eraseDeadLetters(offline, own, of);
  begin('backfills');
  const backfills = await dropBackfills(offline, snapshots, reach);
  begin('online values');
  await online.delete(formerRows(snapshots, reach, of, project));
  let recomputed = 0;
  for (const parts of reach.views) recomputed += await rebuild(offline, online, parts, touched, { project, now, own: parts.entity.name === of.entity.name });
  begin('served');
  const served = await eraseServed(offline, snapshots, reach, touched);
  begin('computed sources');
  const views: string[] = [];
  for (const { view } of reach.computed) if ((await readWatermark(online, project, view)) !== null) views.push(view.name);
  if (views.length > 0) await materialise(offline, online, head, { at: now(), now, project, views, full: true, signal });
  const left = await stillGiven(offline, head, reach, of);
  await touched.drop();
  onProgress?.({ stage: `delete ${of.entity.name}`, done: steps.length, total: steps.length, unit: 'steps' });
  return { ...namedKey(of), events, deadLetters, served, backfills, recomputed, left };
}

function whatIsErased([head, ...former]: readonly [head: Snapshot, ...former: Snapshot[]], name: string, given: Readonly<Record<string, unknown>>): { readonly of: OfKey; readonly reach: Reach } {
  const of: OfKey = { entity: findEntity(head, name), key: readEntityKey(head, name, given) };
  return { of, reach: reachOf([head, ...former.filter((each) => hasAlike(each, of.entity))], of.entity) };
}

function namedKey({ entity, key }: OfKey): Pick<DeletedEntity, 'entity' | 'key'> {
  return { entity: entity.name, key: Object.fromEntries(entity.keys.map((each, i) => [each.name, key[i]!])) };
}

/** Events that arrive in the meantime stay: they come after the erasure. */
async function eraseEvents(offline: OfflineStore, reach: Reach, { source, keyFields }: OwnEvents, { entity, key }: OfKey, touched: TouchedKeys): Promise<number> {
  const isOfKey = compileIsOfKey(source, keyFields, key, await offline.lastSequence(source));
  const erase = async (where: Statement): Promise<number> => {
    for (const parts of reach.views) if (parts.source.name === source.name) await touched.note(parts, where);
    return offline.eraseEvents(source, where);
  };
  if (!hasVersions(source)) return erase(isOfKey);
  // With the one version that names the entity go the others: what they replaced must not come back.
  const id = identifier(EVENT.id);
  return withStage(offline, { purpose: 'erase', orderBy: [EVENT.id] }, idsWhere(source, isOfKey), (table) => erase({ sql: `${id} IN (SELECT ${id} FROM ${identifier(table)})`, params: {} }), { comment: `erase ${entity.name}` });
}

function idsWhere(source: Source, { sql, params }: Statement): Statement {
  return { sql: `SELECT DISTINCT ${identifier(EVENT.id)} FROM ${identifier(eventsTable(source))} WHERE ${sql}`, params };
}

/** Of all snapshots: what nobody reads any more may name the entity too. */
async function dropBackfills(offline: OfflineStore, snapshots: readonly Snapshot[], { own }: Reach): Promise<readonly string[]> {
  const dropped = new Set<string>();
  const done = new Set<string>();
  for (const snapshot of snapshots) {
    for (const { view, source } of viewsOf(snapshot)) {
      const sources = storedSources(snapshot, source).map(({ name }) => name);
      const table = backfillTable(view);
      if (done.has(table) || !sources.some((name) => own.some((each) => each.source.name === name))) continue;
      done.add(table);
      const there = await offline.tableExists(table);
      await notesOf(offline, view, sources).forget();
      await offline.dropTable(table);
      if (there) dropped.add(view.name);
    }
  }
  return [...dropped];
}

/** The entity's online rows that nothing writes any more: of former versions of its views, and of those over computed sources. */
function formerRows(snapshots: readonly Snapshot[], { views }: Reach, { entity, key }: OfKey, project: string): readonly string[] {
  const all = snapshots.filter((each) => hasAlike(each, entity)).flatMap((each) => each.views.filter((view) => view.entity === entity.name));
  const former = all.filter(({ name, version }) => !views.some(({ view }) => view.name === name && view.version === version));
  return [...new Set(entityRowKeys(project, entity, key, former))];
}

interface RebuildOptions {
  readonly project: string;
  readonly now: () => Instant;
  readonly own: boolean;
}

/**
 * Writes the bases of all entities that were touched; those without events get one that says so, for a row that is only deleted
 * is brought back by frames under way. A publisher may be folding a tail that it read before, up to an event that has arrived
 * since: then its base is the greater, and a second round is greater than that. How many rows of others were written.
 */
async function rebuild(offline: OfflineStore, online: OnlineStore, parts: ViewParts, touched: TouchedKeys, { project, now, own }: RebuildOptions): Promise<number> {
  const { view, entity, source } = parts;
  const writer = baseWriter(offline, online, parts, project);
  const keysIn = touched.tableOf(parts);
  const names = entity.keys.map((key) => identifier(key.name)).join(', ');
  // Without a table of events there is nothing that could be online.
  if (!(await offline.tableExists(eventsTable(source)))) return 0;
  const write = async (sequence: number): Promise<number> => {
    const asOf = Math.max(now(), ((await readWatermark(online, project, view))?.asOf ?? -Infinity) + 1);
    const scope = { horizon: new Map([[source.name, sequence]]), keysIn };
    const candidates = { sql: `SELECT DISTINCT ${names} FROM ${identifier(keysIn)}`, params: {} };
    return (await writeBases(writer, { sequence, asOf, scope, candidates, limits: {} })).written;
  };
  const first = await offline.lastSequence(source);
  await write(first);
  const second = await offline.lastSequence(source);
  if (second > first) await write(second);
  const [row] = await offline.rows({ sql: `SELECT uniqExact(${names}) AS entities FROM ${identifier(keysIn)}`, params: {} });
  return Number(row!['entities']) - (own ? 1 : 0);
}

/** The computed sources that give events of the entity, though none of its own are left. */
async function stillGiven(offline: OfflineStore, head: Snapshot, { untraced }: Reach, { key }: OfKey): Promise<readonly string[]> {
  if (untraced.length === 0) return [];
  return withEvents(offline, head, untraced.map(({ source }) => source), {}, async (scope) => {
    const left = new Set<string>();
    for (const { view, source } of untraced) {
      if ((await offline.rows(compileEntityEvents(view, source, key, 1, scope))).length > 0) left.add(source.name);
    }
    return [...left];
  });
}
