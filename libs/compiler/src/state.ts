import { representView, rowRuns, totalOf, type EventPlace, type EventSchema, type RetainedEnd, type StoredColumn, type ViewRepresentation } from '@granary/aggregates';
import { EVENT, LOG, eventsTable, fieldReferences, identifier, latestRun, runsOf, type Entity, type Instant, type Source, type Statement, type VersionedView } from '@granary/contracts';
import { Emitter, column, indent, list } from './emit.js';
import { EVENTS, SUPERSEDED, emitArrived, emitEvents, emitVisible, emitWhere, hasVersions, type ArrivedOptions, type Chunk, type EventScope } from './events.js';
import { emitExpression, sourceFields } from './expression/emit-expression.js';
import { emitParts } from './parts.js';
import { emitTiles } from './state-tiles.js';

export interface StateScope extends Omit<EventScope, 'near'> {
  /** Reads at or after this instant are what the state is for. */
  readonly at: Instant;
  /** Only the entities of this chunk; left out: all. */
  readonly chunk?: Chunk | undefined;
  /** A table of the entity's keys, under their names: only these. */
  readonly keysIn?: string | undefined;
  /** Logs are known to be empty, because all events are settled (`logsAreEmpty`): there are no columns of them. */
  readonly settled?: boolean | undefined;
}

/** Whether no entity's log keeps an event, where this many events of the source are not settled (`compileExtent`). */
export function logsAreEmpty({ retention }: ViewRepresentation, unsettled: number): boolean {
  return unsettled === 0 && retention.reachMs < 0 && retention.ends.length === 0 && !retention.newestEvent;
}

/**
 * The state of each entity that has an event which is not superseded by `at`: the columns of its row (`representView`) by
 * their names, the newest event's in runs that `latestRun` names, and its log in the columns that `LOG` names. Without an event
 * that is settled at `at` the event time is null and such runs are empty.
 */
