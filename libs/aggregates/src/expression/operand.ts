import type { FieldType, Value } from '@granary/contracts';

/** A compiled expression: its value for a row, or null. */
export type Read<R> = (row: R) => Value | null;

/** A compiled argument of a call. */
export interface Operand<R> {
  readonly type: FieldType;
  readonly read: Read<R>;
  /** What a literal always reads. */
  readonly constant?: Value;
}

/** Compiles a call, whose arguments have types that it takes. Made once; what it makes runs for every row. */
export type Builder = <R>(args: readonly Operand<R>[]) => Read<R>;

/** Of one argument; null of null. */
export function unary<A extends Value>(compute: (a: A) => Value | null): Builder {
  return ([a]) => {
    const read = a!.read;
    return (row) => {
      const value = read(row);
      return value === null ? null : compute(value as A);
    };
  };
}

/** Of two arguments; null where either is. */
export function binary<A extends Value, B extends Value>(compute: (a: A, b: B) => Value | null): Builder {
  return ([a, b]) => {
    const [first, second] = [a!.read, b!.read];
    return (row) => {
      const left = first(row);
      if (left === null) return null;
      const right = second(row);
      return right === null ? null : compute(left as A, right as B);
    };
  };
}
