import { ageRange } from '@granary/aggregates';
import { EVENT, identifier, named, type AggregateFunction, type Feature, type Source } from '@granary/contracts';
import { column, emitDefault, indent, list, type Emitter } from '../emit.js';
import type { BackfillScope } from '../backfill.js';
import { EVENTS, type EventScope } from '../events.js';
import { columnsRead, emitNewest, emitParts } from '../parts.js';
import { ALL_UP_TO_NOW, offsetsOn, type Axis, type Offsets } from './axis.js';
import { windowOf, type Block, type Planned } from './choose.js';
import { fromCurrent } from './current.js';

const MILLISECONDS: Axis = { unit: 1, shift: 0, margin: 0 };
const e = (name: string): string => column(EVENTS, name);

/** `own`: the parts as of each event itself, beside its sequence. */
export function emitOwn(emitter: Emitter, { source, features }: Block, scope: EventScope): string {
  const frames = new Frames();
  const newest = new NewestLists(emitter, source);
  const parts = features.flatMap(({ view, feature, axis }) => {
    const partition = view.view.keyFields.map(e);
    const frame = frames.name(partition, position(axis!, e(EVENT.time)), offsetsOf({ feature, axis: axis! }));
    return emitParts(emitter, feature, source, { at: null, frame, newest: newest.of(partition), requestId: null, only: null });
  });
  const fields = [...features.flatMap(({ view }) => view.view.keyFields), ...columnsRead({ features: features.map(({ feature }) => feature) })];
  const current = fromCurrent(emitter, source, fields, scope);
  return `SELECT
${list([`${e(EVENT.sequence)} AS ${identifier(EVENT.sequence)}`, ...parts])}
${newest.columns.length === 0 ? current : `FROM (\n${indent(`SELECT\n${list([`${identifier(EVENTS)}.*`, ...newest.columns])}\n${current}`)}\n) AS ${identifier(EVENTS)}`}
${frames.clause()}${blocks(features)}`;
}

/** The rows that ask, among the events. */
export interface Questions {
  /** What stands after FROM. */
  readonly from: string;
  /** The columns that hold the key, in the order of the view's key fields. */
  readonly keys: readonly string[];
  /** The column with the instant, a DateTime64(3). */
  readonly time: string;
  /** SQL of a number from 1: what tells a question from an event, and one from another. */
  readonly row: string;
}

/** Columns of the events and questions together. */
export const MERGED = {
  /** UInt64: the question's row; 0: an event. */
  row: '__row',
  key: (i: number): string => `__key${i}`,
} as const;

/** `merged`: the given columns and the parts as of each question. `columns` are SQL over the questions, `e`, with aliases. */
export function emitMerged(emitter: Emitter, { source, features }: Block, questions: Questions, columns: (lastOf: (field: string) => string) => readonly string[], scope: BackfillScope): string {
  const { keyFields } = features[0]!.view.view;
  const frames = new Frames();
  const axes = [...new Map(features.map(({ axis }) => [JSON.stringify(axis), axis!])).values()];
  const keys = keyFields.map((_, i) => e(MERGED.key(i)));
  const only = `${e(MERGED.row)} = 0`;
  const nameOf = (axis: Axis, offsets: Offsets): string => frames.name(keys, e(positionName(axes.findIndex((each) => same(each, axis)))), offsets);
  const newest = new NewestLists(emitter, source);
  const newestOf = newest.of(keyFields.map(e));
  const parts = features.flatMap(({ feature, axis }) => emitParts(emitter, feature, source, { at: null, frame: nameOf(axis!, offsetsOf({ feature, axis: axis! })), newest: newestOf, requestId: null, only }));
  const lastOf = (field: string): string => {
    const now = ageRange(ALL_UP_TO_NOW)!;
    if (axes.every((axis) => offsetsOn(axis, now) === null)) axes.push(MILLISECONDS);
    const axis = axes.find((each) => offsetsOn(each, now) !== null)!;
    return `maxOrNullIf(${e(field)}, ${only}) OVER ${identifier(nameOf(axis, offsetsOn(axis, now)!))}`;
  };
  const selected = [`${e(MERGED.row)} AS ${identifier(MERGED.row)}`, ...columns(lastOf), ...parts];
  return `SELECT *
FROM (
  SELECT
${indent(list(selected))}
  FROM (
${indent(indent(emitUnion(emitter, source, keyFields, features, axes, newest, questions, scope)))}
  ) AS ${identifier(EVENTS)}
${indent(`${frames.clause()}${blocks(features)}`)}
)
WHERE ${identifier(MERGED.row)} != 0`;
}

