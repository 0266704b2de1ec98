import { expressionType, callType, type Expression, type ExpressionFunction, type FieldReference, type FieldType, type Literal, type Value } from '@granary/contracts';
import * as geography from './geography.js';
import * as logic from './logic.js';
import * as numbers from './numbers.js';
import { unary, type Builder, type Operand, type Read } from './operand.js';
import * as text from './text.js';
import * as time from './time.js';

/** A field of an expression: its type, and its value in a row. */
export interface FieldReader<R> {
  readonly type: FieldType;
  readonly read: Read<R>;
}

const BUILDERS: Readonly<Record<ExpressionFunction, Builder>> = {
  eq: logic.eq,
  ne: logic.ne,
  lt: logic.lt,
  lte: logic.lte,
  gt: logic.gt,
  gte: logic.gte,
  in: logic.isIn,
  isNull: logic.isNull,
  and: logic.and,
  or: logic.or,
  not: logic.not,
  add: numbers.add,
  sub: numbers.sub,
  mul: numbers.mul,
  div: numbers.div,
  mod: numbers.mod,
  neg: numbers.neg,
  abs: numbers.abs,
  least: numbers.least,
  greatest: numbers.greatest,
  clamp: numbers.clamp,
  pow: numbers.pow,
  sqrt: numbers.sqrt,
  exp: numbers.exp,
  log: numbers.log,
  log1p: numbers.log1p,
  floor: numbers.floor,
  ceil: numbers.ceil,
  round: numbers.round,
  bucketise: numbers.bucketise,
  if: logic.choose,
  coalesce: logic.coalesce,
  nullIf: logic.nullIf,
  toFloat: unary(Number),
  toText: text.toText,
  lower: text.lower,
  upper: text.upper,
  trim: text.trim,
  length: text.length,
  concat: text.concat,
  contains: text.contains,
  startsWith: text.startsWith,
  endsWith: text.endsWith,
  hashBucket: text.hashBucket,
  year: time.year,
  month: time.month,
  dayOfMonth: time.dayOfMonth,
  dayOfWeek: time.dayOfWeek,
  hour: time.hour,
  minute: time.minute,
  msBetween: time.msBetween,
  haversineKm: geography.haversineKm,
};

/**
 * An expression as a function of a row: what `emitExpression` of @granary/compiler says in SQL. Nothing of the tree is
 * looked at again for each row. Throws DEFINITION_INVALID for an expression whose types don't fit.
 */
export function compileExpression<R>(expression: Expression, fields: (field: FieldReference) => FieldReader<R>): Read<R> {
  expressionType(expression, (field) => fields(field).type);
  return compile(expression, fields).read;
}

function compile<R>(expression: Expression, fields: (field: FieldReference) => FieldReader<R>): Operand<R> {
  switch (expression.kind) {
    case 'field':
      return fields(expression);
    case 'literal': {
      const constant = literalValue(expression);
      return { type: expression.type, read: () => constant, constant };
    }
    case 'call': {
      const args = expression.args.map((arg) => compile(arg, fields));
      return { type: callType(expression.fn, args.map(({ type }) => type)), read: BUILDERS[expression.fn](args) };
    }
  }
}

export function literalValue({ type, value }: Literal): Value {
  if (type.kind === 'int64') return BigInt(value);
  return type.kind === 'float32' ? Math.fround(value as number) : value;
}
