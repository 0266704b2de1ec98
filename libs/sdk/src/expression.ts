import type { Expression, FieldType, Literal } from '@granary/contracts';

declare const VALUE: unique symbol;

/** A yes-or-no question about an event; null inputs make it unknown, and an unknown row is not counted. */
export interface Predicate {
  readonly expression: Expression;
  and(other: Predicate): Predicate;
  or(other: Predicate): Predicate;
  not(): Predicate;
}

/** A field of an event inside a feature view. */
export interface Field<T> {
  readonly name: string;
  readonly type: FieldType;
  eq(value: NonNullable<T>): Predicate;
  ne(value: NonNullable<T>): Predicate;
  lt(value: NonNullable<T>): Predicate;
  lte(value: NonNullable<T>): Predicate;
  gt(value: NonNullable<T>): Predicate;
  gte(value: NonNullable<T>): Predicate;
  in(values: readonly NonNullable<T>[]): Predicate;
  isNull(): Predicate;
  /** Never there at run time: carries T. */
  readonly [VALUE]?: T;
}

export function literal(type: FieldType, value: unknown): Literal {
  // A float32 field never holds 0.1: what it is compared to is rounded alike, offline and online.
  if (type.kind === 'float32' && typeof value === 'number') return { kind: 'literal', type, value: Math.fround(value) };
  return { kind: 'literal', type, value: typeof value === 'bigint' ? String(value) : (value as Literal['value']) };
}

export function field<T>(name: string, type: FieldType): Field<T> {
  const self: Expression = { kind: 'field', name };
  type Comparison = 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte';
  const compare = (fn: Comparison) => (value: NonNullable<T>) => predicate({ kind: 'call', fn, args: [self, literal(type, value)] });
  return {
    name,
    type,
    eq: compare('eq'),
    ne: compare('ne'),
    lt: compare('lt'),
    lte: compare('lte'),
    gt: compare('gt'),
    gte: compare('gte'),
    in: (values) => predicate({ kind: 'call', fn: 'in', args: [self, ...values.map((value) => literal(type, value))] }),
    isNull: () => predicate({ kind: 'call', fn: 'isNull', args: [self] }),
  };
}

function predicate(expression: Expression): Predicate {
  return {
    expression,
    and: (other) => predicate({ kind: 'call', fn: 'and', args: [expression, other.expression] }),
    or: (other) => predicate({ kind: 'call', fn: 'or', args: [expression, other.expression] }),
    not: () => predicate({ kind: 'call', fn: 'not', args: [expression] }),
  };
}
