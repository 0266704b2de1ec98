import { GranaryError, callType, type Expression, type ExpressionFunction, type FieldType } from '@granary/contracts';
import type { AnyExpression, ExpressionOf, Field } from './expression.js';
import type { Kind } from './kinds.js';
import { beside, compared, literal, type Plain } from './literal.js';

type Operand = Plain | TypedExpression;

/**
 * Every method of every kind of expression. Which of them a value has, the interfaces of expression.ts say; where nobody
 * has checked those, callType refuses the call.
 */
export class TypedExpression {
  constructor(
    readonly expression: Expression,
    readonly type: FieldType,
    /** Of a source's field: its name, which aggregates read. */
    readonly name?: string,
    /** Of a source's field: whether it may be null. */
    readonly isNullable?: boolean,
  ) {}

  eq(other: Operand): TypedExpression { return this.compare('eq', other); }
  ne(other: Operand): TypedExpression { return this.compare('ne', other); }
  lt(other: Operand): TypedExpression { return this.compare('lt', other); }
  lte(other: Operand): TypedExpression { return this.compare('lte', other); }
  gt(other: Operand): TypedExpression { return this.compare('gt', other); }
  gte(other: Operand): TypedExpression { return this.compare('gte', other); }
  in(values: readonly Operand[]): TypedExpression { return this.compare('in', ...values); }
  nullIf(other: Operand): TypedExpression { return this.compare('nullIf', other); }
  isNull(): TypedExpression { return this.call('isNull'); }

  and(...others: readonly Operand[]): TypedExpression { return this.call('and', ...others); }
  or(...others: readonly Operand[]): TypedExpression { return this.call('or', ...others); }
  not(): TypedExpression { return this.call('not'); }

  add(other: Operand): TypedExpression { return this.call('add', other); }
  sub(other: Operand): TypedExpression { return this.call('sub', other); }
  mul(other: Operand): TypedExpression { return this.call('mul', other); }
  div(other: Operand): TypedExpression { return this.call('div', other); }
  mod(other: Operand): TypedExpression { return this.call('mod', other); }
  neg(): TypedExpression { return this.call('neg'); }
  abs(): TypedExpression { return this.call('abs'); }
  least(other: Operand): TypedExpression { return this.call('least', other); }
  greatest(other: Operand): TypedExpression { return this.call('greatest', other); }
  clamp(low: Operand, high: Operand): TypedExpression { return this.call('clamp', low, high); }
  pow(exponent: Operand): TypedExpression { return this.call('pow', exponent); }
  sqrt(): TypedExpression { return this.call('sqrt'); }
  exp(): TypedExpression { return this.call('exp'); }
  log(): TypedExpression { return this.call('log'); }
  log1p(): TypedExpression { return this.call('log1p'); }
  floor(): TypedExpression { return this.call('floor'); }
  ceil(): TypedExpression { return this.call('ceil'); }
  round(): TypedExpression { return this.call('round'); }

  coalesce(...others: readonly Operand[]): TypedExpression { return this.call('coalesce', ...others); }
  toFloat(): TypedExpression { return this.call('toFloat'); }
  toText(): TypedExpression { return this.call('toText'); }

  lower(): TypedExpression { return this.call('lower'); }
  upper(): TypedExpression { return this.call('upper'); }
  trim(): TypedExpression { return this.call('trim'); }
  length(): TypedExpression { return this.call('length'); }
  concat(...others: readonly Operand[]): TypedExpression { return this.call('concat', ...others); }
  contains(part: Operand): TypedExpression { return this.call('contains', part); }
  startsWith(part: Operand): TypedExpression { return this.call('startsWith', part); }
  endsWith(part: Operand): TypedExpression { return this.call('endsWith', part); }

