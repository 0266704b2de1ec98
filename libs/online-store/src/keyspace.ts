import { encodeKey, GranaryError, NAME, type Entity, type EntityKey } from '@granary/contracts';
import { isWellFormed } from './text.js';

/** A view's version, which is also its row schema's id. */
export const VERSION = /^[0-9a-f]{12}$/;

/**
 * The key of one packed row: `granary:{user|l2:42}:user_activity:3fa9c1d2e4b5`.
 *
 * Injective: names can't contain `:`, `{` or `|`, and every part of the entity key carries its type and length. All rows
 * of one entity share a Redis Cluster hash tag (what stands between the first `{` and the first `}` after it; a `}`
 * inside a key value cuts the tag short, for all rows of that entity alike).
 *
 * Throws INVALID_KEY for a key value with a lone surrogate. A malformed name or version is a bug: plain Error.
 */
export function rowKey(project: string, entity: Pick<Entity, 'name' | 'keys'>, key: EntityKey, view: string, version: string): string {
  return rowKeys(project, entity, view, version)(key);
}

/** `rowKey` for many entities of one view: what doesn't depend on the entity's key is checked once. */
export function rowKeys(project: string, entity: Pick<Entity, 'name' | 'keys'>, view: string, version: string): (key: EntityKey) => string {
  for (const name of [project, entity.name, view]) {
    if (!NAME.test(name)) throw new Error(`"${name}" is no name: it can't be part of a row's key`);
  }
  if (!VERSION.test(version)) throw new Error(`"${version}" is no version of ${view}: it has 12 hex digits`);
  const head = `${project}:{${entity.name}|`;
  const tail = `}:${view}:${version}`;
  const encode = keyEncoder(entity);
  return (key) => head + encode(key) + tail;
}

/** The keys of all that is stored of one entity: what `delete` needs to forget it. Name the views of every snapshot whose rows may still be there. */
export function entityRowKeys(project: string, entity: Pick<Entity, 'name' | 'keys'>, key: EntityKey, views: readonly { readonly name: string; readonly version: string }[]): string[] {
  return views.map(({ name, version }) => rowKey(project, entity, key, name, version));
}

function keyEncoder(entity: Pick<Entity, 'name' | 'keys'>): (key: EntityKey) => string {
  const hasText = entity.keys.some(({ type }) => type.kind === 'string' || type.kind === 'enum');
  return (key) => {
    if (key.length !== entity.keys.length) throw new Error(`${entity.name} has ${entity.keys.length} keys, not ${key.length}`);
    const encoded = encodeKey(entity, key);
    if (!hasText || isWellFormed(encoded)) return encoded;
    throw new GranaryError('INVALID_KEY', `A key of ${entity.name} is not valid Unicode: it contains half of a surrogate pair`, {
      todo: 'Send keys as valid UTF-8 text.',
      details: { entity: entity.name },
    });
  };
}
