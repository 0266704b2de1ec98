import { formatInstant, type Expression } from '@granary/contracts';

const SYMBOLS: Readonly<Record<string, string>> = { eq: '=', ne: '≠', lt: '<', lte: '≤', gt: '>', gte: '≥' };

/** As it reads in a plan: `kind = 'purchase' and price ≥ 10`. */
export function formatExpression(expression: Expression): string {
  switch (expression.kind) {
    case 'field':
      return expression.name;
    case 'literal':
      if (expression.type.kind === 'timestamp') return formatInstant(expression.value as number);
      return typeof expression.value === 'string' && expression.type.kind !== 'int64' ? `'${expression.value}'` : String(expression.value);
    case 'call': {
      const parts = expression.args.map((arg) => (isJunction(arg) ? `(${formatExpression(arg)})` : formatExpression(arg)));
      if (isJunction(expression)) return parts.join(` ${expression.fn} `);
      if (expression.fn === 'not') return `not ${parts[0]}`;
      if (expression.fn === 'isNull') return `${parts[0]} is null`;
      if (expression.fn === 'in') return `${parts[0]} in (${parts.slice(1).join(', ')})`;
      return `${parts[0]} ${SYMBOLS[expression.fn]} ${parts[1]}`;
    }
  }
}

function isJunction(expression: Expression): boolean {
  return expression.kind === 'call' && (expression.fn === 'and' || expression.fn === 'or');
}
