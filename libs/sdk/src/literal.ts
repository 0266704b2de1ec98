import { GranaryError, parseInstant, type FieldType, type Literal } from '@granary/contracts';

/** A value as users write it in a declaration. */
export type Plain = boolean | number | bigint | string;

const INT32 = 2 ** 31;
const INT64 = 2n ** 63n;

/** A literal of exactly this type; whether the value is one, validation says. */
export function literal(type: FieldType, value: unknown): Literal {
  // A float32 field never holds 0.1: what it is compared to is rounded alike, offline and online.
  if (type.kind === 'float32' && typeof value === 'number') return { kind: 'literal', type, value: Math.fround(value) };
  return { kind: 'literal', type, value: typeof value === 'bigint' ? String(value) : (value as Literal['value']) };
}

/** The literal that a value is compared with one of `type`: of the same type, wherever it is a value of it. */
export function compared(type: FieldType, value: Plain): Literal {
  if (typeof value === 'number' || typeof value === 'bigint') {
    if (type.kind === 'int32' && isInt32(value)) return literal(type, Number(value));
    if (type.kind === 'int64' && (typeof value === 'bigint' || Number.isSafeInteger(value))) return literal(type, checkedInt64(BigInt(value)));
    if (type.kind === 'float32' && typeof value === 'number') return literal(type, finite(value));
  }
  return type.kind === 'enum' && typeof value === 'string' ? literal(type, value) : beside(type, value);
}

/**
 * The literal that a value is next to one of `type` in arithmetic, or as the other choice: a number is a float64 and a
 * bigint an int64, a text beside an enum that has it is one of it, and an instant beside a timestamp a timestamp.
 */
export function beside(type: FieldType | undefined, value: Plain): Literal {
  switch (typeof value) {
    case 'boolean':
      return literal({ kind: 'bool' }, value);
    case 'bigint':
      return literal({ kind: 'int64' }, checkedInt64(value));
    case 'number':
      return type?.kind === 'timestamp' ? literal(type, parseInstant(value)) : literal({ kind: 'float64' }, finite(value));
    case 'string':
      if (type?.kind === 'timestamp') return literal(type, parseInstant(value));
      return literal(type?.kind === 'enum' && type.values.includes(value) ? type : { kind: 'string' }, value);
    default:
      throw new GranaryError('DEFINITION_INVALID', `${String(value)} is no value of an expression`, { todo: 'Give a number, bigint, text, bool, or another expression.' });
  }
}

function isInt32(value: number | bigint): boolean {
  return Number.isInteger(Number(value)) && Number(value) >= -INT32 && Number(value) < INT32;
}

function checkedInt64(value: bigint): bigint {
  if (value >= -INT64 && value < INT64) return value;
  throw new GranaryError('DEFINITION_INVALID', `${value} is beyond int64`, { todo: 'Give a smaller integer, or a plain number, which is a float64.' });
}

function finite(value: number): number {
  if (Number.isFinite(value)) return value;
  throw new GranaryError('DEFINITION_INVALID', `${value} is no number that an expression can hold`, { todo: 'Give a finite number.' });
}
