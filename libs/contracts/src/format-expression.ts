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
  const [first = '', ...rest] = args.map((arg, i) => (isInfix(arg) ? `(${plain[i]})` : plain[i]!));
  switch (fn) {
    case 'not':
      return `not ${first}`;
    case 'isNull':
      return `${first} is null`;
    case 'in':
      return `${first} in (${rest.join(', ')})`;
    default:
      return SIGNS[fn] === undefined ? `${fn}(${plain.join(', ')})` : [first, ...rest].join(` ${SIGNS[fn]} `);
  }
}

/** A comparison inside `and` needs no brackets, everything else inside another sign does. */
function isInfix(expression: Expression): boolean {
  return expression.kind === 'call' && (['and', 'or', 'add', 'sub', 'mul', 'div'] as const).some((fn) => fn === expression.fn);
}
