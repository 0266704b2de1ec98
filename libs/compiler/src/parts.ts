import { ageRange, partsOf, type Part } from '@granary/aggregates';
import { BACKFILL, EVENT, clickhouseType, identifier, isInteger, type Entity, type Expression, type Feature, type FeatureView, type Source } from '@granary/contracts';
import { column, emitExpression, type Emitter } from './emit.js';
import { EVENTS } from './events.js';

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

/** One group of events `e`: those of an entity with age ≥ 0 that were known at the group's instant. */
export interface Group {
  /** SQL for t − event time, in ms. */
  readonly age: string;
  /** SQL for the id of the event that the request is; a window that includes the request leaves it out here. */
  readonly requestId: string | null;
}

/** The parts of one feature, as aggregates over a group; the request's own row is not in them yet. */
export function emitParts(emitter: Emitter, feature: Feature, source: Source, group: Group): readonly string[] {
  const counted = emitCounted(emitter, feature, group);
  return partsOf(feature).map((part) => `${emitPart(feature, part, source, counted)} AS ${identifier(part.name)}`);
}

/** SQL for: this event lies in the feature's window and satisfies its `where`. */
function emitCounted(emitter: Emitter, { aggregate }: Feature, { age, requestId }: Group): string {
  const conditions: string[] = [];
  if (aggregate.window?.includeRequest === true && requestId !== null) conditions.push(`${column(EVENTS, EVENT.id)} != ${requestId}`);
  if (aggregate.window !== null) {
    const range = ageRange(aggregate.window);
    if (range === null) return 'false';
    // Literals, not parameters: they are our own whole numbers, and the reader of the SQL wants to see the window.
    conditions.push(`${age} BETWEEN ${range.youngest} AND ${range.oldest}`);
  }
  if (aggregate.where !== null) conditions.push(emitExpression(emitter, aggregate.where, (name) => column(EVENTS, name)));
  return conditions.length === 0 ? 'true' : conditions.join(' AND ');
}

const ORDER = `(${column(EVENTS, EVENT.time)}, ${column(EVENTS, EVENT.knownAt)}, ${column(EVENTS, EVENT.sequence)})`;

function emitPart({ aggregate }: Feature, part: Part, source: Source, counted: string): string {
  if (part.role === 'count' && aggregate.column === null) return `accurateCast(countIf(${counted}), 'Int32')`;
  const value = column(EVENTS, aggregate.column!);
  const nullable = source.fields.find((field) => field.name === aggregate.column)?.nullable ?? false;
  switch (part.role) {
    case 'count':
      return `accurateCast(countIf(${nullable ? `${value} IS NOT NULL AND ` : ''}${counted}), 'Int32')`;
    case 'sum':
      // Int128 can't overflow by adding Int64s; a sum that leaves Int64 fails instead of wrapping round.
      return isInteger(part.type)
        ? `accurateCast(sumOrNullIf(toInt128(${value}), ${counted}), 'Nullable(Int64)')`
        : `sumOrNullIf(toFloat64(${value}), ${counted})`;
    case 'min':
      return `minOrNullIf(${value}, ${counted})`;
    case 'max':
      return `maxOrNullIf(${value}, ${counted})`;
    case 'last':
      return `argMaxOrNullIf(${value}, ${ORDER}, ${nullable ? `${value} IS NOT NULL AND ` : ''}${counted})`;
    case 'latest':
      // In a tuple, so that the newest event's null is its value and not skipped.
      return `tupleElement(argMax(tuple(${value}), ${ORDER}), 1)`;
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
