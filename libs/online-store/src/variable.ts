import { compareValues } from '@granary/aggregates';
import { valueMap, type ElementType, type FieldType, type Scalar, type Value } from '@granary/contracts';
import { corruptRow, fixedCodec, invalidValue } from './elements.js';
import { isWellFormed } from './text.js';

/** How one value of variable width lies in a row's heap. `encode` throws INVALID_VALUE. */
export interface VariableCodec {
  encode(value: unknown): Buffer;
  /** Reads `bytes[start, end)`; `view` spans the same bytes. */
  decode(bytes: Buffer, view: DataView, start: number, end: number): Value;
}

/** Null for types of fixed width. */
export function variableCodec(type: FieldType): VariableCodec | null {
  if (type.kind === 'string') return { encode: (value) => encodeText(type, value), decode: (bytes, _view, start, end) => bytes.toString('utf8', start, end) };
  if (type.kind === 'map') return mapCodec(type, type.of);
  return type.kind === 'array' ? arrayCodec(type, type.of) : null;
}

function arrayCodec(type: FieldType, of: ElementType): VariableCodec {
  const element = fixedCodec(of);
  return element === null ? textArrayCodec(type, of) : fixedArrayCodec(type, element);
}

/** The elements, one after the other; their number follows from the length. */
function fixedArrayCodec(type: FieldType, element: NonNullable<ReturnType<typeof fixedCodec>>): VariableCodec {
  return {
    encode(value) {
      const elements = asArray(type, value);
      const bytes = Buffer.alloc(elements.length * element.width);
      const view = viewOf(bytes);
      for (let i = 0; i < elements.length; i++) element.write(view, i * element.width, elements[i]);
      return bytes;
    },
    decode(_bytes, view, start, end) {
      if ((end - start) % element.width !== 0) throw corruptRow('an array ends inside an element');
      const elements: Scalar[] = [];
      for (let at = start; at < end; at += element.width) elements.push(element.read(view, at));
      return elements;
    },
  };
}

/** uint32 count, the end of each text relative to the first one (uint32), the texts. */
function textArrayCodec(type: FieldType, of: ElementType): VariableCodec {
  return {
    encode(value) {
      const texts = asArray(type, value).map((text) => encodeText(of, text));
      const head = Buffer.alloc(4 + 4 * texts.length);
      head.writeUInt32LE(texts.length, 0);
      let end = 0;
      texts.forEach((text, i) => head.writeUInt32LE((end += text.length), 4 + 4 * i));
      return Buffer.concat([head, ...texts]);
    },
    decode(bytes, view, start, end) {
      const count = end - start >= 4 ? view.getUint32(start, true) : Infinity;
      const heap = start + 4 + 4 * count;
      if (heap > end) throw corruptRow('an array is longer than its row');
      const texts: string[] = [];
      let from = heap;
      for (let i = 0; i < count; i++) {
        const to = heap + view.getUint32(start + 4 + 4 * i, true);
        if (to < from || to > end) throw corruptRow('a text of an array lies outside of it');
        texts.push(bytes.toString('utf8', from, to));
        from = to;
      }
      if (from !== end) throw corruptRow('an array is shorter than its place');
      return texts;
    },
  };
}

/** uint32 bytes of the keys, the keys as an array of texts, rising by their UTF-8 bytes, the values as an array. */
function mapCodec(type: FieldType, of: ElementType): VariableCodec {
  const keysCodec = textArrayCodec(type, { kind: 'string' });
  const valuesCodec = arrayCodec({ kind: 'array', of }, of);
  return {
    encode(value) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidValue(type, value);
      const entries = Object.entries(value).sort(([a], [b]) => compareValues(a, b));
      const keys = keysCodec.encode(entries.map(([key]) => key));
      const head = Buffer.alloc(4);
      head.writeUInt32LE(keys.length, 0);
      return Buffer.concat([head, keys, valuesCodec.encode(entries.map(([, entry]) => entry as unknown))]);
    },
    decode(bytes, view, start, end) {
      const split = end - start >= 4 ? start + 4 + view.getUint32(start, true) : Infinity;
      if (split > end) throw corruptRow('the keys of a map are longer than it');
      const keys = keysCodec.decode(bytes, view, start + 4, split) as readonly string[];
      const values = valuesCodec.decode(bytes, view, split, end) as readonly Scalar[];
      if (keys.length !== values.length) throw corruptRow(`a map has ${keys.length} keys and ${values.length} values`);
      if (keys.some((key, i) => i > 0 && compareValues(keys[i - 1]!, key) >= 0)) throw corruptRow('the keys of a map do not rise');
      return valueMap(keys.map((key, i) => [key, values[i]!]));
    },
  };
}

function encodeText(type: FieldType, value: unknown): Buffer {
  if (typeof value !== 'string' || !isWellFormed(value)) throw invalidValue(type, value);
  return Buffer.from(value, 'utf8');
}

function asArray(type: FieldType, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw invalidValue(type, value);
  return value as readonly unknown[];
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
