import { formatDuration, formatExpression, formatType, formatWindow, type Aggregate, type Feature, type ResolvedService, type ResolvedView, type ServedFeature, type VersionedView } from '@granary/contracts';

/** A feature of a service: the declaration of its aggregate, or its formula. */
export function describeServed(served: ServedFeature, service: ResolvedService): string {
  if (served.kind === 'derived') return `${formatExpression(served.expression)}. ${formatType(served.type)}; derived view ${served.of}.`;
  const read = service.views.find(({ id }) => id === served.of)!;
  return describeFeature(served.feature, read.view) + describeAlias(read);
}

/** The declaration of a feature as text: `sum of price where kind = 'purchase' over 30d, of interactions. Feature view …`. */
export function describeFeature({ aggregate, type }: Feature, view: VersionedView): string {
  const ttl = view.ttlMs === null ? '' : ` Expires after ${formatDuration(view.ttlMs)}.`;
  return `${describeAggregate(aggregate)}, of ${view.source}. ${formatType(type)}; feature view ${view.name} of ${view.entity}.${ttl}`;
}

function describeAlias({ id, view, keys, entity }: ResolvedView): string {
  return id === view.name ? '' : ` Of the ${entity.name} named by ${keys.map((key) => key.name).join(', ')}.`;
}

function describeAggregate(aggregate: Aggregate): string {
  const { where, window, default: fallback } = aggregate;
  const only = where === null ? '' : ` where ${formatExpression(where)}`;
  const otherwise = fallback === null ? '' : `, ${JSON.stringify(fallback.value)} when empty`;
  return `${describeFold(aggregate)}${only}${window === null ? '' : ` over ${formatWindow(window)}`}${otherwise}`;
}

/** `sum of price`, `lastN 50 of itemId`, `percentile 0.95 of price`, `rate per 1h`, `ratio of kind = 'buy'`. */
function describeFold({ fn, column, n, fraction, unitMs, halfLifeMs, predicate }: Aggregate): string {
  const parameters = [n, fraction].filter((each) => each !== undefined).map((each) => ` ${each}`);
  const of = column ?? (predicate === undefined ? null : formatExpression(predicate));
  return [
    fn,
    ...parameters,
    of === null ? '' : ` of ${of}`,
    unitMs === undefined ? '' : ` per ${formatDuration(unitMs)}`,
    halfLifeMs === undefined ? '' : ` with a half-life of ${formatDuration(halfLifeMs)}`,
  ].join('');
}

