import { ageRange, partsOf, type Part } from '@granary/aggregates';
import { BACKFILL, EVENT, clickhouseType, identifier, isInteger, type Entity, type Expression, type Feature, type FeatureView, type Source } from '@granary/contracts';
import { column, type Emitter } from './emit.js';
import { EVENTS } from './events.js';
import { emitExpression, sourceFields } from './expression/emit-expression.js';

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
  /** SQL for t − event time, in ms: a window counts those within its ages. Null: the frame bounds the ages itself. */
  readonly age: string | null;
  /** The name of a SQL window: the aggregates are window functions over it. Null: they aggregate a group. */
  readonly frame: string | null;
  /** SQL for the id of the event that the request is; a window that includes the request leaves it out here. */
  readonly requestId: string | null;
  /** SQL for: this row is an event that may be counted. Null: every row is. */
  readonly only: string | null;
}

/** Whether a frame can stand for the feature's window: its aggregate reads no event's age. */
export function framable({ aggregate }: Feature): boolean {
  return aggregate.fn !== 'decayedCount' && aggregate.fn !== 'decayedSum';
}

/** The parts of one feature, as aggregates over a group; the request's own row is not in them yet. */
export function emitParts(emitter: Emitter, feature: Feature, source: Source, group: Group): readonly string[] {
  const counted = emitCounted(emitter, feature, source, group);
  const call = (fn: string, args: readonly string[], ...more: readonly string[]): string => emitCall(fn, args, [...more, ...counted], group.frame);
  return partsOf(feature).map((part) => `${emitPart(feature, part, source, call)} AS ${identifier(part.name)}`);
}

/** SQL conditions: this event lies in the feature's window and satisfies its `where`. */
function emitCounted(emitter: Emitter, { aggregate }: Feature, source: Source, { age, requestId, only }: Group): readonly string[] {
  const conditions = only === null ? [] : [only];
  if (aggregate.window?.includeRequest === true && requestId !== null) conditions.push(`${column(EVENTS, EVENT.id)} != ${requestId}`);
  if (aggregate.window !== null) {
    const range = ageRange(aggregate.window);
    if (range === null) return ['false'];
    // Literals, not parameters: they are our own whole numbers, and the reader of the SQL wants to see the window.
    if (age !== null) conditions.push(range.oldest === Infinity ? `${age} >= ${range.youngest}` : `${age} BETWEEN ${range.youngest} AND ${range.oldest}`);
  }
  if (aggregate.where !== null) conditions.push(emitExpression(emitter, aggregate.where, sourceFields(source, (name) => column(EVENTS, name))));
  return conditions;
}

/** Writes one aggregate function over the counted events that satisfy `more`. */
type Call = (fn: string, args: readonly string[], ...more: readonly string[]) => string;

function emitCall(fn: string, args: readonly string[], conditions: readonly string[], frame: string | null): string {
  const called = conditions.length === 0 ? `${fn}(${args.join(', ')})` : `${fn}If(${[...args, conditions.join(' AND ')].join(', ')})`;
  return frame === null ? called : `${called} OVER ${identifier(frame)}`;
}

const ORDER = `(${column(EVENTS, EVENT.time)}, ${column(EVENTS, EVENT.knownAt)}, ${column(EVENTS, EVENT.sequence)})`;

function emitPart({ aggregate }: Feature, part: Part, source: Source, call: Call): string {
  if (part.role === 'count' && aggregate.column === null) return `accurateCast(${call('count', [])}, 'Int32')`;
  const value = column(EVENTS, aggregate.column!);
  const nullable = source.fields.find((field) => field.name === aggregate.column)?.nullable ?? false;
  const there = nullable ? [`${value} IS NOT NULL`] : [];
  switch (part.role) {
    case 'count':
      return `accurateCast(${call('count', [], ...there)}, 'Int32')`;
    case 'sum':
      // Int128 can't overflow by adding Int64s; a sum that leaves Int64 fails instead of wrapping round.
      return isInteger(part.type) ? `accurateCast(${call('sumOrNull', [`toInt128(${value})`])}, 'Nullable(Int64)')` : call('sumOrNull', [`toFloat64(${value})`]);
    case 'min':
      return call('minOrNull', [value]);
    case 'max':
      return call('maxOrNull', [value]);
    case 'last':
      return call('argMaxOrNull', [value, ORDER], ...there);
    case 'latest':
      // In a tuple, so that the newest event's null is its value and not skipped.
      return `tupleElement(${call('argMax', [`tuple(${value})`, ORDER])}, 1)`;
  }
}

/** The source columns that a view's features read, beside the keys and the event columns. */
export function columnsRead(view: { readonly features: readonly Feature[] }): readonly string[] {
  const names = new Set<string>();
  for (const { aggregate } of view.features) {
    if (aggregate.column !== null) names.add(aggregate.column);
    if (aggregate.where !== null) fieldsOf(aggregate.where).forEach((name) => names.add(name));
  }
  return [...names];
}

function fieldsOf(expression: Expression): readonly string[] {
  if (expression.kind === 'field') return [expression.name];
  return expression.kind === 'call' ? expression.args.flatMap(fieldsOf) : [];
}
