import type { Feature, Instant, Source, Value } from '@granary/contracts';
import { compareValues } from './compare.js';
import { literalValue } from './expression/compile.js';
import { matches, type Row } from './expression/condition.js';

type Parts = readonly (Value | null)[];

/**
 * A feature's value from its parts, or null. An empty window gives the declared default, else 0 for count and sum and
 * null for the others. `at` is the instant asked about: the value is as of it.
 */
export function finish({ aggregate, type }: Feature, parts: Parts, _at: Instant): Value | null {
  const fallback = aggregate.default === null ? null : literalValue(aggregate.default);
  switch (aggregate.fn) {
    case 'count':
      return parts[0] === 0 && fallback !== null ? fallback : (parts[0] ?? 0);
    case 'sum':
      return parts[0] ?? fallback ?? (type.kind === 'int64' ? 0n : 0);
    case 'avg':
      return parts[1] === 0 ? fallback : (parts[0] as number) / (parts[1] as number);
    default:
      return parts[0] ?? fallback;
  }
}

/** The parts of an empty window. */
export function emptyParts({ aggregate }: Feature): Parts {
  return aggregate.fn === 'count' ? [0] : aggregate.fn === 'avg' ? [null, 0] : [null];
}

/** Adds the request's own row, of `at` and so newer than every event: the parts of a window with `includeRequest`. */
export function foldRequest({ aggregate, type }: Feature, parts: Parts, request: Row, _at: Instant, source: Pick<Source, 'fields'>): Parts {
  if (!matches(aggregate.where, request, source)) return parts;
  if (aggregate.fn === 'count') return [(parts[0] as number) + 1];
  const value = request[aggregate.column!] ?? null;
  if (value === null) return parts;
  const [before, count] = [parts[0] ?? null, parts[1] ?? null];
  switch (aggregate.fn) {
    case 'sum':
      return [add(before, type.kind === 'int64' ? BigInt(value as number | bigint) : Number(value))];
    case 'avg':
      return [add(before, Number(value)), (count as number) + 1];
    case 'min':
      return [before === null || compareValues(value, before) < 0 ? value : before];
    case 'max':
      return [before === null || compareValues(value, before) > 0 ? value : before];
    case 'last':
      return [value];
    case 'latest':
      throw new Error('latest has no window to include a request in');
    default:
      throw new Error(`${aggregate.fn} is not built yet`);
  }
}

function add(before: Value | null, value: number | bigint): number | bigint {
  if (before === null) return value;
  return typeof value === 'bigint' ? (before as bigint) + value : (before as number) + value;
}
