import { parse as parseLossless } from 'lossless-json';

/** A record's values in the order of the names; own properties only, so that a field may be called `constructor`. */
export function valuesOf(names: readonly string[], record: Readonly<Record<string, unknown>>): readonly unknown[] {
  return names.map((name) => (Object.hasOwn(record, name) ? record[name] : undefined));
}

// A whole number of 16 digits or more, the least that a double may round: not the fraction of a decimal, not one with a fraction.
const LONG_INTEGER = /[:,[\s]-?\d{16,}(?![\d.eE])/;
const INTEGER = /^-?\d+$/;

/** JSON in which whole numbers that a double would round are read as bigint. Throws SyntaxError. */
export function parseJson(text: string): unknown {
  return LONG_INTEGER.test(text) ? parseLossless(text, undefined, LOSSLESS) : (JSON.parse(text) as unknown);
}

function exactNumber(text: string): number | bigint {
  const number = Number(text);
  return INTEGER.test(text) && !Number.isSafeInteger(number) ? BigInt(text) : number;
}

// Of a key that stands twice the last one counts, as in JSON.parse: what a row means must not depend on how long its numbers are.
const LOSSLESS = { parseNumber: exactNumber, onDuplicateKey: ({ newValue }: { newValue: unknown }): unknown => newValue };
