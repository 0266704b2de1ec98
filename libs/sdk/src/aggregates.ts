import {
  isInteger,
  parseDuration,
  type Aggregate,
  type AggregateFunction,
  type Bounds,
  type DurationText,
  type FieldType,
  type Window,
} from '@granary/contracts';
import { literal, type Field, type Predicate } from './expression.js';

declare const VALUE: unique symbol;

export interface WindowOptions {
  /** The window ends this long before t: for labels that arrive late. Default `'0d'`. */
  readonly delay?: DurationText;
  /** Which ends of the window belong to it. Default `'[)'`: an event at t never leaks into its own answer. */
  readonly bounds?: Bounds;
  /** The row of the request belongs to the window: fraud scores see the transaction they score. Default false. */
  readonly includeRequest?: boolean;
}

type WindowArguments = readonly [DurationText, ...DurationText[]] | readonly [DurationText, ...DurationText[], WindowOptions];
type WindowNames<A> = A extends readonly unknown[] ? Extract<A[number], string> : never;

/** A feature as declared; `S` are the suffixes of its windows (never: it has none). */
export interface FeatureDeclaration<T, S extends string = never> {
  readonly type: FieldType;
  /** One aggregate a window; a single one with suffix '' where there is none. */
  readonly aggregates: readonly { readonly suffix: string; readonly aggregate: Aggregate }[];
  /** What an empty window gives, instead of the aggregate's own 0 or null. */
  default(value: NonNullable<T>): FeatureDeclaration<T, S>;
  /** Never there at run time: carries T and S. */
  readonly [VALUE]?: [T, S];
}

/** An aggregate without its window yet. */
export interface Aggregation<T> {
  /** Only events for which it is true. Several: all of them. */
  where(predicate: Predicate): Aggregation<T>;
  /** `over('1d', '7d', { delay: '7d' })`: one feature a window, named with the window: `spend` gives `spend1d` and `spend7d`. */
  over<const A extends WindowArguments>(...windows: A): FeatureDeclaration<T, WindowNames<A>>;
}

/** The value of the newest event at or before t. */
export function latest<T>(column: Field<T>): FeatureDeclaration<NonNullable<T>> {
  const aggregate: Aggregate = { fn: 'latest', column: column.name, where: null, window: null, default: null };
  return feature(column.type, [{ suffix: '', aggregate }]);
}

/** How many events; 0 for none. */
export function count(): Aggregation<number> {
  return aggregation('count', null, { kind: 'int32' }, null);
}

/** Integers add up exactly (int64), the rest as float64; 0 for none. Nulls are ignored. */
export function sum<T extends number | bigint | null>(column: Field<T>): Aggregation<bigint extends T ? bigint : number>;
export function sum(column: Field<number | bigint | null>): Aggregation<number | bigint> {
  return aggregation('sum', column.name, { kind: isInteger(column.type) ? 'int64' : 'float64' }, null);
}

/** The mean as float64; true counts 1 and false 0. Null for none; nulls are ignored. */
export function avg(column: Field<number | null> | Field<bigint | null> | Field<boolean | null> | Field<number> | Field<bigint> | Field<boolean>): Aggregation<number> {
  return aggregation('avg', column.name, { kind: 'float64' }, null);
}

/** The smallest value; null for none. */
export function min<T extends number | bigint | string | null>(column: Field<T>): Aggregation<NonNullable<T>> {
  return aggregation('min', column.name, column.type, null);
}

/** The greatest value; null for none. */
export function max<T extends number | bigint | string | null>(column: Field<T>): Aggregation<NonNullable<T>> {
  return aggregation('max', column.name, column.type, null);
}

/** The value of the window's newest event that has one; null for none. Not of arrays, which have no null. */
export function last<T extends boolean | number | bigint | string | null>(column: Field<T>): Aggregation<NonNullable<T>> {
  return aggregation('last', column.name, column.type, null);
}

function aggregation<T>(fn: AggregateFunction, column: string | null, type: FieldType, where: Aggregate['where']): Aggregation<T> {
  return {
    where: (predicate) =>
      aggregation(fn, column, type, where === null ? predicate.expression : { kind: 'call', fn: 'and', args: [where, predicate.expression] }),
    over: <const A extends WindowArguments>(...args: A) => {
      const given: readonly (DurationText | WindowOptions)[] = args;
      const options = given.find((argument) => typeof argument === 'object') ?? {};
      const sizes = given.filter((argument) => typeof argument === 'string');
      const aggregates = sizes.map((size) => ({ suffix: size, aggregate: { fn, column, where, window: window(size, options), default: null } }));
      return feature<T, WindowNames<A>>(type, aggregates);
    },
  };
}

function window(size: DurationText, { delay = '0d', bounds = '[)', includeRequest = false }: WindowOptions): Window {
  return { sizeMs: parseDuration(size), delayMs: parseDuration(delay), bounds, includeRequest };
}

function feature<T, S extends string = never>(type: FieldType, aggregates: FeatureDeclaration<T, S>['aggregates']): FeatureDeclaration<T, S> {
  return {
    type,
    aggregates,
    default: (value) =>
      feature(type, aggregates.map(({ suffix, aggregate }) => ({ suffix, aggregate: { ...aggregate, default: literal(type, value) } }))),
  };
}
