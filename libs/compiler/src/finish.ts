import type { Feature, Source } from '@granary/contracts';
import type { Emitter } from './emit.js';
import { emitExpression, sourceFields } from './expression/emit-expression.js';

/** SQL of what `finish` of @granary/aggregates computes: a feature's value from its parts, as of `at` (SQL of a DateTime64(3)). */
export function emitFinish(emitter: Emitter, { aggregate, type }: Feature, parts: readonly string[], _at: string): string {
  const fallback = aggregate.default === null ? null : emitter.bind(aggregate.default.type, aggregate.default.value);
  switch (aggregate.fn) {
    case 'count': {
      const count = `ifNull(${parts[0]}, 0)`;
      return fallback === null ? count : `if(${count} = 0, ${fallback}, ${count})`;
    }
    case 'sum':
      return `ifNull(${parts[0]}, ${fallback ?? (type.kind === 'int64' ? 'toInt64(0)' : 'toFloat64(0)')})`;
    case 'avg':
      return `if(ifNull(${parts[1]}, 0) = 0, ${fallback ?? 'NULL'}, ${parts[0]} / ${parts[1]})`;
    default:
      return fallback === null ? parts[0]! : `ifNull(${parts[0]}, ${fallback})`;
  }
}

/**
 * SQL of what `foldRequest` of @granary/aggregates computes: the parts with the request's row added. `request` gives the
 * SQL of the row's value of a source field, `at` is SQL of its instant, a DateTime64(3).
 */
export function emitFold(emitter: Emitter, feature: Feature, parts: readonly string[], source: Source, request: (field: string) => string, _at: string): readonly string[] {
  const { aggregate, type } = feature;
  const value = aggregate.column === null ? null : request(aggregate.column);
  const nullable = source.fields.some((field) => field.name === aggregate.column && field.nullable);
  const conditions = [
    ...(aggregate.where === null ? [] : [`ifNull(${emitExpression(emitter, aggregate.where, sourceFields(source, request))}, false)`]),
    ...(nullable ? [`${value} IS NOT NULL`] : []),
  ];
  const counted = conditions.length === 0 ? 'true' : conditions.join(' AND ');
  const [first, count] = parts;
  const fold = (added: string): string => (counted === 'true' ? `(${added})` : `if(${counted}, ${added}, ${first})`);
  switch (aggregate.fn) {
    case 'count':
      return [`accurateCast(ifNull(${first}, 0) + if(${counted}, 1, 0), 'Int32')`];
    case 'sum':
      return [
        type.kind === 'int64'
          ? fold(`accurateCast(toInt128(ifNull(${first}, 0)) + toInt128(${value}), 'Nullable(Int64)')`)
          : fold(`ifNull(${first}, 0) + toFloat64(${value})`),
      ];
    case 'avg':
      return [fold(`ifNull(${first}, 0) + toFloat64(${value})`), `(ifNull(${count}, 0) + if(${counted}, 1, 0))`];
    case 'min':
      return [fold(`least(ifNull(${first}, ${value}), ${value})`)];
    case 'max':
      return [fold(`greatest(ifNull(${first}, ${value}), ${value})`)];
    case 'last':
      return [fold(value!)];
    case 'latest':
      throw new Error('latest has no window to include a request in');
    default:
      throw new Error(`${aggregate.fn} is not built yet`);
  }
}
