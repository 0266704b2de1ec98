import type { Expression, ExpressionFunction } from './expression.js';
import { formatInstant } from './time.js';

const SIGNS: Partial<Readonly<Record<ExpressionFunction, string>>> = { eq: '=', ne: '≠', lt: '<', lte: '≤', gt: '>', gte: '≥', add: '+', sub: '−', mul: '×', div: '÷', and: 'and', or: 'or' };

/** As people read it: `kind = 'purchase' and price ≥ 10`, `clamp(price ÷ user_activity.spend30d, 0, 10)`. */
export function formatExpression(expression: Expression): string {
  switch (expression.kind) {
    case 'field':
      return expression.of === undefined ? expression.name : `${expression.of}.${expression.name}`;
    case 'literal':
      if (expression.type.kind === 'timestamp') return formatInstant(expression.value as number);
      return typeof expression.value === 'string' && expression.type.kind !== 'int64' ? `'${expression.value}'` : String(expression.value);
    case 'call':
      return formatCall(expression);
  }
}

function formatCall({ fn, args }: Extract<Expression, { kind: 'call' }>): string {
  const plain = args.map(formatExpression);
  const connects = fn === 'and' || fn === 'or';
  const [first = '', ...rest] = args.map((arg, i) => (needsBrackets(arg, connects) ? `(${plain[i]})` : plain[i]!));
  switch (fn) {
    case 'not':
      return `not ${first}`;
    case 'isNull':
      return `${first} is null`;
    case 'in':
      return `${first} in (${plain.slice(1).join(', ')})`;
    default:
      return SIGNS[fn] === undefined ? `${fn}(${plain.join(', ')})` : [first, ...rest].join(` ${SIGNS[fn]} `);
  }
}

/** Beside a sign whatever has words or signs of its own; beside `and` and `or` only those of the same rank. */
function needsBrackets(expression: Expression, connects: boolean): boolean {
  if (expression.kind !== 'call') return false;
  const { fn } = expression;
  if (fn === 'and' || fn === 'or') return true;
  return !connects && (SIGNS[fn] !== undefined || fn === 'not' || fn === 'isNull' || fn === 'in');
}
