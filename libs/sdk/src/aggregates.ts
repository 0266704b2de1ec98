import { aggregateType, parseDuration, type Aggregate, type AggregateFunction, type DurationText } from '@granary/contracts';
import { aggregation, declaration, openAggregation, type AggregateColumn, type Aggregation, type FeatureDeclaration, type OpenAggregation } from './aggregation.js';
import { capitalised } from './expression-functions.js';
import type { BoolExpression, Column } from './expression.js';
import type { ArrayOf, ElementKind, IntegerKind, Kind, MapOf, NumericKind, TextKind } from './kinds.js';
import { TypedExpression, expressionOf, refused } from './typed-expression.js';

/** An aggregate of one column, or of none. */
type Single<K extends Kind> = Aggregation<{ readonly '': K }>;
/** A list for each column. */
type Lists<C extends Columns> = { readonly [N in keyof C & string as Capitalize<N>]: C[N] extends Column<infer K extends ElementKind> ? ArrayOf<K> : never };
type Columns = Readonly<Record<string, Column<ElementKind>>>;
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any: the overloads say which kinds
type Any = any;
type Parameters = Pick<Aggregate, 'n' | 'fraction' | 'unitMs' | 'halfLifeMs' | 'predicate'>;

/** The value of the newest event at or before t. */
export function latest<K extends Kind>(column: Column<K>): FeatureDeclaration<{ readonly '': K }> {
  const { aggregate, ...rest } = part('latest', column);
  return declaration([{ ...rest, aggregate: { ...aggregate, where: null, window: null, default: null } }]);
}

/** How many events; 0 for none. */
export function count(): Single<'int32'> {
  return aggregation([part('count', null)]);
}

/** Integers add up exactly (int64), the rest as float64; 0 for none. Nulls are ignored. */
export function sum<K extends NumericKind>(column: Column<K>): Single<K extends IntegerKind ? 'int64' : 'float64'> {
  return aggregation([part('sum', column)]);
}

/** The mean as float64; true counts 1 and false 0. Null for none; nulls are ignored. */
export function avg(column: Column<NumericKind | 'bool'>): Single<'float64'> {
  return aggregation([part('avg', column)]);
}

/** The smallest value; null for none. */
export function min<K extends NumericKind | 'string' | 'timestamp'>(column: Column<K>): Single<K> {
  return aggregation([part('min', column)]);
}

/** The greatest value; null for none. */
export function max<K extends NumericKind | 'string' | 'timestamp'>(column: Column<K>): Single<K> {
  return aggregation([part('max', column)]);
}

/** Divides by n − 1; null for fewer than two values. */
export function varianceSample(column: Column<NumericKind>): Single<'float64'> {
  return aggregation([part('varianceSample', column)]);
}

/** Divides by n; null for none. */
export function variancePopulation(column: Column<NumericKind>): Single<'float64'> {
  return aggregation([part('variancePopulation', column)]);
}

/** The square root of varianceSample. */
export function stddevSample(column: Column<NumericKind>): Single<'float64'> {
  return aggregation([part('stddevSample', column)]);
}

/** The square root of variancePopulation. */
export function stddevPopulation(column: Column<NumericKind>): Single<'float64'> {
  return aggregation([part('stddevPopulation', column)]);
}

/** How many different values, exactly; 0 for none. Nulls are ignored. */
export function countDistinct(column: Column<ElementKind>): Single<'int32'> {
  return aggregation([part('countDistinct', column)]);
}

/** About how many different values, in little memory; 0 for none. Exact below 1,024, else with a standard error of 3.1 %, the same offline and online. Nulls are ignored. */
export function approxCountDistinct(column: Column<ElementKind>): Single<'int32'> {
  return aggregation([part('approxCountDistinct', column)]);
}

/** The value of the window's oldest event that has one; null for none. Not of arrays, which have no null. */
export function first<K extends ElementKind>(column: Column<K>): Single<K> {
  return aggregation([part('first', column)]);
}

/** The value of the window's newest event that has one; null for none. Not of arrays, which have no null. */
export function last<K extends ElementKind>(column: Column<K>): Single<K> {
  return aggregation([part('last', column)]);
}

/**
 * The values of the `n` newest events that have one, newest first; null for none. Of several columns one list each, named by the
 * column: `recent: lastN(50, { item: e.itemId, kind: e.kind })` gives recentItem and recentKind, whose elements belong
 * together: an event with a null in one of the columns is in none of the lists. Without a window: of all history.
 */
