import { EVENT, eventsTable, identifier, type Source } from '@granary/contracts';
import { column, indent, type Emitter } from './emit.js';
import { nearConditions, type Near } from './near.js';

/** The alias of the events in every statement. */
export const EVENTS = 'e';

/** When the next version of an event became known; null: there is none. Only of sources whose events have versions. */
export const SUPERSEDED = '__superseded_at';

/** Which events a statement reads, and where they are. Left out: all that have arrived, in the sources' own tables. */
export interface EventScope {
  /**
   * By the name of a stored source: only its events whose sequence is at most this, as if later ones had not arrived. It
   * must hold every stored source that is read.
   */
  readonly horizon?: ReadonlyMap<string, number> | undefined;
  /** By the name of a computed source: the table that its events were put into, from the same horizon. */
  readonly computed?: ReadonlyMap<string, string> | undefined;
  /** Of the source that is asked for values only these events, with all their versions. */
  readonly near?: Near | undefined;
}

/** One of `count` parts of the events, told apart by the hash of the key: together all, each entity in one of them. */
export interface Chunk {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

/** A chunk of a source's events: the fields that hold the key. */
export interface KeyChunk extends Chunk {
  readonly keyFields: readonly string[];
}

/**
 * `(SELECT …) AS e`: a source's events with the named fields. Each version of a corrected event, or of a timeless
 * source's thing, also carries when the next one became known, over all keys and times: it may move to another entity or instant.
 */
export function emitEvents(emitter: Emitter, source: Source, fields: readonly string[], scope: EventScope = {}, chunk?: KeyChunk): string {
  const columns = columnsOf(fields);
  const [id, knownAt, sequence] = [EVENT.id, EVENT.knownAt, EVENT.sequence].map(identifier);
  const arrived = [...emitHorizon(emitter, source, scope), ...emitNear(emitter, source, scope)];
  const inChunk = chunk === undefined ? [] : [emitInChunk(chunk.keyFields, chunk)];
  const from = `FROM ${identifier(tableOf(source, scope))}`;
  if (!hasVersions(source)) return subquery(`SELECT ${columns.join(', ')}\n${from}${emitWhere([...arrived, ...inChunk])}`);
  const superseded = `leadInFrame(toNullable(${knownAt})) OVER (PARTITION BY ${id} ORDER BY ${knownAt}, ${sequence} ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS ${identifier(SUPERSEDED)}`;
  const versions = `SELECT ${[...new Set([...columns, ...(chunk?.keyFields ?? []).map(identifier)]), superseded].join(', ')}\n${from}${emitWhere(arrived)}`;
  // The key's hash is looked at last: the next version may belong to another chunk.
  return subquery(inChunk.length === 0 ? versions : `SELECT ${[...columns, identifier(SUPERSEDED)].join(', ')}\nFROM (\n${indent(versions)}\n)${emitWhere(inChunk)}`);
}

/** What else a SELECT of events may be told. */
export interface ArrivedOptions {
  readonly chunk?: KeyChunk | undefined;
  /** Further columns, with aliases: SQL over the columns of the table. */
  readonly columns?: readonly string[];
  /** Further conditions: the same. */
  readonly where?: readonly string[];
  /** Default `EVENTS`. */
  readonly alias?: string;
}

/** `(SELECT …) AS e`: every version of a source's events, with the named fields; of those near the keys only the versions that are theirs. */
export function emitArrived(emitter: Emitter, source: Source, fields: readonly string[], scope: EventScope, { chunk, columns = [], where = [], alias }: ArrivedOptions = {}): string {
  const near = scope.near === undefined ? [] : nearConditions(scope.near);
  const conditions = [...emitHorizon(emitter, source, scope), ...near, ...(chunk === undefined ? [] : [emitInChunk(chunk.keyFields, chunk)]), ...where];
  return subquery(`SELECT ${[...columnsOf(fields), ...columns].join(', ')}\nFROM ${identifier(tableOf(source, scope))}${emitWhere(conditions)}`, alias);
}

/** SQL for: the event had happened and was known at `instant`, and no other version of it was known by then. */
export function emitVisible(source: Source, instant: string): string {
  const e = (name: string): string => column(EVENTS, name);
  const visible = `${e(EVENT.time)} <= ${instant} AND ${e(EVENT.knownAt)} <= ${instant}`;
  return hasVersions(source) ? `${visible} AND (${emitCurrent(source)} OR ${e(SUPERSEDED)} > ${instant})` : visible;
}

/** SQL for: the event's last version. */
export function emitCurrent(source: Source): string {
  return hasVersions(source) ? `${column(EVENTS, SUPERSEDED)} IS NULL` : 'true';
}

/**
 * SQL for a row's number from 1. The frame lets ClickHouse forget each row once it is numbered, and so spill; its own
 * default keeps the whole partition in memory.
 */
export function emitRowNumber(orderBy: readonly string[], partitionBy: readonly string[] = []): string {
  const partition = partitionBy.length === 0 ? '' : `PARTITION BY ${partitionBy.join(', ')} `;
  return `row_number() OVER (${partition}ORDER BY ${orderBy.join(', ')} ROWS BETWEEN CURRENT ROW AND CURRENT ROW)`;
}

/** Whether the same event id can come with other content. */
export function hasVersions(source: Source): boolean {
  return source.knownAt !== null || source.eventTime === null;
}

function columnsOf(fields: readonly string[]): readonly string[] {
  return [...new Set([EVENT.id, EVENT.time, EVENT.knownAt, EVENT.sequence, ...fields])].map(identifier);
}

function tableOf(source: Source, { computed }: EventScope): string {
  const table = computed?.get(source.name);
  if (table !== undefined) return table;
  if (source.computed === undefined) return eventsTable(source);
  throw new Error(`the events of ${source.name} are computed, and were not put into a table`);
}

function emitHorizon(emitter: Emitter, source: Source, { horizon }: EventScope): readonly string[] {
  if (horizon === undefined || source.computed !== undefined) return [];
  const last = horizon.get(source.name);
  if (last === undefined) throw new Error(`the horizon lacks ${source.name}`);
  return [`${identifier(EVENT.sequence)} <= ${emitter.bind({ kind: 'int64' }, String(last))}`];
}

function emitNear(emitter: Emitter, source: Source, scope: EventScope): readonly string[] {
  if (scope.near === undefined) return [];
  if (!hasVersions(source)) return nearConditions(scope.near);
  // What one version gives the keys, another may take away.
  const id = identifier(EVENT.id);
  const ofKeys = [...emitHorizon(emitter, source, scope), ...nearConditions({ ...scope.near, reach: Infinity })];
  return [`${id} IN (SELECT ${id} FROM ${identifier(tableOf(source, scope))}${emitWhere(ofKeys)})`];
}

/** SQL for: in which of `count` chunks a key is. */
export function emitChunkOf(keyColumns: readonly string[], count: number): string {
  // The hash of a value is not that of the same value in a nullable column.
  return `cityHash64(tuple(${keyColumns.map((name) => `assumeNotNull(${identifier(name)})`).join(', ')})) % ${count}`;
}

/** SQL for: the key is in the chunk. */
export function emitInChunk(keyColumns: readonly string[], { index, count }: Chunk): string {
  return `${emitChunkOf(keyColumns, count)} = ${index}`;
}

export function emitWhere(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : `\nWHERE ${conditions.join(' AND ')}`;
}

function subquery(select: string, alias: string = EVENTS): string {
  return `(\n${indent(select)}\n) AS ${identifier(alias)}`;
}
