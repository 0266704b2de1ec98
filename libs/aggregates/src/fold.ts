import type { AggregateFunction, Feature, Instant, Source, Value } from '@granary/contracts';
import { categoryFolds } from './category-folds.js';
import { literalValue } from './expression/compile.js';
import { evaluate, matches, type Row } from './expression/condition.js';
import type { Fold, Parts } from './fold-of.js';
import { numberFolds } from './number-folds.js';
import { orderFolds } from './order-folds.js';

const FOLDS: Readonly<Record<AggregateFunction, Fold>> = { ...numberFolds, ...orderFolds, ...categoryFolds };

/**
 * A feature's value from its parts, or null. An empty window gives the declared default, else 0 for counts, distinct
 * counts and sums and null for the others; so does a sample of one event, which has no variance. What is beyond float64,
 * or of integers beyond int64, gives the declared default, else null: parts may be infinite or NaN, no value is. `at` is the instant asked about: the
 * value is as of it.
 */
export function finish(feature: Feature, parts: Parts, at: Instant): Value | null {
  return compileFinish(feature)(parts, at);
}

/** `finish` of one feature, for who asks often. */
export function compileFinish(feature: Feature): (parts: Parts, at: Instant) => Value | null {
  const { default: fallback, fn } = feature.aggregate;
  const fold = FOLDS[fn];
  const declared = fallback === null ? null : literalValue(fallback);
  const whenEmpty = declared ?? emptyValue(feature);
  return (parts, at) => {
    const value = fold.finish(feature, parts, at);
    if (value === null) return whenEmpty;
    return typeof value !== 'number' || Number.isFinite(value) ? value : declared;
  };
}

/** Adds the request's own row, of `at` and so newer than every event: the parts of a window with `includeRequest`. */
export function foldRequest(feature: Feature, parts: Parts, request: Row, at: Instant, source: Pick<Source, 'fields'>): Parts {
  const { fn, column, where, predicate } = feature.aggregate;
  if (!matches(where, request, source)) return parts;
  const value = column === null ? null : (request[column] ?? null);
  if (column !== null && value === null) return parts;
  const answer = predicate === undefined ? null : evaluate(predicate, request, source);
  if (predicate !== undefined && answer === null) return parts;
  return FOLDS[fn].add(feature, parts, { value, answer: answer === true, at });
}

function emptyValue({ aggregate, type }: Feature): Value | null {
  switch (aggregate.fn) {
    case 'sum':
      return type.kind === 'int64' ? 0n : 0;
    case 'count':
    case 'countDistinct':
    case 'approxCountDistinct':
      return 0;
    default:
      return null;
  }
}
