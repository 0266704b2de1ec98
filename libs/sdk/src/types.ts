import type { ElementType, FieldType, SourceField } from '@granary/contracts';
import type { ArrayOf, ElementKind, EnumOf, Kind, ValueFor } from './kinds.js';

declare const KIND: unique symbol;

/** A field's type: its kind, and null where it is nullable. */
export interface Type<K extends Kind = Kind, N extends null = null> {
  readonly type: FieldType;
  readonly isNullable: boolean;
  readonly encoding?: NonNullable<SourceField['encoding']>;
  /** Null or an empty cell is a value, not a mistake. */
  nullable(): Type<K, null>;
  /** Never there at run time: carries K and N. */
  readonly [KIND]?: readonly [K, N];
}

/** An array; in text files its elements may be separated by a character. */
export interface ArrayType<K extends ElementKind> extends Type<ArrayOf<K>, never> {
  /** In CSV: `Adventure|Comedy` with `separatedBy('|')`. */
  separatedBy(separator: string): Type<ArrayOf<K>, never>;
}

export type KindOf<Y> = Y extends Type<infer K, infer _N> ? K : never;
/** A field's TypeScript type: int64 is bigint, a timestamp is epoch milliseconds; null when nullable. */
export type ValueOf<Y> = Y extends Type<infer K, infer N> ? ValueFor<K> | N : never;

type Encoding = NonNullable<SourceField['encoding']>;

/** A type of a kind that the caller vouches for. */
export function makeType<K extends Kind, N extends null = never>(type: FieldType, isNullable = false, encoding?: Encoding): Type<K, N> {
  return Object.freeze({
    type: Object.freeze(type),
    isNullable,
    ...(encoding === undefined ? {} : { encoding }),
    nullable: () => makeType<K, null>(type, true, encoding),
  });
}

/** The types of fields, keys and request values. */
export const t = Object.freeze({
  bool: makeType<'bool'>({ kind: 'bool' }),
  int32: makeType<'int32'>({ kind: 'int32' }),
  /** bigint in TypeScript, text in JSON and GraphQL. */
  int64: makeType<'int64'>({ kind: 'int64' }),
  float32: makeType<'float32'>({ kind: 'float32' }),
  float64: makeType<'float64'>({ kind: 'float64' }),
  string: makeType<'string'>({ kind: 'string' }),
  /** ISO 8601 (without a zone: UTC) or epoch milliseconds. */
  timestamp: makeType<'timestamp'>({ kind: 'timestamp' }),
  /** A timestamp that files write as seconds since 1970, whole or with a fraction. */
  epochSeconds: makeType<'timestamp'>({ kind: 'timestamp' }, false, { kind: 'epochSeconds' }),
  enum: <const V extends readonly [string, ...string[]]>(...values: V) => makeType<EnumOf<V[number]>>({ kind: 'enum', values: [...values] }),
  array: <K extends ElementKind>(of: Type<K>): ArrayType<K> => {
    const type: FieldType = { kind: 'array', of: of.type as ElementType };
    return Object.freeze({
      ...makeType<ArrayOf<K>>(type),
      separatedBy: (by: string) => makeType<ArrayOf<K>>(type, false, { kind: 'separated', by }),
    });
  },
});