export function compileState(view: VersionedView, entity: Entity, source: Source, { at, chunk, keysIn, settled = false, ...scope }: StateScope): Statement {
  const emitter = new Emitter();
  const kept = representView(view, source);
  const keys = entity.keys.map((key) => key.name);
  const near = keysIn === undefined ? undefined : { table: keysIn, keys, keyFields: view.keyFields, reach: Infinity };
  const instant = emitInstant(emitter, source, at);
  const ofChunk = chunk && { ...chunk, keyFields: view.keyFields };
  // Events of other keys come with those of the table where they are versions of the same.
  const ofKeys = near !== undefined && hasVersions(source) ? [`(${view.keyFields.map(e).join(', ')}) IN (SELECT ${keys.map(identifier).join(', ')} FROM ${identifier(near.table)})`] : [];
  const where = [...instant.current, ...ofKeys];
  const log = settled ? null : emitLog(emitter, kept, source, instant);
  const runs = rowRuns(kept.row);
  const latest = runs.filter((run) => run.latest).map(({ columns }) => columns.map(({ holds }) => (holds as Held).feature.aggregate.column!));
  const values = latest.map((run, i) => `[${run.map(identifier).join(', ')}] AS ${identifier(latestRun(i))}`);
  const eventsWith = (names: readonly string[]): string => emitEvents(emitter, source, names, { ...scope, near }, ofChunk);
  const arrived = (more: ArrivedOptions): string => emitArrived(emitter, source, view.keyFields, { ...scope, near }, { chunk: ofChunk, columns: values, ...more });
  if (log === null && runs.every((run) => run.latest || run.columns.every(({ holds }) => holds.kind === 'eventTime'))) {
    // The newest event of each entity and nothing else: which one it is, then what it holds, read of these only. A join would be
    // given all columns of all events, and takes ClickHouse twice as long to plan.
    const newest = `SELECT ${[...view.keyFields.map(e), `argMaxIf(${e(EVENT.sequence)}, ${ORDER}, ${instant.settled})`].join(', ')}
FROM ${eventsWith(view.keyFields)}${emitWhere(where)}
GROUP BY ${view.keyFields.map(e).join(', ')}`;
    const isNewest = `(${[...view.keyFields, EVENT.sequence].map(identifier).join(', ')}) IN (\n${indent(newest)}\n)`;
    const columns = [...keys.map((key, i) => `${e(view.keyFields[i]!)} AS ${identifier(key)}`), `${e(EVENT.time)} AS ${identifier(kept.row[0]!.name)}`, ...latest.map((_, i) => `${e(latestRun(i))} AS ${identifier(latestRun(i))}`)];
    return emitter.statement(`SELECT\n${list(columns)}\nFROM ${arrived({ where: [isNewest] })}`);
  }
  const events = eventsWith([...view.keyFields, ...fieldsOf(kept)]);
  const tiles = kept.tiles.map((group, i) => emitTiles(emitter, group, `t${i}`, { source, at, ...instant, keyFields: view.keyFields, keys, events, where }));
  const states = `(
  SELECT
${indent(list([
    ...keys.map((key, i) => `${e(view.keyFields[i]!)} AS ${identifier(key)}`),
    ...emitRow(emitter, kept, source, instant),
    ...(latest.length === 0 ? [] : [`argMaxOrNullIf(${e(EVENT.sequence)}, ${ORDER}, ${instant.settled}) AS ${identifier(NEWEST_SEQUENCE)}`]),
    ...(log === null ? [] : [`${log.tuples} AS ${identifier(TUPLES)}`]),
  ]))}
  FROM ${indent(`${events}${emitWhere(where)}`).trimStart()}
  GROUP BY ${view.keyFields.map(e).join(', ')}
) AS ${identifier('s')}`;
  // An aggregate that carried the values of the newest event along would be many times slower than a second look at it.
  const newest = (): string => {
    const on = [...keys.map((key, i) => `${n(view.keyFields[i]!)} = ${s(key)}`), `${n(EVENT.sequence)} = ${s(NEWEST_SEQUENCE)}`];
    return `${arrived({ alias: 'n' })}
RIGHT JOIN ${states} ON ${on.join(' AND ')}`;
  };
  const ofKey = (alias: string): string => keys.map((key) => `${s(key)} = ${column(alias, key)}`).join(' AND ');
  const tileColumns = kept.row.filter(({ holds }) => holds.kind === 'tiles');
  return emitter.statement(`SELECT
${list([
  ...keys.map((key) => `${s(key)} AS ${identifier(key)}`),
  ...runs.flatMap((run) => (run.latest ? [] : run.columns.flatMap(({ name, holds }) => (holds.kind === 'tiles' ? [] : [`${s(name)} AS ${identifier(name)}`])))),
  ...latest.map((_, i) => `${n(latestRun(i))} AS ${identifier(latestRun(i))}`),
  ...tiles.flatMap(({ columns }) => columns).map((sql, i) => `${sql} AS ${identifier(tileColumns[i]!.name)}`),
  ...(log === null ? [] : log.columns),
])}
FROM ${latest.length === 0 ? states : newest()}${tiles.map(({ subquery }, i) => `\nLEFT JOIN ${subquery} ON ${ofKey(`t${i}`)}`).join('')}`);
}

/**
 * The keys of the entities that events touch which arrived after `since`, up to `until`: their own, and those of every
 * other version of the same events. Of a stored source.
 */
export function compileTouchedKeys(view: VersionedView, entity: Entity, source: Source, { since, until }: { readonly since: number; readonly until: number }): Statement {
  const emitter = new Emitter();
  const [table, id, sequence] = [eventsTable(source), EVENT.id, EVENT.sequence].map(identifier);
  const [after, last] = [since, until].map((each) => emitter.bind({ kind: 'int64' }, String(each)));
  const isNew = `${sequence} > ${after} AND ${sequence} <= ${last}`;
  const touched = hasVersions(source) ? `${sequence} <= ${last} AND ${id} IN (SELECT ${id} FROM ${table} WHERE ${isNew})` : isNew;
  return emitter.statement(`SELECT DISTINCT ${view.keyFields.map((field, i) => `${identifier(field)} AS ${identifier(entity.keys[i]!.name)}`).join(', ')}
FROM ${table}
WHERE ${touched}`);
}