  year(zone = 'UTC'): TypedExpression { return this.call('year', timeZone(zone)); }
  month(zone = 'UTC'): TypedExpression { return this.call('month', timeZone(zone)); }
  dayOfMonth(zone = 'UTC'): TypedExpression { return this.call('dayOfMonth', timeZone(zone)); }
  dayOfWeek(zone = 'UTC'): TypedExpression { return this.call('dayOfWeek', timeZone(zone)); }
  hour(zone = 'UTC'): TypedExpression { return this.call('hour', timeZone(zone)); }
  minute(zone = 'UTC'): TypedExpression { return this.call('minute', timeZone(zone)); }
  msSince(earlier: Operand): TypedExpression { return this.call('msBetween', earlier); }

  bucketise(boundaries: readonly number[]): TypedExpression {
    const fallen = boundaries.findIndex((boundary, i) => i > 0 && !(boundary > boundaries[i - 1]!));
    if (fallen > 0) throw refused(`bucketise has the boundary ${boundaries[fallen]} after ${boundaries[fallen - 1]}`, 'Give boundaries that rise.');
    return this.call('bucketise', ...boundaries);
  }

  hashBucket(buckets: number): TypedExpression {
    if (!Number.isInteger(buckets) || buckets < 1 || buckets >= 2 ** 31) throw refused(`hashBucket has ${buckets} buckets`, 'Give a whole number from 1 up, such as 1000.');
    return apply('hashBucket', this, new TypedExpression(literal({ kind: 'int32' }, buckets), { kind: 'int32' }));
  }

  private call(fn: ExpressionFunction, ...others: readonly Operand[]): TypedExpression {
    return apply(fn, this, ...others.map((other) => operand(other, this.type)));
  }

  private compare(fn: ExpressionFunction, ...others: readonly Operand[]): TypedExpression {
    return apply(fn, this, ...others.map((other) => (other instanceof TypedExpression ? other : constant(compared(this.type, other)))));
  }
}

/** A call of arguments that fit; throws DEFINITION_INVALID for those that don't. */
export function apply(fn: ExpressionFunction, ...args: readonly TypedExpression[]): TypedExpression {
  return new TypedExpression({ kind: 'call', fn, args: args.map((arg) => arg.expression) }, callType(fn, args.map((arg) => arg.type)));
}

/** An expression as it is, and a plain value as it is next to one of `type`. */
export function operand(value: unknown, type?: FieldType): TypedExpression {
  return value instanceof TypedExpression ? value : constant(beside(type, value as Plain));
}

/** A field of a source, inside a feature view. */
export function sourceField<K extends Kind>(name: string, type: FieldType, isNullable: boolean): Field<K> {
  return new TypedExpression({ kind: 'field', name }, type, name, isNullable) as unknown as Field<K>;
}

/** A feature of the input `of` of a derived view, or a request field. */
export function inputField(name: string, type: FieldType, of?: string): TypedExpression {
  return new TypedExpression({ kind: 'field', name, ...(of === undefined ? {} : { of }) }, type);
}

/** What the user holds, as what it is at run time; throws DEFINITION_INVALID where it is something else. */
export function expressionOf(value: AnyExpression | undefined, what: string): TypedExpression {
  if (value instanceof TypedExpression) return value;
  throw refused(`${what} takes an expression, not ${value === undefined ? 'nothing' : typeof value === 'object' ? 'an object' : String(value)}`, 'Begin with a field: e.price.gt(10).');
}

/** What is known at run time, as what the types say of it. */
export function typed<K>(expression: TypedExpression): ExpressionOf<K> {
  return expression as unknown as ExpressionOf<K>;
}

export function refused(message: string, todo: string): GranaryError {
  return new GranaryError('DEFINITION_INVALID', message, { todo });
}

function constant(value: ReturnType<typeof literal>): TypedExpression {
  return new TypedExpression(value, value.type);
}

function timeZone(zone: string): TypedExpression {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
  } catch {
    throw refused(`${zone} is no time zone`, "Name one of the IANA time zones, such as 'Europe/Berlin' or 'UTC'.");
  }
  return constant(literal({ kind: 'string' }, zone));
}
