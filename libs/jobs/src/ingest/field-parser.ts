import { formatType, isGranaryError, parseInstant, parseValue, type ElementType, type FieldType, type SourceField, type Value } from '@granary/contracts';
import { parseJson } from './json.js';
import type { Notation } from './raw-row.js';

/** The typed value, null, or undefined where the raw value is none of the field's type. */
export type FieldParser = (raw: unknown) => Value | null | undefined;

/** How each row's value of a field is read: compiled once per source and notation. */
export function createFieldParser(field: SourceField, notation: Notation): FieldParser {
  const parse = createValueParser(field, notation);
  return (raw) => {
    if (isMissing(field, notation, raw)) return field.nullable ? null : undefined;
    try {
      return parse(raw);
    } catch (error) {
      if (isGranaryError(error)) return undefined;
      throw error;
    }
  };
}

/**
 * Nothing is there: null, undefined, and in text that which is empty, unless empty text is a value of this very field
 * (a string that can't be null; no elements, where a separator is declared and the field can't be null).
 */
export function isMissing(field: SourceField, notation: Notation, raw: unknown): boolean {
  if (raw === undefined || raw === null) return true;
  if (notation !== 'text' || raw !== '') return false;
  return field.nullable || (field.type.kind !== 'string' && field.encoding?.kind !== 'separated');
}

function createValueParser(field: SourceField, notation: Notation): FieldParser {
  const { type, encoding } = field;
  if (encoding?.kind === 'epochSeconds' && type.kind === 'timestamp') return fromEpochSeconds;
  const plain = createPlainParser(type, notation);
  if (encoding?.kind === 'separated' && type.kind === 'array') {
    // Separated elements are text, also where the file around them has types.
    const elements = createPlainParser(type, 'text');
    return (raw) => (typeof raw !== 'string' ? plain(raw) : elements(raw === '' ? [] : raw.split(encoding.by)));
  }
  if (type.kind === 'array' && notation === 'text') {
    const json = createPlainParser(type, 'json');
    return (raw) => fromJsonText(json, raw);
  }
  return plain;
}

function createPlainParser(type: FieldType, notation: Notation): FieldParser {
  const element = type.kind === 'array' ? type.of.kind : type.kind;
  const check = element === 'float32' ? isFiniteFloat32 : element === 'string' && notation !== 'text' ? isWellFormed : null;
  const prepare = createPreparation(type.kind === 'array' || type.kind === 'map' ? type.of : type, notation);
  return (raw) => {
    const prepared = prepare === null ? raw : Array.isArray(raw) ? raw.map(prepare) : prepare(raw);
    const value = parseValue(type, prepared);
    if (check === null) return value;
    return (Array.isArray(value) ? value.every(check) : check(value)) ? value : undefined;
  };
}

/** What is done to a raw value or element before it is read; null for nothing. */
function createPreparation(type: ElementType, notation: Notation): ((raw: unknown) => unknown) | null {
  if (notation !== 'text') return type.kind === 'float32' || type.kind === 'float64' ? (raw) => asFloat(raw, notation) : null;
  if (type.kind === 'bool') return (raw) => (typeof raw === 'string' ? raw.trim().toLowerCase() : raw);
  // A declared value may have spaces around it.
  if (type.kind === 'enum') return (raw) => (typeof raw === 'string' && !type.values.includes(raw) ? raw.trim() : raw);
  return null;
}

/** In JSON all numbers are decimal text, and a float is the nearest double; an int64 column must fit its float field exactly. */
function asFloat(raw: unknown, notation: Notation): unknown {
  if (typeof raw !== 'bigint') return raw;
  const number = Number(raw);
  return notation === 'json' || BigInt(number) === raw ? number : undefined;
}

/** A double beyond float32's range rounds to infinity. */
function isFiniteFloat32(value: unknown): boolean {
  return Number.isFinite(value);
}

const LONE_SURROGATE = /\p{Surrogate}/u;

/** JSON can escape half a character ("\ud800"), which no store of UTF-8 gives back. */
function isWellFormed(value: unknown): boolean {
  return !LONE_SURROGATE.test(value as string);
}

function fromJsonText(parse: FieldParser, raw: unknown): Value | null | undefined {
  try {
    return parse(parseJson(raw as string));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const WHOLE = /^\d{1,12}$/;
const SECONDS = /^([+-]?)(\d+)(?:\.(\d*))?$/;

/** Whole or fractional seconds, as a number or as text, to milliseconds; finer fractions are cut off. */
function fromEpochSeconds(raw: unknown): Value | undefined {
  // Parquet's timestamp columns are instants already.
  if (raw instanceof Date) return parseInstant(raw);
  if (typeof raw !== 'number' && typeof raw !== 'bigint' && typeof raw !== 'string') return undefined;
  if (typeof raw === 'string' ? WHOLE.test(raw) : Number.isInteger(raw)) return parseInstant(Number(raw) * 1000);
  // By digits: 1.001 * 1000 is 1000.9999999999999.
  const match = SECONDS.exec(typeof raw === 'string' ? raw.trim() : String(raw));
  if (!match) return undefined;
  const [, sign, whole, fraction = ''] = match;
  const ms = Number(whole) * 1000 + Number(fraction.padEnd(3, '0').slice(0, 3));
  const finer = /[1-9]/.test(fraction.slice(3));
  return parseInstant(sign === '-' ? -ms - (finer ? 1 : 0) : ms);
}

/** What a field wants, as it reads in messages. */
export function describeField(field: SourceField): string {
  if (field.encoding?.kind === 'epochSeconds') return 'timestamp in epoch seconds';
  const type = formatType(field.type);
  return field.encoding?.kind === 'separated' ? `${type} separated by ${JSON.stringify(field.encoding.by)}` : type;
}
