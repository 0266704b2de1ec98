import { ageRange, partsOf, type AgeRange, type Part } from '@granary/aggregates';
import { BACKFILL, EVENT, clickhouseType, fieldReferences, identifier, type Entity, type Feature, type FeatureView, type Source } from '@granary/contracts';
import { column, type Emitter } from './emit.js';
import { EVENTS } from './events.js';
import { emitExpression, sourceFields } from './expression/emit-expression.js';
import { emitWithHop } from './hops.js';
import { EVENT_ORDER, emitNewestOf, emitPart, type PartContext } from './part-sql.js';

/** A stored column: its name and ClickHouse type. */
export interface Column {
  readonly name: string;
  readonly type: string;
}

/** The columns of a view's backfill table, in order: keys, as-of, event time, sequence, parts. */
export function backfillColumns(view: Pick<FeatureView, 'features'>, entity: Entity): readonly Column[] {
  return [
    ...entity.keys.map((key) => ({ name: key.name, type: clickhouseType(key.type) })),
    { name: BACKFILL.asOf, type: "DateTime64(3, 'UTC')" },
    { name: BACKFILL.eventTime, type: "DateTime64(3, 'UTC')" },
    { name: BACKFILL.sequence, type: 'UInt64' },
    ...view.features.flatMap(partsOf).map((part) => ({ name: part.name, type: partType(part) })),
  ];
}

function partType(part: Part): string {
  const type = clickhouseType(part.type);
  return part.nullable ? `Nullable(${type})` : type;
}

/**
 * The events `e` that one value is computed from: a group, or the frame of a SQL window over them. Those that happened
 * after the value's instant, or were not known by then, are not in it.
 */
export interface Group {
  /** SQL of t in ms: a window counts the events within its ages as of it. Null: the frame bounds the ages itself. */
  readonly at: string | null;
  /** The name of a SQL window: the aggregates are window functions over it. Null: they aggregate a group. */
  readonly frame: string | null;
  /** The column with the feature's newest values as of each event (`emitNewest`); a frame needs it of a feature that lists them. */
  readonly newest?: ((feature: Feature) => string | null) | undefined;
  /** SQL for the id of the event that the request is; a window that includes the request leaves it out here. */
  readonly requestId: string | null;
  /** SQL for: this row is an event that may be counted. Null: every row is. */
  readonly only: string | null;
}

/** Whether a frame can stand for the feature's window: its far end is as far from every row, and its aggregate reads no event's age. */
export function framable({ aggregate }: Feature): boolean {
  return aggregate.window?.hopMs === undefined && aggregate.fn !== 'decayedCount' && aggregate.fn !== 'decayedSum';
}

/** The parts of one feature, as aggregates over a group; the request's own row is not in them yet. */
export function emitParts(emitter: Emitter, feature: Feature, source: Source, group: Group): readonly string[] {
  const { aggregate } = feature;
  const counted = emitCounted(emitter, feature, source, group);
  const context: PartContext = {
    aggregate,
    source,
    call: (fn, args, more = [], parameter) => emitCall(fn, parameter, args, [...more, ...counted], group.frame),
    isFrame: group.frame !== null,
    age: emitAge(group),
    newest: group.newest?.(feature) ?? null,
    predicate: aggregate.predicate === undefined ? null : `(${emitExpression(emitter, aggregate.predicate, sourceFields(source, (name) => column(EVENTS, name)))})`,
  };
  return partsOf(feature).map(({ name, type, role }) => `${emitPart(role, type, context)} AS ${identifier(name)}`);
}

/**
 * The newest values of a feature as of each event, whatever its window, as a window function over the events; null where the
 * feature lists none. The frame of the window takes them from the newest event that it holds.
 */
export function emitNewest(emitter: Emitter, feature: Feature, source: Source, partition: readonly string[]): string | null {
  if (!partsOf(feature).some(({ role }) => role === 'newest')) return null;
  const { where } = feature.aggregate;
  const conditions = where === null ? [] : [emitExpression(emitter, where, sourceFields(source, (name) => column(EVENTS, name)))];
  const frame = `(PARTITION BY ${partition.join(', ')} ORDER BY ${EVENT_ORDER.join(', ')} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)`;
  return emitNewestOf(feature.aggregate, source, (fn, args, more = [], parameter) => `${emitCall(fn, parameter, args, [...more, ...conditions], null)} OVER ${frame}`);
}

/** SQL conditions: this event lies in the feature's window and satisfies its `where`. */
function emitCounted(emitter: Emitter, { aggregate }: Feature, source: Source, { at, requestId, only }: Group): readonly string[] {
  const conditions = only === null ? [] : [only];
  if (aggregate.window?.includeRequest === true && requestId !== null) conditions.push(`${column(EVENTS, EVENT.id)} != ${requestId}`);
  if (aggregate.window !== null) {
    const range = ageRange(aggregate.window);
    if (range === null) return ['false'];
    if (at !== null) conditions.push(emitInRange(range, at));
  }
  if (aggregate.where !== null) conditions.push(emitExpression(emitter, aggregate.where, sourceFields(source, (name) => column(EVENTS, name))));
  return conditions;
}

function emitAge({ at }: Pick<Group, 'at'>): string | null {
  return at === null ? null : `(${at} - toUnixTimestamp64Milli(${column(EVENTS, EVENT.time)}))`;
}

/** Literals, not parameters: they are our own whole numbers, and the reader of the SQL wants to see the window. */
function emitInRange({ youngest, oldest, hopMs }: AgeRange, at: string): string {
  const age = emitAge({ at })!;
  if (oldest === Infinity) return `${age} >= ${youngest}`;
  return `${age} BETWEEN ${youngest} AND ${hopMs === undefined ? oldest : emitWithHop(at, oldest - hopMs + 1, hopMs)}`;
}

function emitCall(fn: string, parameter: number | undefined, args: readonly string[], conditions: readonly string[], frame: string | null): string {
  const name = `${fn}${conditions.length === 0 ? '' : 'If'}${parameter === undefined ? '' : `(${parameter})`}`;
  const called = `${name}(${[...args, ...(conditions.length === 0 ? [] : [conditions.join(' AND ')])].join(', ')})`;
  return frame === null ? called : `${called} OVER ${identifier(frame)}`;
}

/** The source columns that a view's features read, beside the keys and the event columns. */
export function columnsRead(view: { readonly features: readonly Feature[] }): readonly string[] {
  const names = view.features.flatMap(({ aggregate: { column: read, where, predicate } }) => [
    ...(read === null ? [] : [read]),
    ...[where, predicate].flatMap((expression) => (expression == null ? [] : fieldReferences(expression).map(({ name }) => name))),
  ]);
  return [...new Set(names)];
}
