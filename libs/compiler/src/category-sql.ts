import type { FieldType } from '@granary/contracts';

/** SQL of what `distinctKey` of @granary/aggregates computes, for a value that is not null. */
export function emitDistinctKey(type: FieldType, value: string): string {
  switch (type.kind) {
    case 'int32':
    case 'float32':
    case 'float64':
      // -0 equals 0, and adding 0 makes it that.
      return `toString(reinterpretAsInt64(toFloat64(${value}) + 0))`;
    case 'timestamp':
      return `toString(reinterpretAsInt64(toFloat64(toUnixTimestamp64Milli(${value}))))`;
    default:
      return emitText(type, value);
  }
}

/** SQL of a value that is equal for equal values: of floats, -0 becomes 0. */
export function emitComparable(type: FieldType, value: string): string {
  return type.kind === 'float32' || type.kind === 'float64' ? `${value} + 0` : value;
}

/** SQL of a category's text. */
export function emitText(type: FieldType, value: string): string {
  return type.kind === 'string' || type.kind === 'enum' ? value : `toString(${value})`;
}

/** SQL of an array of the most frequent values, of equally frequent the smallest first. */
export function emitTop(values: string, counts: string, n: number): string {
  return `arrayMap(x -> x.2, arraySlice(arraySort(x -> (-toInt64(x.1), x.2), arrayZip(${counts}, ${values})), 1, ${n}))`;
}