/**
 * What there is of a view: `entities` that have an event which is visible as of an instant, and events that are `unsettled` then,
 * which logs keep.
 */
export function compileExtent(view: VersionedView, source: Source, at: Instant, scope: EventScope): Statement {
  const emitter = new Emitter();
  const { sql, settled, current } = emitInstant(emitter, source, at);
  return emitter.statement(`SELECT
${list([`uniqExactIf(tuple(${view.keyFields.map(e).join(', ')}), ${emitVisible(source, sql)}) AS ${identifier('entities')}`, `countIf(${[...current, `NOT (${settled})`].join(' AND ')}) AS ${identifier('unsettled')}`])}
FROM ${emitEvents(emitter, source, view.keyFields, scope)}`);
}

interface SqlInstant {
  readonly sql: string;
  /** SQL conditions for: no other version of the event was known by then. */
  readonly current: readonly string[];
  /** SQL for: the event had happened and was known by then, and no other version of it is to come. */
  readonly settled: string;
  /** SQL of it in milliseconds. */
  readonly ms: string;
  /** SQL of the event's age in milliseconds. */
  readonly age: string;
}

function emitInstant(emitter: Emitter, source: Source, at: Instant): SqlInstant {
  const ms = emitter.bindMs(at);
  const sql = `fromUnixTimestamp64Milli(${ms}, 'UTC')`;
  const happened = [`${e(EVENT.time)} <= ${sql}`, ...(source.knownAt === null ? [] : [`${e(EVENT.knownAt)} <= ${sql}`])];
  // A version that is superseded by then is not there at all, and of a timeless thing every other is.
  const settled = source.knownAt === null ? happened : [...happened, `${e(SUPERSEDED)} IS NULL`];
  const current = hasVersions(source) ? [`(${e(SUPERSEDED)} IS NULL OR ${e(SUPERSEDED)} > ${sql})`] : [];
  return { sql, current, ms, settled: settled.join(' AND '), age: `(${ms} - toUnixTimestamp64Milli(${e(EVENT.time)}))` };
}

function emitRow(emitter: Emitter, { row, features }: ViewRepresentation, source: Source, { settled, ms }: SqlInstant): readonly string[] {
  const own = row.flatMap(({ holds }) => (holds.kind === 'eventTime' ? [`maxOrNullIf(${e(EVENT.time)}, ${settled})`] : holds.kind === 'knownAt' ? [`argMaxOrNullIf(${e(EVENT.knownAt)}, ${ORDER}, ${settled})`] : []));
  const group = { at: ms, frame: null, requestId: null, only: settled };
  const stored = features.filter(({ kept, feature }) => kept === 'stored' && feature.aggregate.fn !== 'latest');
  return [...own.map((sql, i) => `${sql} AS ${identifier(row[i]!.name)}`), ...stored.flatMap(({ feature }) => emitParts(emitter, totalOf(feature), source, group))];
}

type Held = Extract<StoredColumn['holds'], { kind: 'part' }>;

interface LogSql {
  /** An aggregate: the log's events as tuples, ascending. */
  readonly tuples: string;
  /** The columns of `LOG`, of the tuples under their name. */
  readonly columns: readonly string[];
}

