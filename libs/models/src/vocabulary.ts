import { GranaryError, type Value } from '@granary/contracts';

/** Ids in order of index, and the way back. Ids of different types never meet: 1, 1n and '1' are three. */
export interface Vocabulary {
  readonly keys: readonly Value[];
  /** By key text. */
  readonly index: ReadonlyMap<string, number>;
}

const TAGS = { number: 'n', bigint: 'l', string: 's', boolean: 'b' } as const;
type Scalar = number | bigint | string | boolean;

/** One text per id, injective: `n7`, `l7`, `s7`; the parts of a composite id carry their lengths, `al1:1s2:ab`. */
export function keyText(value: Value): string {
  if (typeof value !== 'object') return TAGS[typeof value as keyof typeof TAGS] + String(value);
  let text = 'a';
  for (const part of value as readonly Scalar[]) {
    const shown = String(part);
    text += `${TAGS[typeof part as keyof typeof TAGS]}${shown.length}:${shown}`;
  }
  return text;
}

/** The id that `keyText` wrote. Throws ARTIFACT_CORRUPT on any other text. */
export function parseKeyText(text: string): Value {
  if (!text.startsWith('a')) return parseScalar(text[0] ?? '', text.slice(1));
  const parts: Scalar[] = [];
  for (let at = 1; at < text.length; ) {
    const colon = text.indexOf(':', at);
    const length = Number(text.slice(at + 1, colon));
    if (colon < 0 || !Number.isInteger(length) || colon + 1 + length > text.length) throw unreadable(text);
    parts.push(parseScalar(text[at]!, text.slice(colon + 1, colon + 1 + length)));
    at = colon + 1 + length;
  }
  return parts;
}

function parseScalar(tag: string, text: string): Scalar {
  if (tag === 'n') return Number(text);
  if (tag === 'l') return BigInt(text);
  if (tag === 's') return text;
  if (tag === 'b') return text === 'true';
  throw unreadable(tag + text);
}

function unreadable(text: string): GranaryError {
  return new GranaryError('ARTIFACT_CORRUPT', `No id can be read from ${JSON.stringify(text)}`, { todo: 'Train the model again.' });
}

/** Numbers ids in the order of first occurrence. */
export function encodeIds(values: readonly Value[]): { vocabulary: Vocabulary; codes: Int32Array } {
  const keys: Value[] = [];
  const index = new Map<string, number>();
  const codes = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const text = keyText(values[i]!);
    let code = index.get(text);
    if (code === undefined) {
      code = keys.length;
      index.set(text, code);
      keys.push(values[i]!);
    }
    codes[i] = code;
  }
  return { vocabulary: Object.freeze({ keys, index }), codes };
}

/** A vocabulary of distinct ids in the order given. */
export function createVocabulary(keys: readonly Value[]): Vocabulary {
  const { vocabulary } = encodeIds(keys);
  if (vocabulary.keys.length !== keys.length) throw new Error('The ids of a vocabulary must be distinct');
  return vocabulary;
}

/** The index of an id, −1 when it was never seen. */
export function indexOf(vocabulary: Vocabulary, value: Value): number {
  return vocabulary.index.get(keyText(value)) ?? -1;
}
