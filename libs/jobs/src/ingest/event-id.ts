import { hash } from 'node:crypto';
import type { FieldType, Source, Value } from '@granary/contracts';

const TAGS = { bool: 'b', int32: 'i', int64: 'l', float32: 'f', float64: 'd', string: 's', enum: 's', timestamp: 't' } as const;

/**
 * The id of an event from its typed values (in the order of the source's fields): the declared fields, each with its
 * type's tag and its length in UTF-8 bytes, as keys are encoded, so that ('ab', 'c') and ('a', 'bc') differ; where none
 * are declared, the first 128 bits of the SHA-256 of all fields encoded so. 128 bits make an accidental collision among
 * 10^12 events less likely than 10^-14, and a keyless but strong hash lets nobody craft an event that hides another.
 */
export function createEventId(source: Pick<Source, 'fields' | 'eventId'>): (values: readonly (Value | null)[]) => string {
  const positions = source.eventId.map((name) => source.fields.findIndex((field) => field.name === name));
  const types = source.fields.map((field) => field.type);
  const all = types.map((_, i) => i);
  const encode = (at: readonly number[], values: readonly (Value | null)[]): string => {
    let encoded = '';
    for (const i of at) encoded += encodeValue(types[i]!, values[i] ?? null);
    return encoded;
  };
  if (positions.length > 0) return (values) => encode(positions, values);
  return (values) => hash('sha256', encode(all, values), 'hex').slice(0, 32);
}

function encodeValue(type: FieldType, value: Value | null): string {
  if (value === null) return 'n';
  if (type.kind === 'array') {
    const elements = value as readonly (boolean | number | bigint | string)[];
    return `a${elements.length}:${elements.map((element) => encodeValue(type.of, element)).join('')}`;
  }
  if (type.kind === 'map') throw new Error('no field of a source is a map');
  const text = String(value);
  return `${TAGS[type.kind]}${typeof value === 'string' ? Buffer.byteLength(text) : text.length}:${text}`;
}
