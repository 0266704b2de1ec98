import { ageRange, type Part } from '@granary/aggregates';
import { EVENT, isInteger, named, type Aggregate, type FieldType, type Source } from '@granary/contracts';
import { emitBucket, emitQuantileOfBuckets, emitQuantileOfEach } from './bucket-sql.js';
import { emitComparable, emitDistinctKey, emitText, emitTop } from './category-sql.js';
import { column } from './emit.js';
import { EVENTS } from './events.js';
import { emitDistinctHashes, emitEstimate, emitSketch, emitSketchHash } from './sketch-sql.js';

/** Writes one aggregate function over the counted events that also satisfy `more`; `parameter` stands before its arguments. */
export type Call = (fn: string, args: readonly string[], more?: readonly string[], parameter?: number) => string;

/** What the parts of one feature are written with. */
export interface PartContext {
  readonly aggregate: Aggregate;
  readonly source: Source;
  readonly call: Call;
  /** Whether the events are a frame's, and not a group's. */
  readonly isFrame: boolean;
  /** SQL of t − event time, in ms. */
  readonly age: string | null;
  /** The column with the feature's newest values as of each event, where a frame aggregates. */
  readonly newest: string | null;
  /** SQL of a ratio's predicate. */
  readonly predicate: string | null;
}

const TIME = column(EVENTS, EVENT.time);
const KNOWN_AT = column(EVENTS, EVENT.knownAt);
const SEQUENCE = column(EVENTS, EVENT.sequence);
/** The order of events, ascending. */
export const EVENT_ORDER = [TIME, KNOWN_AT, SEQUENCE] as const;
const ORDER = `(${EVENT_ORDER.join(', ')})`;
const NEWEST_FIRST = `-toUnixTimestamp64Milli(${TIME}), -toUnixTimestamp64Milli(${KNOWN_AT}), -toInt64(${SEQUENCE})`;

/** SQL of one part: the aggregate over the counted events that `PartRole` describes. */
export function emitPart(role: Part['role'], partType: FieldType, context: PartContext): string {
  const { aggregate, call, predicate } = context;
  const { there } = columnOf(context);
  const counts = (conditions: readonly string[]): string => int32(call('count', [], conditions));
  switch (role) {
    case 'count':
      return counts(predicate === null ? there : [`${predicate} IS NOT NULL`]);
    case 'hits':
      return counts([predicate!]);
    case 'time':
      return call('maxOrNull', [TIME]);
    case 'weight': {
      const weight = `exp2(-(${ageOf(context)}) / ${aggregate.halfLifeMs!})`;
      return call('sumOrNull', [aggregate.column === null ? weight : `${weight} * toFloat64(${columnOf(context).value})`]);
    }
    case 'asOf':
      // An event's time and its age make the instant asked about; null when none is counted.
      return call('maxOrNull', [`addMilliseconds(${TIME}, ${ageOf(context)})`], there);
    default:
      return emitValuePart(role, partType, context);
  }
}

type ValueRole = Exclude<Part['role'], 'count' | 'hits' | 'time' | 'weight' | 'asOf'>;

