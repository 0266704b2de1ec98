import { partsOf } from '@granary/aggregates';
import { named, type Aggregate, type Feature, type FieldType, type Source, type Window } from '@granary/contracts';
import { emitBucket, emitQuantileOfBuckets } from './bucket-sql.js';
import { emitDistinctKey, emitText, emitTop } from './category-sql.js';
import type { Emitter } from './emit.js';
import { emitWithHop } from './hops.js';
import { emitExpression, sourceFields } from './expression/emit-expression.js';
import { emitCarry } from './part-sql.js';
import { emitAddToSketch, emitEstimate, emitSketchHash } from './sketch-sql.js';

/**
 * SQL of what `finish` of @granary/aggregates computes: a feature's value from its parts, as of `at` (SQL of a
 * DateTime64(3)). Arrays and maps are never null in ClickHouse: `emitIsNull` tells an empty window's.
 */
export function emitFinish(emitter: Emitter, feature: Feature, parts: readonly string[], at: string): string {
  const { aggregate, type } = feature;
  const fallback = aggregate.default === null ? null : emitter.bind(aggregate.default.type, aggregate.default.value);
  const orFallback = (value: string): string => (fallback === null ? value : `ifNull(${value}, ${fallback})`);
  // Null is not finite to ClickHouse either.
  const finite = (value: string): string => `ifNotFinite(${value}, ${fallback ?? 'NULL'})`;
  const zeroOr = (count: string): string => (fallback === null ? count : `if(${count} = 0, ${fallback}, ${count})`);
  const [first, second, third] = parts as [string, string, string];
  const withRequest = aggregate.window?.includeRequest === true;
  switch (aggregate.fn) {
    case 'count':
      return zeroOr(`ifNull(${first}, 0)`);
    case 'countDistinct':
      return zeroOr(withRequest ? `accurateCast(length(${first}), 'Int32')` : `ifNull(${first}, 0)`);
    case 'approxCountDistinct':
      return zeroOr(withRequest ? emitEstimate(first) : `ifNull(${first}, 0)`);
    case 'sum':
      return type.kind === 'int64' ? `if(ifNull(${second}, 0) = 0, ifNull(${first}, ${fallback ?? 'toInt64(0)'}), ${fallback ?? 'NULL'})` : finite(fallback === null ? `ifNull(${first}, toFloat64(0))` : first);
    case 'avg':
    case 'ratio':
      return finite(`${first} / ${second}`);
    // The deviation of no event is null, that of one 0: divided by n − 1 it is NaN.
    case 'varianceSample':
      return finite(`${third} / (${first} - 1)`);
    case 'variancePopulation':
      return finite(`${third} / ${first}`);
    case 'stddevSample':
      return finite(`sqrt(${third} / (${first} - 1))`);
    case 'stddevPopulation':
      return finite(`sqrt(${third} / ${first})`);
    case 'rate':
      return orFallback(`nullIf(${first}, 0) * ${float(aggregate.unitMs!)} / ${emitLength(aggregate.window!, at)}`);
    case 'timeSinceLast':
      return orFallback(`toFloat64(toUnixTimestamp64Milli(${at}) - toUnixTimestamp64Milli(${first}))`);
    case 'decayedCount':
    case 'decayedSum':
      return finite(emitDecayed(feature, parts, at));
    case 'percentile':
      return finite(withRequest ? `arrayReduce('quantileExactInclusive(${aggregate.fraction!})', ${first})` : first);
    case 'approxPercentile':
      return finite(withRequest ? emitQuantileOfBuckets(aggregate.fraction!, first, second) : first);
    case 'topK':
      return withRequest ? emitTop(first, second, aggregate.n!) : first;
    case 'latest':
    case 'min':
    case 'max':
    case 'first':
    case 'last':
    case 'lastN':
    case 'countBy':
      return orFallback(first);
  }
}

/** SQL for: a feature's value is null; null where it can't be. Of lastN, topK and countBy an empty window is. */
export function emitIsNull({ aggregate, type }: Feature, value: string): string | null {
  if (type.kind === 'array' || type.kind === 'map') return aggregate.fn === 'latest' ? null : `empty(${value})`;
  return aggregate.default !== null || NEVER_NULL.has(aggregate.fn) ? null : `isNull(${value})`;
}

const NEVER_NULL: ReadonlySet<Aggregate['fn']> = new Set(['count', 'countDistinct', 'approxCountDistinct']);

/** SQL of a feature's value where there is none. */
export function emitNothing({ kind }: FieldType): string {
  return kind === 'array' ? '[]' : kind === 'map' ? 'map()' : 'NULL';
}

/**
 * SQL of what `foldRequest` of @granary/aggregates computes: the parts with the request's row added. `request` gives the
 * SQL of the row's value of a source field, `at` is SQL of its instant, a DateTime64(3).
 */
