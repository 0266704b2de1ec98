import { emptyParts, finish, foldRequest } from '@granary/aggregates';
import type { Feature, Instant, Source, Value } from '@granary/contracts';
import type { EntityEvent } from './entity-events.js';

/**
 * A feature's value from the events that count for it, folded one by one: for saying which event makes a difference, not for
 * serving. `request`: the row that belongs to the window as well, null where there is none.
 */
export function naiveValue(feature: Feature, source: Pick<Source, 'fields'>, counted: readonly EntityEvent[], request: EntityEvent['row'] | null, at: Instant): Value | null {
  const { aggregate } = feature;
  const ordered = [...counted].sort((a, b) => a.time - b.time || a.knownAt - b.knownAt || a.sequence - b.sequence);
  if (aggregate.fn === 'latest') return ordered.at(-1)?.row[aggregate.column!] ?? finish(feature, emptyParts(feature), at);
  // Parts that take up one event more are those of a window with the request in it.
  const folding: Feature = { ...feature, aggregate: { ...aggregate, window: { ...aggregate.window!, includeRequest: true } } };
  let parts = emptyParts(folding);
  for (const event of ordered) parts = foldRequest(folding, parts, event.row, event.time, source);
  if (request !== null) parts = foldRequest(folding, parts, request, at, source);
  return finish(folding, parts, at);
}
