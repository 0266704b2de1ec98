import type { ScalarKind } from '@granary/contracts';

export type IntegerKind = 'int32' | 'int64';
export type NumericKind = IntegerKind | 'float32' | 'float64';

/** An enum of these values. */
export interface EnumOf<V extends string> {
  readonly enum: V;
}
export interface ArrayOf<K> {
  readonly array: K;
}
/** Text to values. */
export interface MapOf<K> {
  readonly map: K;
}

export type TextKind = 'string' | EnumOf<string>;
/** What a single value is. */
export type ElementKind = ScalarKind | EnumOf<string>;
/** What a field or feature is, for the compiler: `'int64'`, `EnumOf<'view' | 'cart'>`, `ArrayOf<'string'>`. */
export type Kind = ElementKind | ArrayOf<ElementKind> | MapOf<ScalarKind>;
/** Kinds by name. */
export type Kinds = Readonly<Record<string, Kind>>;

/** The TypeScript type of a value: int64 is bigint, a timestamp is epoch milliseconds, a map is a record. */
export type ValueFor<K> = K extends 'bool'
  ? boolean
  : K extends 'int64'
    ? bigint
    : K extends 'string'
      ? string
      : K extends NumericKind | 'timestamp'
        ? number
        : K extends EnumOf<infer V>
          ? V
          : K extends ArrayOf<infer E>
            ? readonly ValueFor<E>[]
            : K extends MapOf<infer E>
              ? Readonly<Record<string, ValueFor<E>>>
              : never;

/** The kind of arithmetic on numbers of these kinds. */
export type Arithmetic<K> = [K] extends [IntegerKind] ? 'int64' : 'float64';

/** The one kind of values that may be of any of these. */
export type Choice<K> = [K] extends ['bool' | 'timestamp' | 'int32' | 'int64' | 'float32']
  ? IsUnion<K> extends true
    ? NumberChoice<K>
    : K
  : NumberChoice<K>;
type NumberChoice<K> = [K] extends [IntegerKind] ? 'int64' : [K] extends [NumericKind] ? 'float64' : TextChoice<K>;
type TextChoice<K> = [K] extends [EnumOf<infer V>] ? EnumOf<V> : [K] extends [TextKind] ? 'string' : never;
type IsUnion<K, All = K> = K extends unknown ? ([All] extends [K] ? false : true) : never;

/** All members of a union of records in one. */
export type Merge<U> = (U extends unknown ? (part: U) => void : never) extends (part: infer I) => void ? { readonly [K in keyof I]: I[K] } : never;
