import { parse as parseLossless } from 'lossless-json';

/** A record's values in the order of the names; own properties only, so that a field may be called `constructor`. */
export function valuesOf(names: readonly string[], record: Readonly<Record<string, unknown>>): readonly unknown[] {
  return names.map((name) => (Object.hasOwn(record, name) ? record[name] : undefined));
}

// A whole number of 16 digits or more, the least that a double may round: not the fraction of a decimal, not one with a fraction.
const LONG_INTEGER = /[:,[\s]-?\d{16,}(?![\d.eE])/;
const INTEGER = /^-?\d+$/;

// JSON.parse reads any depth, but all that walks or writes the value afterwards recurses: some thousand levels exhaust the stack.
const MAX_LEVELS = 100;

/** JSON whose arrays and objects are nested deeper than is taken. */
export class TooDeep extends SyntaxError {
  constructor() {
    super(`nested deeper than ${MAX_LEVELS} levels`);
  }
}

/** JSON in which whole numbers that a double would round are read as bigint. Throws SyntaxError (TooDeep where it is nested beyond 100 levels). */
export function parseJson(text: string): unknown {
  const value = JSON.parse(text) as unknown;
  // A level takes two characters: most rows are too short to be looked through.
  if (text.length > 2 * MAX_LEVELS && isDeeper(value, MAX_LEVELS)) throw new TooDeep();
  return LONG_INTEGER.test(text) ? parseLossless(text, undefined, LOSSLESS) : value;
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((each) => isDeeper(each, levels - 1));
}

/** What is wrong with a row that `parseJson` throws for; `mistake`: without the row's own text. */
export function jsonFault(error: unknown): { readonly reason: string; readonly mistake: string } {
  const { message } = error as Error;
  return error instanceof TooDeep ? { reason: message, mistake: message } : { reason: `not JSON (${message})`, mistake: 'not JSON' };
}

/** The texts of the elements of an array, of anything else its own; `text` must be JSON, of any depth. */
export function elementTexts(text: string): readonly string[] {
  if (!text.trimStart().startsWith('[')) return [text];
  const texts: string[] = [];
  let from = 0;
  let level = 0;
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i]!;
    if (char === '"') i = endOfString(text, i);
    else if (char === '[' || char === '{') level += 1;
    else if (char === ']' || char === '}') level -= 1;
    if (char === '[' && level === 1) from = i + 1;
    else if (level === 0 ? char === ']' : level === 1 && char === ',') {
      texts.push(text.slice(from, i).trim());
      from = i + 1;
    }
  }
  return texts;
}

/** Where the string that begins at `at` ends: its closing quote. */
function endOfString(text: string, at: number): number {
  let end = at + 1;
  while (text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
  return end;
}

function exactNumber(text: string): number | bigint {
  const number = Number(text);
  return INTEGER.test(text) && !Number.isSafeInteger(number) ? BigInt(text) : number;
}

// Of a key that stands twice the last one counts, as in JSON.parse: what a row means must not depend on how long its numbers are.
const LOSSLESS = { parseNumber: exactNumber, onDuplicateKey: ({ newValue }: { newValue: unknown }): unknown => newValue };
