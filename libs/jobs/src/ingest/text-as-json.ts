import { toJson, type Source } from '@granary/contracts';
import { stringify } from 'lossless-json';
import { createFieldParser, isMissing } from './field-parser.js';

/**
 * Compiles a source into what makes JSON of a row of texts, for its quarantine: an object that can be mended and read again. A
 * field that is as declared is its value, another one the text that it was.
 */
export function createTextToJson({ fields }: Pick<Source, 'fields'>): (values: readonly unknown[]) => string {
  const parsers = fields.map((field) => createFieldParser(field, 'text'));
  const jsonOf = (i: number, raw: unknown): unknown => {
    const field = fields[i]!;
    if (isMissing(field, 'text', raw)) return null;
    const value = field.encoding === undefined ? parsers[i]!(raw) : undefined;
    return value === undefined || value === null ? raw : toJson(field.type, value);
  };
  return (values) => stringify(Object.fromEntries(fields.map(({ name }, i) => [name, jsonOf(i, values[i])])))!;
}
