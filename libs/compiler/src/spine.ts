import { EVENT, identifier, type Instant, type Snapshot, type Source, type SourceField, type Statement } from '@granary/contracts';
import { Emitter, column, list } from './emit.js';
import { EVENTS, emitCurrent, emitEvents, emitRowNumber, type EventScope } from './events.js';
import { SPINE } from './spine-table.js';
import { emitSql, inputsOf, type SqlTemplate } from './sql-template.js';
import { QUERY, emitTyped } from './typed-column.js';

export interface EventSpineOptions extends EventScope {
  /** Inclusive; default: from the first event. */
  readonly from?: Instant | undefined;
  /** Exclusive; default: to the last. */
  readonly to?: Instant | undefined;
}

/** A spine of a source's own events, in order of time: one row an event, with all its fields. */
export function compileEventSpine(source: Source, { from, to, ...scope }: EventSpineOptions = {}): Statement {
  const emitter = new Emitter();
  const e = (name: string): string => column(EVENTS, name);
  const bounds = [
    ...(from === undefined ? [] : [`toUnixTimestamp64Milli(${e(EVENT.time)}) >= ${emitter.bindMs(from)}`]),
    ...(to === undefined ? [] : [`toUnixTimestamp64Milli(${e(EVENT.time)}) < ${emitter.bindMs(to)}`]),
  ];
  const fields = source.fields.map((field) => identifier(field.name));
  return emitter.statement(`SELECT
  ${emitRowNumber([SPINE.time, SPINE.sequence].map(identifier))} AS ${identifier(SPINE.row)},
  ${[SPINE.time, SPINE.eventId, SPINE.sequence].map(identifier).concat(fields).join(', ')}
FROM (
  SELECT ${e(EVENT.time)} AS ${identifier(SPINE.time)}, ${e(EVENT.id)} AS ${identifier(SPINE.eventId)}, ${e(EVENT.sequence)} AS ${identifier(SPINE.sequence)}, ${fields.join(', ')}
  FROM ${emitEvents(emitter, source, source.fields.map((field) => field.name), scope).replaceAll('\n', '\n  ')}
  WHERE ${[emitCurrent(source), ...bounds].join(' AND ')}
)`);
}

/** A spine that a user's query gives: a row a question, in the query's own order. */
export interface SqlSpine {
  /** May read the events of any source of the snapshot as `{{name}}`. */
  readonly sql: string;
  /** The column of the instant that a row asks about. */
  readonly timeColumn: string;
  /** The keys and request fields, which are read strictly. */
  readonly typed: readonly SourceField[];
  /** Other columns, which are carried as they are. */
  readonly carried: readonly string[];
}

const WHAT = 'the spine';

/** The query itself. Throws DEFINITION_INVALID unless it is one SELECT over known sources. */
export function compileSpineQuery(snapshot: Snapshot, sql: string, scope: EventScope = {}): Statement {
  const emitter = new Emitter();
  return emitter.statement(emitSql(emitter, snapshot, WHAT, templateOf(snapshot, sql), scope));
}

/** The sources whose events the query reads. */
export function spineInputs(snapshot: Snapshot, sql: string): readonly Source[] {
  const read = inputsOf(WHAT, templateOf(snapshot, sql));
  return snapshot.sources.filter((source) => read.includes(source.name));
}

/** To be run on one thread, without removing the query's own order: rows are numbered as they come. */
export function compileSqlSpine(snapshot: Snapshot, { sql, timeColumn, typed, carried }: SqlSpine, scope: EventScope = {}): Statement {
  const emitter = new Emitter();
  const time = emitTyped(emitter, WHAT, { name: timeColumn, type: { kind: 'timestamp' }, nullable: false });
  const columns = [
    `rowNumberInAllBlocks() + 1 AS ${identifier(SPINE.row)}`,
    `${time} AS ${identifier(SPINE.time)}`,
    `'' AS ${identifier(SPINE.eventId)}`,
    ...typed.map((field) => `${emitTyped(emitter, WHAT, field)} AS ${identifier(field.name)}`),
    ...carried.map((name) => `${identifier(QUERY)}.${identifier(name)} AS ${identifier(name)}`),
  ];
  return emitter.statement(`SELECT\n${list(columns)}\nFROM (\n${emitSql(emitter, snapshot, WHAT, templateOf(snapshot, sql), scope)}\n) AS ${identifier(QUERY)}`);
}

function templateOf(snapshot: Snapshot, sql: string): SqlTemplate {
  return { sql, inputs: snapshot.sources.map((source) => source.name) };
}
