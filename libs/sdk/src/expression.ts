import type { Expression, FieldType } from '@granary/contracts';
import type { Arithmetic, Choice, EnumOf, IntegerKind, Kind, NumericKind, TextKind, ValueFor } from './kinds.js';

declare const KIND: unique symbol;

/** What all expressions have. A null input makes the result null, unless it says otherwise; so does a result that is no number. */
export interface AnyExpression<K extends Kind = Kind> {
  readonly expression: Expression;
  readonly type: FieldType;
  /** True or false, never null. */
  isNull(): BoolExpression;
  /** Never there at run time: carries K. */
  readonly [KIND]?: K;
}

/** A field of an event inside a feature view: a column that aggregates read. */
export interface Column<K extends Kind = Kind> {
  readonly name: string;
  readonly type: FieldType;
  readonly [KIND]?: K;
}

/** The expression of a value of this kind. */
export type ExpressionOf<K> = [K] extends [NumericKind]
  ? NumberExpression<K>
  : [K] extends ['bool']
    ? BoolExpression
    : [K] extends [TextKind]
      ? TextExpression<K>
      : [K] extends ['timestamp']
        ? TimeExpression
        : [K] extends [Kind]
          ? AnyExpression<K>
          : never;
export type Field<K extends Kind> = ExpressionOf<K> & Column<K>;
/** The kind of an expression. */
export type KindOfExpression<E> = E extends { readonly [KIND]?: infer K } ? Exclude<K, undefined> : never;

/** In arithmetic a plain number is a float64 and a bigint an int64, which keeps integers exact. */
export type NumberOperand = number | bigint | NumberExpression;
export type TextOperand = string | TextExpression;
export type BoolOperand = boolean | BoolExpression;
/** Plain: epoch milliseconds, or ISO text. */
export type TimeOperand = number | string | TimeExpression;

/** The kind of an operand, plain or not, among values that are no timestamps. */
export type OperandKind<V> = V extends bigint ? 'int64' : V extends number ? 'float64' : V extends string ? 'string' : V extends boolean ? 'bool' : KindOfExpression<V>;
type Numeric<K> = K extends NumericKind ? NumberExpression<K> : never;

/** A yes-or-no question; unknown where it is null, and an event of which it is unknown is not counted. */
export interface BoolExpression extends AnyExpression<'bool'> {
  /** False as soon as one is false, even if another is unknown. */
  and(...others: readonly [BoolExpression, ...BoolExpression[]]): BoolExpression;
  /** True as soon as one is true, even if another is unknown. */
  or(...others: readonly [BoolExpression, ...BoolExpression[]]): BoolExpression;
  not(): BoolExpression;
  eq(other: BoolOperand): BoolExpression;
  ne(other: BoolOperand): BoolExpression;
  in(values: readonly BoolOperand[]): BoolExpression;
  /** The first that is not null. */
  coalesce(...others: readonly [BoolOperand, ...BoolOperand[]]): BoolExpression;
  /** Null where both are equal. */
  nullIf(other: BoolOperand): BoolExpression;
  /** 1 or 0. */
  toFloat(): NumberExpression<'float64'>;
  toText(): TextExpression<'string'>;
  /** From 0 up to, but without `buckets`: MurmurHash3 of its text. */
  hashBucket(buckets: number): NumberExpression<'int32'>;
}

/** Integers stay exact (int64, beyond it null) among themselves and bigints; with a float or a plain number it is a float64. */
export interface NumberExpression<K extends NumericKind = NumericKind> extends AnyExpression<K> {
  add<V extends NumberOperand>(other: V): Numeric<Arithmetic<K | OperandKind<V>>>;
  sub<V extends NumberOperand>(other: V): Numeric<Arithmetic<K | OperandKind<V>>>;
  mul<V extends NumberOperand>(other: V): Numeric<Arithmetic<K | OperandKind<V>>>;
  /** Null where the other is 0. */
  div(other: NumberOperand): NumberExpression<'float64'>;
  /** The remainder, with the sign of the dividend. */
  mod<V extends NumberOperand>(other: V): Numeric<Arithmetic<K | OperandKind<V>>>;
  neg(): Numeric<Arithmetic<K>>;
  abs(): Numeric<Arithmetic<K>>;
  /** The smaller of both. */
  least<V extends NumberOperand>(other: V): Numeric<Arithmetic<K | OperandKind<V>>>;
  /** The greater of both. */
  greatest<V extends NumberOperand>(other: V): Numeric<Arithmetic<K | OperandKind<V>>>;
  /** At least `low` and at most `high`. */
  clamp<L extends NumberOperand, H extends NumberOperand>(low: L, high: H): Numeric<Arithmetic<K | OperandKind<L> | OperandKind<H>>>;
  pow(exponent: NumberOperand): NumberExpression<'float64'>;
  sqrt(): NumberExpression<'float64'>;
  exp(): NumberExpression<'float64'>;
  /** Natural. */
  log(): NumberExpression<'float64'>;
  /** Of 1 + it. */
  log1p(): NumberExpression<'float64'>;
  floor(): NumberExpression<'float64'>;
  ceil(): NumberExpression<'float64'>;
  /** To a whole number, up from the half. */
  round(): NumberExpression<'float64'>;
  eq(other: NumberOperand): BoolExpression;
  ne(other: NumberOperand): BoolExpression;
  lt(other: NumberOperand): BoolExpression;
  lte(other: NumberOperand): BoolExpression;
  gt(other: NumberOperand): BoolExpression;
  gte(other: NumberOperand): BoolExpression;
  in(values: readonly NumberOperand[]): BoolExpression;
  /** The first that is not null. */
  coalesce<const V extends readonly [NumberOperand, ...NumberOperand[]]>(...others: V): Numeric<Choice<K | OperandKind<V[number]>>>;
  /** Null where both are equal. */
  nullIf(other: NumberOperand): NumberExpression<K>;
  toFloat(): NumberExpression<'float64'>;
  /** Of integers: floats have no one text. */
  toText(this: AnyExpression<IntegerKind>): TextExpression<'string'>;
  /** How many of the rising boundaries are at most it: from 0 up to their number. */
  bucketise(boundaries: readonly [number, ...number[]]): NumberExpression<'int32'>;
  /** Of integers: from 0 up to, but without `buckets`, MurmurHash3 of its text. */
  hashBucket(this: AnyExpression<IntegerKind>, buckets: number): NumberExpression<'int32'>;
}

