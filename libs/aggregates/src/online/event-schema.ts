import type { Expression, FieldType, SourceField, Value } from '@granary/contracts';

/** What is kept of an event for the features of a view; the entity's keys are in the key of its row. */
export interface EventSchema {
  /** Each `where` and predicate of the features once. */
  readonly conditions: readonly EventCondition[];
  /** Each field that a feature reads once, in the order of the features. */
  readonly columns: readonly SourceField[];
  /** Whether the source says when an event became known; otherwise it did at its event time. */
  readonly knownAt: boolean;
}

/** What a condition says of an event is kept in a byte: of a `where` 0 false or null, 1 true; of a `predicate` 0 null, 1 true, 2 false. */
export interface EventCondition {
  readonly kind: 'where' | 'predicate';
  readonly expression: Expression;
}

/** Events by columns, ascending by (time, known, sequence). The arrays may have room for more than `count`. */
export interface EventColumns {
  readonly count: number;
  /** Event times, epoch milliseconds. */
  readonly times: Float64Array;
  /** Null where the schema has no `knownAt`: each was known at its event time. */
  readonly known: Float64Array | null;
  /** When the next version of the event became known, Infinity: there is none. Null with `known`. */
  readonly until: Float64Array | null;
  /** In the order of the schema's conditions. */
  readonly conditions: readonly Uint8Array[];
  /** In the order of the schema's columns. */
  readonly columns: readonly EventColumn[];
}

export interface EventColumn {
  /** 1: null, and what stands in `values` means nothing. Null: the field is not nullable. */
  readonly nulls: Uint8Array | null;
  readonly values: ColumnValues;
  /** Room for its values as doubles, for who folds them. Absent: it makes some. */
  readonly scratch?: Float64Array;
}

/**
 * A field's values: int32 Int32Array, int64 BigInt64Array, float32 Float32Array, float64 and timestamp Float64Array, bool
 * Uint8Array of 0 and 1, enum Uint16Array of positions in the type's list. A plain array of values for the others.
 */
export type ColumnValues = FixedValues | (Value | null)[];
export type FixedValues = Int32Array | BigInt64Array | Float32Array | Float64Array | Uint8Array | Uint16Array;

/** An event that came after the base. */
export interface TailEvent {
  readonly sequence: number;
  readonly time: number;
  /** The event time where the schema has no `knownAt`. */
  readonly known: number;
  /** A byte each, in the order of the schema's conditions. */
  readonly conditions: readonly number[];
  /** In the order of the schema's columns; an enum's as its text. */
  readonly values: readonly (Value | null)[];
}

/** Room for the values of `count` events. */
export function columnValues({ kind }: FieldType, count: number): ColumnValues {
  const FixedArray = ARRAYS[kind];
  return FixedArray === undefined ? new Array<Value | null>(count).fill(null) : new FixedArray(new ArrayBuffer(count * FixedArray.BYTES_PER_ELEMENT), 0, count);
}

/** Room for `count` events; of 0 the log of an entity without any. One piece of memory, for many small ones take longer than to fill them. */
export function eventColumns({ conditions, columns, knownAt }: EventSchema, count: number): EventColumns {
  const wide = 8 * Math.ceil(count / 8);
  const bytes = columns.reduce((sum, { type, nullable }) => sum + wide * ((ARRAYS[type.kind]?.BYTES_PER_ELEMENT ?? 0) + (nullable ? 1 : 0)), wide * (conditions.length + (knownAt ? 24 : 8)));
  const buffer = new ArrayBuffer(bytes);
  let end = 0;
  // Each array begins at a multiple of 8, where doubles must.
  const place = (width: number): number => (end += wide * width) - wide * width;
  const doubles = (): Float64Array => new Float64Array(buffer, place(8), count);
  const flags = (): Uint8Array => new Uint8Array(buffer, place(1), count);
  return {
    count,
    times: doubles(),
    known: knownAt ? doubles() : null,
    until: knownAt ? doubles().fill(Infinity) : null,
    conditions: conditions.map(flags),
    columns: columns.map(({ type, nullable }) => ({ nulls: nullable ? flags() : null, values: valuesOf(type) })),
  };

  function valuesOf(type: FieldType): ColumnValues {
    const FixedArray = ARRAYS[type.kind];
    return FixedArray === undefined ? columnValues(type, count) : new FixedArray(buffer, place(FixedArray.BYTES_PER_ELEMENT), count);
  }
}

const ARRAYS: Readonly<Partial<Record<FieldType['kind'], FixedArray>>> = {
  int32: Int32Array,
  int64: BigInt64Array,
  float32: Float32Array,
  float64: Float64Array,
  timestamp: Float64Array,
  bool: Uint8Array,
  enum: Uint16Array,
};

interface FixedArray {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, at: number, count: number): FixedValues;
}
