import { formatDuration, formatType, type Aggregate, type Expression, type Feature, type VersionedView, type Window } from '@granary/contracts';

/** The declaration of a feature as text: `sum of price where kind = 'purchase' over 30d, of interactions. Feature view …`. */
export function describeFeature({ aggregate, type }: Feature, view: VersionedView): string {
  const ttl = view.ttlMs === null ? '' : ` Expires after ${formatDuration(view.ttlMs)}.`;
  return `${describeAggregate(aggregate)}, of ${view.source}. ${formatType(type)}; feature view ${view.name} of ${view.entity}.${ttl}`;
}

function describeAggregate({ fn, column, where, window, default: fallback }: Aggregate): string {
  const what = column === null ? fn : `${fn} of ${column}`;
  const only = where === null ? '' : ` where ${describeExpression(where)}`;
  const otherwise = fallback === null ? '' : `, ${JSON.stringify(fallback.value)} when empty`;
  return `${what}${only}${window === null ? '' : describeWindow(window)}${otherwise}`;
}

function describeWindow({ sizeMs, delayMs, bounds, includeRequest }: Window): string {
  const delay = delayMs === 0 ? '' : `, ending ${formatDuration(delayMs)} ago`;
  return ` over ${formatDuration(sizeMs)} ${bounds}${delay}${includeRequest ? ', the request included' : ''}`;
}

const SIGNS = { eq: '=', ne: '≠', lt: '<', lte: '≤', gt: '>', gte: '≥' } as const;

function describeExpression(expression: Expression): string {
  switch (expression.kind) {
    case 'field':
      return expression.name;
    case 'literal':
      return typeof expression.value === 'string' && expression.type.kind !== 'int64' ? `'${expression.value}'` : String(expression.value);
    case 'call':
      return describeCall(expression);
  }
}

function describeCall({ fn, args }: Extract<Expression, { kind: 'call' }>): string {
  const [first = '', ...rest] = args.map(describeExpression);
  switch (fn) {
    case 'and':
    case 'or':
      return `(${[first, ...rest].join(` ${fn} `)})`;
    case 'not':
      return `not ${first}`;
    case 'isNull':
      return `${first} is null`;
    case 'in':
      return `${first} in (${rest.join(', ')})`;
    default:
      return `${first} ${SIGNS[fn]} ${rest[0]}`;
  }
}