export interface TextExpression<K extends TextKind = TextKind> extends AnyExpression<K> {
  eq(other: ValueFor<K> | TextExpression): BoolExpression;
  ne(other: ValueFor<K> | TextExpression): BoolExpression;
  in(values: readonly (ValueFor<K> | TextExpression)[]): BoolExpression;
  /** By code points, as all comparisons of strings; enums have no order. */
  lt(this: AnyExpression<'string'>, other: TextOperand): BoolExpression;
  lte(this: AnyExpression<'string'>, other: TextOperand): BoolExpression;
  gt(this: AnyExpression<'string'>, other: TextOperand): BoolExpression;
  gte(this: AnyExpression<'string'>, other: TextOperand): BoolExpression;
  /** The first that is not null. */
  coalesce<const V extends readonly [TextOperand, ...TextOperand[]]>(...others: V): TextExpression<TextChoice<K, V[number]>>;
  /** Null where both are equal. */
  nullIf(other: ValueFor<K> | TextExpression): TextExpression<K>;
  toText(): TextExpression<'string'>;
  /** Changes ASCII letters only. */
  lower(): TextExpression<'string'>;
  /** Changes ASCII letters only. */
  upper(): TextExpression<'string'>;
  /** Without the spaces at both ends. */
  trim(): TextExpression<'string'>;
  /** In code points. */
  length(): NumberExpression<'int32'>;
  concat(...others: readonly [TextOperand, ...TextOperand[]]): TextExpression<'string'>;
  contains(part: TextOperand): BoolExpression;
  startsWith(part: TextOperand): BoolExpression;
  endsWith(part: TextOperand): BoolExpression;
  /** From 0 up to, but without `buckets`: MurmurHash3 of it. */
  hashBucket(buckets: number): NumberExpression<'int32'>;
}

/** An enum stays one beside its own values. */
type TextChoice<K extends TextKind, V> = Extract<Choice<K | (V extends string ? (K extends EnumOf<infer E> ? (V extends E ? K : 'string') : 'string') : KindOfExpression<V>)>, TextKind>;

/** An instant. Its parts are those of the clock in an IANA time zone, by default UTC. */
export interface TimeExpression extends AnyExpression<'timestamp'> {
  eq(other: TimeOperand): BoolExpression;
  ne(other: TimeOperand): BoolExpression;
  lt(other: TimeOperand): BoolExpression;
  lte(other: TimeOperand): BoolExpression;
  gt(other: TimeOperand): BoolExpression;
  gte(other: TimeOperand): BoolExpression;
  in(values: readonly TimeOperand[]): BoolExpression;
  /** The first that is not null. */
  coalesce(...others: readonly [TimeOperand, ...TimeOperand[]]): TimeExpression;
  /** Null where both are equal. */
  nullIf(other: TimeOperand): TimeExpression;
  /** Milliseconds since 1970. */
  toFloat(): NumberExpression<'float64'>;
  /** Milliseconds from `earlier` to it. */
  msSince(earlier: TimeOperand): NumberExpression<'float64'>;
  year(zone?: string): NumberExpression<'int32'>;
  /** 1 to 12. */
  month(zone?: string): NumberExpression<'int32'>;
  dayOfMonth(zone?: string): NumberExpression<'int32'>;
  /** Monday 1 to Sunday 7. */
  dayOfWeek(zone?: string): NumberExpression<'int32'>;
  /** 0 to 23. */
  hour(zone?: string): NumberExpression<'int32'>;
  minute(zone?: string): NumberExpression<'int32'>;
}
