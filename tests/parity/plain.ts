import type { FieldType, Value } from '@granary/contracts';

/** A value of a field that may be null, for a request, which has no nulls. */
export function plain({ kind }: FieldType): Value {
  return kind === 'int64' ? 3n : kind === 'bool' ? true : kind === 'string' ? 'a' : 3;
}
