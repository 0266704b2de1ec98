import type { Expression, Literal, Value } from '@granary/contracts';
import { compareValues } from './compare.js';

export type Row = Readonly<Record<string, Value | null>>;

/** Whether an event is counted: an unknown answer (a null was compared) is no. */
export function matches(where: Expression | null, row: Row): boolean {
  return where === null || evaluate(where, row) === true;
}

/** SQL's three-valued logic: null is unknown. A field that the row lacks is null. */
export function evaluate(expression: Expression, row: Row): Value | null {
  switch (expression.kind) {
    case 'field':
      return row[expression.name] ?? null;
    case 'literal':
      return literalValue(expression);
    case 'call':
      return call(expression, row);
  }
}

export function literalValue({ type, value }: Literal): Value {
  return type.kind === 'int64' ? BigInt(value) : value;
}

function call({ fn, args }: Extract<Expression, { kind: 'call' }>, row: Row): boolean | null {
  const values = args.map((arg) => evaluate(arg, row));
  switch (fn) {
    case 'and':
      return values.includes(false) ? false : values.includes(null) ? null : true;
    case 'or':
      return values.includes(true) ? true : values.includes(null) ? null : false;
    case 'not':
      return values[0] === null ? null : !values[0];
    case 'isNull':
      return values[0] === null;
    case 'in':
      return values[0] === null ? null : values.slice(1).some((value) => compareValues(values[0]!, value!) === 0);
    case 'eq':
    case 'ne':
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return compare(fn, values[0]!, values[1]!);
    default:
      throw new Error(`${fn} is not built yet`);
  }
}

function compare(fn: 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte', a: Value | null, b: Value | null): boolean | null {
  if (a === null || b === null) return null;
  const order = compareValues(a, b);
  switch (fn) {
    case 'eq':
      return order === 0;
    case 'ne':
      return order !== 0;
    case 'lt':
      return order < 0;
    case 'lte':
      return order <= 0;
    case 'gt':
      return order > 0;
    case 'gte':
      return order >= 0;
  }
}