function emitLog(emitter: Emitter, { events, retention }: ViewRepresentation, source: Source, instant: SqlInstant): LogSql {
  const known = events.knownAt ? [[LOG.known, ms(e(EVENT.knownAt))], [LOG.until, `ifNull(toFloat64(${ms(e(SUPERSEDED))}), inf)`]] : [];
  const conditions = events.conditions.map((condition, i) => [LOG.condition(i), emitCondition(emitter, condition, source)]);
  const columns = runsOf(events.columns).map((run, i) => [LOG.run(i), `[${run.map(({ name }) => e(name)).join(', ')}]`]);
  const named = [[LOG.time, ms(e(EVENT.time))], ...known, ...conditions, ...columns] as [string, string][];
  // What comes first decides the order; the sequence tells all events apart, so that nothing after it is compared.
  const tuple = `tuple(${[ms(e(EVENT.time)), ms(e(EVENT.knownAt)), e(EVENT.sequence), ...named.slice(1).map(([, sql]) => sql)].join(', ')})`;
  const inReach = retention.reachMs < 0 ? `NOT (${instant.settled})` : `(${instant.age} <= ${retention.reachMs} OR NOT (${instant.settled}))`;
  const ends = [...retention.ends, ...(retention.newestEvent ? [NEWEST] : [])].map((end) => emitEnd(emitter, end, events, source, instant, tuple));
  const all = [`groupArrayIf(${tuple}, ${inReach})`, ...ends];
  const tuples = `arraySort(${ends.length === 0 ? all[0]! : `arrayDistinct(arrayConcat(${all.join(', ')}))`})`;
  return { tuples, columns: named.map(([name], i) => `arrayMap(x -> x.${i === 0 ? 1 : i + 3}, ${s(TUPLES)}) AS ${identifier(name)}`) };
}

const NEWEST: RetainedEnd = { end: 'newest', n: 1, youngest: 0, oldest: Infinity, place: { where: null, predicate: null, column: null } };

function emitEnd(emitter: Emitter, { end, n, youngest, oldest, place }: RetainedEnd, events: EventSchema, source: Source, { settled, age }: SqlInstant, tuple: string): string {
  const counted = [settled, ...(youngest > 0 ? [`${age} >= ${youngest}`] : []), ...(oldest < Infinity ? [`${age} <= ${oldest}`] : []), ...emitCounted(emitter, place, events, source)];
  const order = [ms(e(EVENT.time)), ms(e(EVENT.knownAt)), `toInt64(${e(EVENT.sequence)})`].map((each) => (end === 'newest' ? `-${each}` : each));
  return `arrayMap(x -> x.4, groupArraySortedIf(${n})((${order.join(', ')}, ${tuple}), ${counted.join(' AND ')}))`;
}

function emitCounted(emitter: Emitter, { where, column: position }: EventPlace, { conditions, columns }: EventSchema, source: Source): readonly string[] {
  const field = position === null ? null : columns[position]!;
  return [
    ...(where === null ? [] : [emitOver(emitter, conditions[where]!.expression, source)]),
    ...(field?.nullable === true ? [`${e(field.name)} IS NOT NULL`] : []),
  ];
}

/** A condition's byte, as `EventSchema` describes it. */
function emitCondition(emitter: Emitter, { kind, expression }: EventSchema['conditions'][number], source: Source): string {
  const answer = emitOver(emitter, expression, source);
  return kind === 'where' ? `toUInt8(ifNull(${answer}, 0))` : `toUInt8(ifNull(2 - toInt8(${answer}), 0))`;
}

function emitOver(emitter: Emitter, expression: EventSchema['conditions'][number]['expression'], source: Source): string {
  return emitExpression(emitter, expression, sourceFields(source, e));
}

function fieldsOf({ events: { columns, conditions } }: ViewRepresentation): readonly string[] {
  return [...columns.map(({ name }) => name), ...conditions.flatMap(({ expression }) => fieldReferences(expression).map(({ name }) => name))];
}

const e = (name: string): string => column(EVENTS, name);
const s = (name: string): string => column('s', name);
const n = (name: string): string => column('n', name);
const ms = (time: string): string => `toUnixTimestamp64Milli(${time})`;
const ORDER = `(${e(EVENT.time)}, ${e(EVENT.knownAt)}, ${e(EVENT.sequence)})`;
const TUPLES = '__log';
const NEWEST_SEQUENCE = '__newest_sequence';
