import type { Entity, Key } from './definitions.js';
import { GranaryError } from './errors.js';
import { formatType, type Value } from './types.js';
import { parseValue } from './values.js';

/** The typed key values of one entity, in the order of its keys. */
export type EntityKey = readonly Value[];

/**
 * Reads an entity's key from a record of named values (JSON, GraphQL arguments, a spine row).
 * Throws MISSING_KEY and INVALID_KEY.
 */
export function parseKey(entity: Pick<Entity, 'name' | 'keys'>, record: Readonly<Record<string, unknown>>): EntityKey {
  return entity.keys.map((key) => parseKeyPart(entity.name, key, record[key.name]));
}

function parseKeyPart(entityName: string, key: Key, value: unknown): Value {
  // Empty text is a value of a string; of the other types it is none.
  if (value === undefined || value === null || (value === '' && key.type.kind !== 'string')) {
    throw new GranaryError('MISSING_KEY', `${entityName} needs its key ${key.name}`, {
      todo: `Give ${key.name} as ${formatType(key.type)}.`,
      details: { entity: entityName, key: key.name },
    });
  }
  try {
    return parseValue(key.type, value);
  } catch (cause) {
    throw new GranaryError('INVALID_KEY', `${key.name} of ${entityName}: ${(cause as Error).message}`, {
      todo: `Give ${key.name} as ${formatType(key.type)}.`,
      details: { entity: entityName, key: key.name, value: String(value) },
      cause,
    });
  }
}

const TAGS = { bool: 'b', int32: 'i', int64: 'l', float32: 'f', float64: 'd', string: 's', enum: 's', timestamp: 't', array: 'a', map: 'm' } as const;
const utf8 = new TextEncoder();

/**
 * One text per key, injective: each part carries its type's tag and its length in UTF-8 bytes, so (1, 12) and (11, 2)
 * differ, and so do the number 1 and the string '1'. `l1:7` is int64 7; `l1:1l2:12` is (1, 12).
 */
export function encodeKey(entity: Pick<Entity, 'keys'>, key: EntityKey): string {
  let encoded = '';
  for (let i = 0; i < entity.keys.length; i++) {
    const text = String(key[i]);
    const length = isAscii(text) ? text.length : utf8.encode(text).length;
    encoded += `${TAGS[entity.keys[i]!.type.kind]}${length}:${text}`;
  }
  return encoded;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}