export function emitFold(emitter: Emitter, feature: Feature, parts: readonly string[], source: Source, request: (field: string) => string, at: string): readonly string[] {
  const { aggregate } = feature;
  const fields = sourceFields(source, request);
  const asked = aggregate.column === null ? null : request(aggregate.column);
  const answer = aggregate.predicate === undefined ? null : `(${emitExpression(emitter, aggregate.predicate, fields)})`;
  const conditions = [
    ...(aggregate.where === null ? [] : [`ifNull(${emitExpression(emitter, aggregate.where, fields)}, false)`]),
    ...[asked, answer].flatMap((value) => (value === null ? [] : [`${value} IS NOT NULL`])),
  ];
  const added = emitAdded(feature, parts, { value: asked ?? '', type: aggregate.column === null ? null : named(source.fields, aggregate.column).type, answer, at });
  if (conditions.length === 0) return added;
  const empty = partsOf(feature).map((part) => (part.nullable || part.type.kind === 'array' || part.type.kind === 'map' ? null : '0'));
  return added.map((part, i) => `if(${conditions.join(' AND ')}, ${part}, ${empty[i] === null ? parts[i]! : `ifNull(${parts[i]!}, ${empty[i]})`})`);
}

interface RequestEvent {
  /** SQL of the column's value, which is not null. */
  readonly value: string;
  readonly type: FieldType | null;
  /** SQL of a ratio's predicate, which is not null. */
  readonly answer: string | null;
  readonly at: string;
}

function emitAdded(feature: Feature, parts: readonly string[], { value, type: given, answer, at }: RequestEvent): readonly string[] {
  const { aggregate, type } = feature;
  const [first, second, third] = parts as [string, string, string];
  const number = `toFloat64(${value})`;
  const known = `assumeNotNull(${value})`;
  const oneMore = (count: string): string => `accurateCast(ifNull(${count}, 0) + 1, 'Int32')`;
  switch (aggregate.fn) {
    case 'count':
    case 'rate':
      return [oneMore(first)];
    case 'ratio':
      return [`accurateCast(ifNull(${first}, 0) + if(${answer!}, 1, 0), 'Int32')`, oneMore(second)];
    case 'sum':
      if (type.kind === 'int64') {
        const total = `(bitShiftLeft(toInt128(ifNull(${second}, 0)), 64) + toInt128(ifNull(${first}, 0)) + toInt128(${value}))`;
        return [`toInt64(${total})`, emitCarry(total)];
      }
      return [`ifNull(${first}, 0) + ${number}`];
    case 'avg':
      return [`ifNull(${first}, 0) + ${number}`, oneMore(second)];
    case 'varianceSample':
    case 'variancePopulation':
    case 'stddevSample':
    case 'stddevPopulation': {
      const [count, difference] = [`ifNull(${first}, 0)`, `(${number} - ifNull(${second}, 0))`];
      return [oneMore(first), `ifNull(${second}, 0) + ${difference} / (${count} + 1)`, `ifNull(${third}, 0) + ${difference} * ${difference} * ${count} / (${count} + 1)`];
    }
    case 'min':
      return [`least(ifNull(${first}, ${value}), ${value})`];
    case 'max':
      return [`greatest(ifNull(${first}, ${value}), ${value})`];
    case 'first':
      return [`ifNull(${first}, ${value})`];
    case 'last':
      return [value];
    case 'lastN':
      return [`arraySlice(arrayPushFront(${first}, ${known}), 1, ${aggregate.n!})`];
    case 'timeSinceLast':
      return [at];
    case 'decayedCount':
      return [`ifNull(${emitDecayed(feature, parts, at)}, 0) + 1`, at];
    case 'decayedSum':
      return [`ifNull(${emitDecayed(feature, parts, at)}, 0) + ${number}`, at];
    case 'approxCountDistinct':
      return [emitAddToSketch(first, emitSketchHash(given!, known))];
    case 'countDistinct':
      return [`arrayDistinct(arrayPushBack(${first}, ${emitDistinctKey(given!, known)}))`];
    case 'percentile':
      return [`arrayPushBack(${first}, toFloat64(${known}))`];
    case 'topK':
    case 'approxPercentile': {
      const counted = aggregate.fn === 'topK' ? known : emitBucket(known);
      const has = `has(${first}, ${counted})`;
      return [
        `if(${has}, ${first}, arrayPushBack(${first}, ${counted}))`,
        `if(${has}, arrayMap((v, c) -> if(v = ${counted}, ${oneMore('c')}, c), ${first}, ${second}), arrayPushBack(${second}, toInt32(1)))`,
      ];
    }
    case 'countBy': {
      const key = emitText(given!, known);
      return [`mapUpdate(${first}, map(${key}, ${oneMore(`${first}[${key}]`)}))`];
    }
    case 'latest':
      throw new Error('latest has no window to include a request in');
  }
}

/** SQL of a decayed weight as of `at`; null where nothing was counted. */
function emitDecayed({ aggregate }: Feature, [weight, asOf]: readonly string[], at: string): string {
  return `${weight} * exp2(-(toUnixTimestamp64Milli(${at}) - toUnixTimestamp64Milli(${asOf})) / ${aggregate.halfLifeMs!})`;
}

/** SQL of the window's length as of `at`. */
function emitLength({ sizeMs, delayMs, hopMs }: Window, at: string): string {
  return hopMs === undefined ? float(sizeMs!) : `toFloat64(${emitWithHop(`toUnixTimestamp64Milli(${at})`, delayMs + sizeMs!, hopMs)} - ${delayMs})`;
}

/** A whole number whose product with a count can't leave the integers. */
function float(whole: number): string {
  return `toFloat64(${whole})`;
}
