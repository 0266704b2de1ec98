import type { ElementType, FieldType, SourceField } from '@granary/contracts';

declare const VALUE: unique symbol;

/** A field's type. `T` is its TypeScript type: int64 is bigint, a timestamp is epoch milliseconds; null when nullable. */
export interface Type<T = unknown> {
  readonly type: FieldType;
  readonly isNullable: boolean;
  readonly encoding?: NonNullable<SourceField['encoding']>;
  /** Null or an empty cell is a value, not a mistake. */
  nullable(): Type<T | null>;
  /** Never there at run time: carries T. */
  readonly [VALUE]?: T;
}

/** An array; in text files its elements may be separated by a character. */
export interface ArrayType<T> extends Type<readonly T[]> {
  /** In CSV: `Adventure|Comedy` with `separatedBy('|')`. */
  separatedBy(separator: string): Type<readonly T[]>;
}

export type ValueOf<Y> = Y extends Type<infer T> ? T : never;

type Encoding = NonNullable<SourceField['encoding']>;

function make<T>(type: FieldType, isNullable = false, encoding?: Encoding): Type<T> {
  return Object.freeze({
    type: Object.freeze(type),
    isNullable,
    ...(encoding === undefined ? {} : { encoding }),
    nullable: () => make<T | null>(type, true, encoding),
  });
}

/** The types of fields, keys and request values. */
export const t = Object.freeze({
  bool: make<boolean>({ kind: 'bool' }),
  int32: make<number>({ kind: 'int32' }),
  /** bigint in TypeScript, text in JSON and GraphQL. */
  int64: make<bigint>({ kind: 'int64' }),
  float32: make<number>({ kind: 'float32' }),
  float64: make<number>({ kind: 'float64' }),
  string: make<string>({ kind: 'string' }),
  /** ISO 8601 (without a zone: UTC) or epoch milliseconds. */
  timestamp: make<number>({ kind: 'timestamp' }),
  /** A timestamp that files write as seconds since 1970, whole or with a fraction. */
  epochSeconds: make<number>({ kind: 'timestamp' }, false, { kind: 'epochSeconds' }),
  enum: <const V extends readonly [string, ...string[]]>(...values: V) => make<V[number]>({ kind: 'enum', values: [...values] }),
  array: <T>(of: Type<T>): ArrayType<NonNullable<T>> => {
    const type: FieldType = { kind: 'array', of: of.type as ElementType };
    return Object.freeze({
      ...make<readonly NonNullable<T>[]>(type),
      separatedBy: (by: string) => make<readonly NonNullable<T>[]>(type, false, { kind: 'separated', by }),
    });
  },
});
