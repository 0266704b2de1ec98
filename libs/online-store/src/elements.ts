import { formatType, GranaryError, type ElementType, type FieldType, type Scalar, type Value } from '@granary/contracts';

/** How one element of fixed width lies in a row: little-endian, unaligned. `write` throws INVALID_VALUE. */
export interface FixedCodec {
  readonly width: number;
  write(view: DataView, at: number, value: unknown): void;
  read(view: DataView, at: number): Scalar;
}

const INT64 = [-(2n ** 63n), 2n ** 63n - 1n] as const;

/** Null for strings, the only elements of variable width. */
export function fixedCodec(type: ElementType): FixedCodec | null {
  switch (type.kind) {
    case 'bool':
      return fixed(1, (v): v is boolean => typeof v === 'boolean', (view, at, v) => view.setUint8(at, v ? 1 : 0), (view, at) => view.getUint8(at) === 1);
    case 'int32':
      return fixed(4, (v): v is number => typeof v === 'number' && (v | 0) === v, (view, at, v) => view.setInt32(at, v, true), (view, at) => view.getInt32(at, true));
    case 'int64':
      return fixed(8, isInt64, (view, at, v) => view.setBigInt64(at, v, true), (view, at) => view.getBigInt64(at, true));
    case 'float32':
      return fixed(4, isNumber, (view, at, v) => view.setFloat32(at, v, true), (view, at) => view.getFloat32(at, true));
    case 'float64':
      return fixed(8, isNumber, (view, at, v) => view.setFloat64(at, v, true), (view, at) => view.getFloat64(at, true));
    case 'timestamp':
      // Instants are safe integers, so a double holds them exactly and needs no BigInt on the way out.
      return fixed(8, (v): v is number => Number.isSafeInteger(v), (view, at, v) => view.setFloat64(at, v, true), (view, at) => view.getFloat64(at, true));
    case 'enum':
      return enumCodec(type.values);
    case 'string':
      return null;
  }

  function fixed<T extends Scalar>(
    width: number,
    accepts: (value: unknown) => value is T,
    set: (view: DataView, at: number, value: T) => void,
    read: (view: DataView, at: number) => T,
  ): FixedCodec {
    const write = (view: DataView, at: number, value: unknown) => {
      if (!accepts(value)) throw invalidValue(type, value);
      set(view, at, value);
    };
    return { width, write, read };
  }

  /** The position in the declared list: a view's version covers the list and its order. */
  function enumCodec(values: readonly string[]): FixedCodec {
    if (values.length > 0xffff) throw new Error(`an enum of ${values.length} values: a row holds at most 65535`);
    const positions = new Map(values.map((value, position) => [value, position]));
    return {
      width: 2,
      write(view, at, value) {
        const position = positions.get(value as string);
        if (position === undefined) throw invalidValue(type, value);
        view.setUint16(at, position, true);
      },
      read(view, at) {
        const value = values[view.getUint16(at, true)];
        if (value === undefined) throw corruptRow(`it holds value ${view.getUint16(at, true)} of an enum of ${values.length}`);
        return value;
      },
    };
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function isInt64(value: unknown): value is bigint {
  return typeof value === 'bigint' && value >= INT64[0] && value <= INT64[1];
}

export function invalidValue(type: FieldType, value: unknown): GranaryError {
  const shown = typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value as Value) ?? String(value));
  return new GranaryError('INVALID_VALUE', `${shown.length > 80 ? `${shown.slice(0, 80)}…` : shown} can't be stored as ${formatType(type)}`, {
    todo: `Give a value of type ${formatType(type)}.`,
  });
}

export function corruptRow(reason: string): GranaryError {
  return new GranaryError('ARTIFACT_CORRUPT', `A row of the online store is corrupt: ${reason}`, {
    todo: 'Delete the row (or wipe the online store) and materialise its view again.',
  });
}

/** Says of an error which column it is about. */
export function withColumn<T>(name: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof GranaryError)) throw error;
    throw new GranaryError(error.code, `${name}: ${error.message}`, { ...(error.todo === undefined ? {} : { todo: error.todo }), details: { column: name } });
  }
}

export function mismatch(expected: string, found: string, reason: string): GranaryError {
  return new GranaryError('SCHEMA_MISMATCH', `A row of the online store can't be read as ${expected}: ${reason} (${found})`, {
    todo: 'Materialise the view again, or read it with the version it was written with.',
    details: { expected, found },
  });
}
