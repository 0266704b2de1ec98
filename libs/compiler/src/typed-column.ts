import { clickhouseType, formatType, identifier, type FieldType, type SourceField } from '@granary/contracts';
import type { Emitter } from './emit.js';

/** The alias of a user's query in every statement. */
export const QUERY = 'q';

/**
 * A column of a user's query as a value of the field's type. One that is not as declared fails the statement by `throwIf`:
 * `<what>: a value of <field> is not <type>`.
 */
export function emitTyped(emitter: Emitter, what: string, { name, type, nullable }: SourceField): string {
  const raw = `${identifier(QUERY)}.${identifier(name)}`;
  const stored = clickhouseType(type);
  // ClickHouse has no null arrays and maps, so there is nothing that could be null.
  if (type.kind === 'array' || type.kind === 'map') {
    const values = `CAST(${raw} AS ${stored})`;
    if (type.of.kind !== 'float32' && type.of.kind !== 'float64') return values;
    const elements = type.kind === 'map' ? `mapValues(${values})` : values;
    return `if(throwIf(arrayExists(x -> NOT isFinite(x), ${elements}), '${what}: a value of ${name} is not ${formatType(type)}') = 1, CAST(${type.kind === 'map' ? 'map()' : '[]'} AS ${stored}), ${values})`;
  }
  const value = emitCast(raw, type, stored);
  const unknown = type.kind === 'enum' ? [`${value} NOT IN (${type.values.map((each) => emitter.bind(type, each)).join(', ')})`] : [];
  const lost = type.kind === 'int32' || type.kind === 'int64' ? [`(isNotNull(${raw}) AND isNull(${value}))`] : [];
  const wrong = [...unknown, ...lost, ...(nullable ? [] : [`isNull(${value})`])];
  if (wrong.length === 0) return value;
  // Not in a WHERE: ClickHouse might move it below the query's own filters.
  const checked = `if(throwIf(ifNull(${wrong.join(' OR ')}, 0), '${what}: a value of ${name} is not ${nullable ? 'null or ' : ''}${type.kind}') = 1, NULL, ${value})`;
  return nullable ? checked : `assumeNotNull(${checked})`;
}

function emitCast(raw: string, type: FieldType, stored: string): string {
  switch (type.kind) {
    case 'int32':
    case 'int64':
      return `accurateCastOrNull(${raw}, '${stored}')`;
    case 'float32':
    case 'float64': {
      const float = `CAST(${raw} AS Nullable(${stored}))`;
      return `if(isFinite(${float}), ${float}, NULL)`;
    }
    default:
      return `CAST(${raw} AS Nullable(${stored}))`;
  }
}
