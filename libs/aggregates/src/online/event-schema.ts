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

/** Events by columns, ascending by (time, known, sequence). */
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
export function columnValues(type: FieldType, count: number): ColumnValues {
  switch (type.kind) {
    case 'int32':
      return new Int32Array(count);
    case 'int64':
      return new BigInt64Array(count);
    case 'float32':
      return new Float32Array(count);
    case 'float64':
    case 'timestamp':
      return new Float64Array(count);
    case 'bool':
      return new Uint8Array(count);
    case 'enum':
      return new Uint16Array(count);
    default:
      return new Array<Value | null>(count).fill(null);
  }
}

/** Room for `count` events; of 0 the log of an entity without any. */
export function eventColumns({ conditions, columns, knownAt }: EventSchema, count: number): EventColumns {
  return {
    count,
    times: new Float64Array(count),
    known: knownAt ? new Float64Array(count) : null,
    until: knownAt ? new Float64Array(count).fill(Infinity) : null,
    conditions: conditions.map(() => new Uint8Array(count)),
    columns: columns.map(({ type, nullable }) => ({ nulls: nullable ? new Uint8Array(count) : null, values: columnValues(type, count) })),
  };
}