function emitValuePart(role: ValueRole, partType: FieldType, context: PartContext): string {
  const { aggregate, call } = context;
  const { value, type, there } = columnOf(context);
  // Within an array there must be no Nullable; `there` rules the nulls out.
  const known = there.length === 0 ? value : `assumeNotNull(${value})`;
  const histogram = (key: string): string => call('sumMap', [`[${key}]`, '[1]'], there);
  switch (role) {
    case 'sum':
      return isInteger(partType) ? `toInt64(${wholeSum(call, value)})` : call('sumOrNull', [`toFloat64(${value})`]);
    case 'carry':
      return emitCarry(wholeSum(call, value));
    case 'mean':
      return call('avgOrNull', [`toFloat64(${value})`]);
    case 'deviation':
      return `${call('varPopStableOrNull', [`toFloat64(${value})`])} * ${call('count', [], there)}`;
    case 'min':
      return call('minOrNull', [value]);
    case 'max':
      return call('maxOrNull', [value]);
    case 'first':
      return call('argMinOrNull', [value, ORDER], there);
    case 'last':
      return call('argMaxOrNull', [value, ORDER], there);
    case 'latest':
      // In a tuple, so that the newest event's null is its value and not skipped.
      return `tupleElement(${call('argMax', [`tuple(${value})`, ORDER])}, 1)`;
    case 'newest':
      return context.newest === null ? `arrayMap(x -> x.4, ${call('groupArraySorted', [`(${NEWEST_FIRST}, ${known})`], there, aggregate.n!)})` : emitNewestInside(aggregate, call('argMax', [context.newest, ORDER], there));
    case 'distinctCount':
      return int32(call('uniqExact', [emitComparable(type, known)], there));
    case 'approximateCount':
      return emitEstimate(emitHashes(known, context));
    case 'sketch':
      return emitSketch(emitHashes(known, context));
    case 'distinct':
      return `arraySort(${call('groupUniqArray', [emitDistinctKey(type, known)], there)})`;
    case 'top': {
      const counts = histogram(emitComparable(type, known));
      return emitTop(`tupleElement(${counts}, 1)`, `tupleElement(${counts}, 2)`, aggregate.n!);
    }
    case 'values':
      return `tupleElement(${histogram(emitComparable(type, known))}, 1)`;
    case 'buckets':
      return `tupleElement(${histogram(emitBucket(known))}, 1)`;
    case 'counts':
      return int32Each(`tupleElement(${histogram(aggregate.fn === 'approxPercentile' ? emitBucket(known) : emitComparable(type, known))}, 2)`);
    case 'approximateQuantile': {
      // Over a frame, which is computed anew for each row, counting takes ten times as long as a list.
      if (context.isFrame) return emitQuantileOfEach(aggregate.fraction!, call('groupArray', [emitBucket(known)], there));
      const counts = histogram(emitBucket(known));
      return emitQuantileOfBuckets(aggregate.fraction!, `tupleElement(${counts}, 1)`, `tupleElement(${counts}, 2)`);
    }
    case 'histogram': {
      const counts = histogram(emitText(type, known));
      return `mapFromArrays(tupleElement(${counts}, 1), ${int32Each(`tupleElement(${counts}, 2)`)})`;
    }
    case 'quantile':
      return call('quantileExactInclusiveOrNull', [`toFloat64(${value})`], there, aggregate.fraction!);
    case 'all':
      return `arraySort(${call('groupArray', [`toFloat64(${known})`], there)})`;
  }
}

/**
 * SQL of the newest values of the events that `call` aggregates in `EVENT_ORDER`, the newest first, each with its event time in ms, negated.
 * Over a frame groupArraySorted would not do: to give its result it sorts the heap that it is, and loses what comes afterwards.
 */
export function emitNewestOf(aggregate: Aggregate, source: Source, call: Call): string {
  const { value, there } = columnOf({ aggregate, source });
  const known = there.length === 0 ? value : `assumeNotNull(${value})`;
  return `arrayMap(x -> (x.1, x.4), arraySort(${call('groupArrayLast', [`(${NEWEST_FIRST}, ${known})`], there, aggregate.n!)}))`;
}

/** SQL of those of an event's newest values that are not too old for the window as of the row's own time. */
function emitNewestInside({ window }: Aggregate, newest: string): string {
  const oldest = ageRange(window!)?.oldest ?? Infinity;
  const inside = oldest === Infinity ? newest : `arrayFilter(x -> toUnixTimestamp64Milli(${TIME}) + x.1 <= ${oldest}, ${newest})`;
  return `arrayMap(x -> x.2, ${inside})`;
}

/** SQL of the different hashes of the counted values, of which `known` is SQL. */
function emitHashes(known: string, context: PartContext): string {
  const { type, there } = columnOf(context);
  return emitDistinctHashes(type, known, context.isFrame, (conditions, limit) => context.call('groupUniqArray', [emitSketchHash(type, known)], [...there, ...conditions], limit));
}

/** The aggregate's column, and the condition that it is there where it may be null. */
function columnOf({ aggregate, source }: Pick<PartContext, 'aggregate' | 'source'>): { readonly value: string; readonly type: FieldType; readonly there: readonly string[] } {
  if (aggregate.column === null) return { value: '', type: { kind: 'bool' }, there: [] };
  const { type, nullable } = named(source.fields, aggregate.column);
  const value = column(EVENTS, aggregate.column);
  return { value, type, there: nullable ? [`${value} IS NOT NULL`] : [] };
}

function ageOf({ aggregate, age }: PartContext): string {
  if (age === null) throw new Error(`${aggregate.fn} weighs events by their age, which the frame of a window does not know`);
  return age;
}

/** Int128 can't overflow by adding Int64s. */
function wholeSum(call: Call, value: string): string {
  return call('sumOrNull', [`toInt128(${value})`]);
}

/** SQL of how many times 2⁶⁴ an Int128 has beside its `toInt64`, which wraps round. */
export function emitCarry(total: string): string {
  return `toInt32(bitShiftRight(${total} - toInt64(${total}), 64))`;
}

/** A count that int32 can't hold fails the statement. */
function int32(count: string): string {
  return `accurateCast(${count}, 'Int32')`;
}

function int32Each(counts: string): string {
  return `arrayMap(c -> accurateCast(c, 'Int32'), ${counts})`;
}
