import { GranaryError } from './errors.js';
import { INSTANT_BOUNDS, isBeyondInstants, parseInstant, quote } from './time.js';
import { formatType, type ElementType, type FieldType, type Scalar, type Value, type ValueMap } from './types.js';

const INT32 = [-2147483648, 2147483647] as const;
const INT64 = [-(2n ** 63n), 2n ** 63n - 1n] as const;
const INTEGER = /^[+-]?\d+$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/**
 * Reads one non-null value of a declared type, from JSON or from text. Strict: 1.5 is no int32, '1' no string's business
 * to become true, and an int64 given as a number must be one that a double holds exactly.
 * Throws INVALID_VALUE (or INVALID_TIMESTAMP), naming the value and the type.
 */
export function parseValue(type: FieldType, value: unknown): Value {
  if (type.kind === 'array') {
    if (!Array.isArray(value)) throw invalid(type, value);
    return value.map((element) => parseElement(type.of, element));
  }
  if (type.kind === 'map') {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(type, value);
    return valueMap(Object.entries(value).map(([key, entry]) => [key, parseElement(type.of, entry)]));
  }
  return parseElement(type, value);
}

/** A map without a prototype, in the order of its entries. */
export function valueMap(entries: Iterable<readonly [string, Scalar]>): ValueMap {
  const map: Record<string, Scalar> = Object.create(null) as Record<string, Scalar>;
  for (const [key, value] of entries) map[key] = value;
  return map;
}

function parseElement(type: ElementType, value: unknown): boolean | number | bigint | string {
  switch (type.kind) {
    case 'bool':
      return parseBool(type, value);
    case 'int32': {
      const number = typeof value === 'string' && INTEGER.test(value.trim()) ? Number(value) : value;
      const plain = typeof number === 'bigint' ? Number(number) : number;
      if (typeof plain !== 'number' || !Number.isInteger(plain) || plain < INT32[0] || plain > INT32[1]) throw invalid(type, value);
      return plain;
    }
    case 'int64':
      return parseInt64(type, value);
    case 'float32':
    case 'float64': {
      const number = typeof value === 'string' && NUMBER.test(value.trim()) ? Number(value) : value;
      const stored = typeof number === 'number' && type.kind === 'float32' ? Math.fround(number) : number;
      if (typeof stored !== 'number' || !Number.isFinite(stored)) throw invalid(type, value);
      return stored;
    }
    case 'string':
      if (typeof value !== 'string') throw invalid(type, value);
      return value;
    case 'enum':
      if (typeof value !== 'string' || !type.values.includes(value)) throw invalid(type, value);
      return value;
    case 'timestamp':
      return parseInstant(value);
  }
}

function parseBool(type: FieldType, value: unknown): boolean {
  if (value === true || value === 'true' || value === 1 || value === '1') return true;
  if (value === false || value === 'false' || value === 0 || value === '0') return false;
  throw invalid(type, value);
}

function parseInt64(type: FieldType, value: unknown): bigint {
  const exact = typeof value === 'number' && Number.isSafeInteger(value);
  const text = typeof value === 'string' && INTEGER.test(value.trim());
  if (!exact && !text && typeof value !== 'bigint') throw invalid(type, value);
  const integer = BigInt(value as string | number | bigint);
  if (integer < INT64[0] || integer > INT64[1]) throw invalid(type, value);
  return integer;
}

function invalid(type: FieldType, value: unknown): GranaryError {
  const shown = quote(value);
  return new GranaryError('INVALID_VALUE', `${shown.length > 80 ? `${shown.slice(0, 80)}…` : shown} ${misfit(type, value)}`, {
    todo: `Give a value of type ${formatType(type)}.`,
  });
}

/** Why a value that was refused is none of a type: `is not int32`, `is beyond int32 (-2147483648 to 2147483647)`. */
export function misfit(type: FieldType, value: unknown): string {
  const bounds = brokenBounds(type, value);
  return bounds === null ? `is not ${formatType(type)}` : `is beyond ${formatType(type)} (${bounds})`;
}

const MAX_FLOAT = { float32: 3.4028234663852886e38, float64: Number.MAX_VALUE } as const;

/** The bounds of a type that a value is outside of, but would be one otherwise; null: it is something else. */
function brokenBounds(type: FieldType, value: unknown): string | null {
  switch (type.kind) {
    case 'int32':
    case 'int64': {
      const [least, most] = type.kind === 'int32' ? INT32 : INT64;
      const whole = typeof value === 'bigint' || Number.isInteger(value) || (typeof value === 'string' && INTEGER.test(value.trim()));
      if (!whole) return null;
      const integer = BigInt(value as string | number | bigint);
      return integer < least || integer > most ? `${least} to ${most}` : null;
    }
    case 'float32':
    case 'float64': {
      const number = typeof value === 'string' && NUMBER.test(value.trim()) ? Number(value) : value;
      return typeof number === 'number' && Math.abs(number) > MAX_FLOAT[type.kind] ? `-${MAX_FLOAT[type.kind]} to ${MAX_FLOAT[type.kind]}` : null;
    }
    case 'timestamp':
      return isBeyondInstants(value) ? INSTANT_BOUNDS : null;
    default:
      return null;
  }
}

/** A value as JSON: int64 as decimal text, timestamps as ISO text, the rest as they are. */
export function toJson(type: FieldType, value: Value | null): boolean | number | string | null | readonly unknown[] | Readonly<Record<string, unknown>> {
  if (value === null) return null;
  if (type.kind === 'array') return (value as readonly Value[]).map((element) => toJson(type.of, element));
  if (type.kind === 'map') return Object.fromEntries(Object.entries(value as ValueMap).map(([key, entry]) => [key, toJson(type.of, entry)]));
  if (type.kind === 'int64') return String(value);
  if (type.kind === 'timestamp') return new Date(value as number).toISOString();
  return value as boolean | number | string;
}