export function lastN<K extends ElementKind>(n: number, column: Column<K>): OpenAggregation<{ readonly '': ArrayOf<K> }>;
export function lastN<const C extends Columns>(n: number, columns: C): OpenAggregation<Lists<C>>;
export function lastN(n: number, columns: Column<ElementKind> | Columns): OpenAggregation<Any> {
  const parameters = { n: listLength('lastN', n) };
  if (columns instanceof TypedExpression) return openAggregation([part('lastN', columns as Column, parameters)]);
  const named = Object.entries(columns as Columns);
  if (named.length === 0) throw refused('lastN has no columns', 'Name at least one: lastN(50, { item: e.itemId }).');
  const all = openAggregation<Any>(named.map(([name, column]) => ({ ...part('lastN', column, parameters), suffix: capitalised(name) })));
  const nullable = named.length === 1 ? [] : named.map(([, column]) => expressionOf(column as never, 'lastN')).filter((column) => column.isNullable);
  return nullable.reduce((narrowed, column) => narrowed.where(column.isNull().not() as unknown as BoolExpression), all);
}

/** Milliseconds from the newest event to t; null for none. Without a window: of all history. */
export function timeSinceLast(): OpenAggregation<{ readonly '': 'float64' }> {
  return openAggregation([part('timeSinceLast', null)]);
}

/** The `k` most frequent values, the most frequent first; of equally frequent ones the smallest; null for none. Nulls are ignored. */
export function topK<K extends ElementKind>(k: number, column: Column<K>): Single<ArrayOf<K>> {
  return aggregation([part('topK', column, { n: listLength('topK', k) })]);
}

/** How many events of each value: `{ view: 12, cart: 2 }`; null for none. Nulls are ignored. */
export function countBy(column: Column<TextKind>): Single<MapOf<'int32'>> {
  return aggregation([part('countBy', column)]);
}

/** The share of events for which it is true, among those for which it is true or false; null for none. */
export function ratio(predicate: BoolExpression): Single<'float64'> {
  const { expression, type } = expressionOf(predicate, 'ratio');
  if (type.kind !== 'bool') throw refused('ratio takes a condition', "Compare: ratio(e.kind.eq('purchase')).");
  return aggregation([part('ratio', null, { predicate: expression })]);
}

/** Events per unit of the window's length: `rate({ per: '1h' }).over('7d')` is events an hour; null for none. */
export function rate({ per }: { readonly per: DurationText }): Single<'float64'> {
  return aggregation([part('rate', null, { unitMs: duration('rate', 'per', per) })]);
}

/** The value below which this fraction (0 to 1) of values lies, interpolated between the two nearest (type 7); null for none. */
export function percentile(column: Column<NumericKind>, fraction: number): Single<'float64'> {
  return aggregation([part('percentile', column, { fraction: fractionOf('percentile', fraction) })]);
}

/**
 * As `percentile`, of values rounded to 8 binary digits: off by at most 2⁻⁸ (0.4 %), exact of whole numbers up to 256, and the same offline
 * and online. In bounded memory however many values there are (of each power of two 128 counts), so that it takes a `hop`; null for none.
 */
export function approxPercentile(column: Column<NumericKind>, fraction: number): Single<'float64'> {
  return aggregation([part('approxPercentile', column, { fraction: fractionOf('approxPercentile', fraction) })]);
}

/** How many events, each worth half as much every `halfLife` before t; null for none. */
export function decayedCount({ halfLife }: { readonly halfLife: DurationText }): Single<'float64'> {
  return aggregation([part('decayedCount', null, { halfLifeMs: duration('decayedCount', 'halfLife', halfLife) })]);
}

/** The sum, each value worth half as much every `halfLife` before t; null for none. Nulls are ignored. */
export function decayedSum(column: Column<NumericKind>, { halfLife }: { readonly halfLife: DurationText }): Single<'float64'> {
  return aggregation([part('decayedSum', column, { halfLifeMs: duration('decayedSum', 'halfLife', halfLife) })]);
}

function part(fn: AggregateFunction, column: Column | null, parameters: Parameters = {}): AggregateColumn {
  // Where nobody has checked types, a column may be anything.
  const given: unknown = column;
  if (given !== null && !(given instanceof TypedExpression && given.name !== undefined)) {
    throw refused(`${fn} takes a field of the source`, given instanceof TypedExpression ? 'Aggregates read fields: compute the value in a sqlSource, and aggregate it there.' : `Name one: ${fn} of e.price.`);
  }
  return { suffix: '', type: aggregateType(fn, column?.type ?? null), aggregate: { fn, column: column?.name ?? null, ...parameters } };
}

const LONGEST_LIST = 1000;

function listLength(fn: string, n: number): number {
  if (Number.isInteger(n) && n >= 1 && n <= LONGEST_LIST) return n;
  throw refused(`${fn} keeps ${n} values`, `Give a whole number from 1 to ${LONGEST_LIST}.`);
}

function fractionOf(fn: string, fraction: number): number {
  if (fraction >= 0 && fraction <= 1) return fraction;
  throw refused(`${fn} has the fraction ${fraction}`, 'Give one from 0 to 1, such as 0.95.');
}

function duration(fn: string, option: string, text: DurationText): number {
  const ms = parseDuration(text);
  if (ms > 0) return ms;
  throw refused(`${fn} has ${option}: '${text}', which has no length`, "Give one, such as '1h' or '7d'.");
}
