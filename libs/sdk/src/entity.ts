import type { Entity } from '@granary/contracts';
import { checkFieldNames, checkName, declarationSite, freeze, invalid, type Declaration } from './declaration.js';
import type { Type, ValueOf } from './types.js';

export type Fields = Readonly<Record<string, Type>>;
/** The plain object of a record of types: `{ userId: bigint }`. */
export type ObjectOf<F extends Fields> = { readonly [K in keyof F]: ValueOf<F[K]> };

export interface EntityDeclaration<K extends Fields = Fields> extends Declaration<Entity> {
  readonly keys: K;
}

/** A thing that features describe, named by one or more typed keys: `entity('user', { userId: t.int64 })`. */
export function entity<const K extends Fields>(name: string, keys: K): EntityDeclaration<K> {
  const site = declarationSite(entity);
  checkName(site, 'entity', name);
  checkFieldNames(site, `entity ${name}`, Object.keys(keys));
  if (Object.keys(keys).length === 0) throw invalid(site, `entity ${name} has no keys`, 'Give it at least one, such as { userId: t.int64 }.');
  const definition: Entity = {
    kind: 'entity',
    name,
    keys: Object.entries(keys).map(([key, { type }]) => ({ name: key, type })),
    site,
  };
  return freeze({ kind: 'entity', name, keys, definition, uses: [] });
}