function emitUnion(emitter: Emitter, source: Source, keyFields: readonly string[], features: Block['features'], axes: readonly Axis[], newest: NewestLists, { from, keys, time, row }: Questions, { chunk, ...scope }: BackfillScope): string {
  const q = (name: string): string => column('q', name);
  const read = columnsRead({ features: features.map(({ feature }) => feature) });
  const nullable = (name: string): boolean => source.fields.some((field) => field.name === name && field.nullable);
  // A question about no entity is answered by no event, not by those of no entity.
  const keyed = keyFields.filter(nullable).map((field) => `${e(field)} IS NOT NULL`);
  const empty = (name: string): string => {
    const field = named(source.fields, name);
    return `${emitDefault(field.type, field.nullable)} AS ${identifier(name)}`;
  };
  const aliased = (sql: readonly string[], name: (i: number) => string): readonly string[] => sql.map((each, i) => `${each} AS ${identifier(name(i))}`);
  return `SELECT ${[
    `toUInt64(0) AS ${identifier(MERGED.row)}`,
    ...aliased(keyFields.map(e), MERGED.key),
    ...aliased(axes.map((axis) => position(axis, e(EVENT.time))), positionName),
    ...[EVENT.time, EVENT.knownAt, EVENT.sequence, ...read].map((name) => `${e(name)} AS ${identifier(name)}`),
    ...newest.columns,
  ].join(', ')}
${fromCurrent(emitter, source, [...keyFields, ...read], scope, keyed, chunk && { ...chunk, keyFields })}
UNION ALL
SELECT ${[
    `${row} AS ${identifier(MERGED.row)}`,
    ...aliased(keys.map(q), MERGED.key),
    ...aliased(axes.map((axis) => asking(axis, q(time))), positionName),
    ...[EVENT.time, EVENT.knownAt].map((name) => `${q(time)} AS ${identifier(name)}`),
    `toUInt64(0) AS ${identifier(EVENT.sequence)}`,
    ...read.map(empty),
    ...newest.columns.map(() => '[]'),
  ].join(', ')}
FROM ${from} AS ${identifier('q')}`;
}

/** Of these an array for each row of a block is in memory at once. */
const LISTING: ReadonlySet<AggregateFunction> = new Set(['approxCountDistinct', 'approxPercentile']);
const LISTING_BLOCK_ROWS = 1024;

/** SQL that keeps the blocks of rows small where each row has a long list for a while. */
function blocks(features: readonly Planned[]): string {
  return features.some(({ feature }) => LISTING.has(feature.aggregate.fn)) ? `\nSETTINGS max_block_size = ${LISTING_BLOCK_ROWS}` : '';
}

function positionName(i: number): string {
  return `__position${i}`;
}

function same(a: Axis, b: Axis): boolean {
  return a.unit === b.unit && a.shift === b.shift;
}

function offsetsOf({ feature, axis }: Pick<Planned, 'feature'> & { readonly axis: Axis }): Offsets {
  const range = ageRange(windowOf(feature));
  return range === null ? { start: 0, end: 0 } : offsetsOn(axis, range)!;
}

/** SQL of where an event stands on the axis. */
function position({ unit, shift }: Axis, time: string): string {
  const ms = `toUnixTimestamp64Milli(${time})`;
  return unit === 1 && shift === 0 ? ms : `${ms} / ${unit}`;
}

/** SQL of where a question stands on the axis. */
function asking(axis: Axis, time: string): string {
  if (axis.shift === 0) return position(axis, time);
  return `(2 * toUnixTimestamp64Milli(${time}) ${axis.shift < 0 ? '-' : '+'} 1) / ${2 * axis.unit}`;
}

/** The columns of lists of newest values as of each event, each once. */
class NewestLists {
  readonly #lists: string[] = [];

  constructor(
    private readonly emitter: Emitter,
    private readonly source: Source,
  ) {}

  /** The column of a feature whose events are told apart by `partition`. */
  of(partition: readonly string[]): (feature: Feature) => string | null {
    return (feature) => {
      const sql = emitNewest(this.emitter, feature, this.source, partition);
      if (sql === null) return null;
      if (!this.#lists.includes(sql)) this.#lists.push(sql);
      return e(newestName(this.#lists.indexOf(sql)));
    };
  }

  get columns(): readonly string[] {
    return this.#lists.map((sql, i) => `${sql} AS ${identifier(newestName(i))}`);
  }
}

function newestName(i: number): string {
  return `__newest${i}`;
}

/** The SQL windows of one SELECT, each defined once. */
class Frames {
  readonly #definitions: string[] = [];

  name(partition: readonly string[], order: string, { start, end }: Offsets): string {
    const from = start === null ? 'UNBOUNDED PRECEDING' : start === 0 ? 'CURRENT ROW' : `${start} PRECEDING`;
    const to = end === 0 ? 'CURRENT ROW' : `${end} PRECEDING`;
    const definition = `(PARTITION BY ${partition.join(', ')} ORDER BY ${order} RANGE BETWEEN ${from} AND ${to})`;
    if (!this.#definitions.includes(definition)) this.#definitions.push(definition);
    return `w${this.#definitions.indexOf(definition)}`;
  }

  clause(): string {
    return `WINDOW\n${list(this.#definitions.map((definition, i) => `${identifier(`w${i}`)} AS ${definition}`))}`;
  }
}
