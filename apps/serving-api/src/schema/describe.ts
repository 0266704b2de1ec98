import { formatDuration, formatExpression, formatType, type Aggregate, type Feature, type VersionedView, type Window } from '@granary/contracts';

/** The declaration of a feature as text: `sum of price where kind = 'purchase' over 30d, of interactions. Feature view …`. */
export function describeFeature({ aggregate, type }: Feature, view: VersionedView): string {
  const ttl = view.ttlMs === null ? '' : ` Expires after ${formatDuration(view.ttlMs)}.`;
  return `${describeAggregate(aggregate)}, of ${view.source}. ${formatType(type)}; feature view ${view.name} of ${view.entity}.${ttl}`;
}

function describeAggregate({ fn, column, where, window, default: fallback }: Aggregate): string {
  const what = column === null ? fn : `${fn} of ${column}`;
  const only = where === null ? '' : ` where ${formatExpression(where)}`;
  const otherwise = fallback === null ? '' : `, ${JSON.stringify(fallback.value)} when empty`;
  return `${what}${only}${window === null ? '' : describeWindow(window)}${otherwise}`;
}

function describeWindow({ sizeMs, delayMs, bounds, includeRequest }: Window): string {
  const delay = delayMs === 0 ? '' : `, ending ${formatDuration(delayMs)} ago`;
  return ` over ${sizeMs === null ? 'all time' : formatDuration(sizeMs)} ${bounds}${delay}${includeRequest ? ', the request included' : ''}`;
}
