import { GranaryError, parseKey, type EntityKey, type Snapshot, type Value } from '@granary/contracts';
import { entityRowKeys, type OnlineStore } from '@granary/online-store';
import { findEntity } from '../named.js';

export interface DeleteEntityOptions {
  /** The first part of every online key. */
  readonly project: string;
  readonly entity: string;
  /** By name, as someone wrote them. */
  readonly key: Readonly<Record<string, unknown>>;
}

export interface DeletedEntity {
  readonly entity: string;
  readonly key: Readonly<Record<string, Value>>;
  /** How many views there may have been rows of, each version of one counted. */
  readonly views: number;
  /** How many rows there were. */
  readonly deleted: number;
}

/** Throws DEFINITION_NOT_FOUND, MISSING_KEY and INVALID_KEY. */
export function readEntityKey(snapshot: Snapshot, name: string, given: Readonly<Record<string, unknown>>): EntityKey {
  const entity = findEntity(snapshot, name);
  const unknown = Object.keys(given).find((each) => !entity.keys.some((key) => key.name === each));
  if (unknown === undefined) return parseKey(entity, given);
  throw new GranaryError('INVALID_KEY', `${name} has no key ${unknown}`, { todo: `Give ${entity.keys.map((key) => `${key.name}=…`).join(' ')}.`, details: { entity: name, key: unknown } });
}

/**
 * Deletes an entity's online rows, those of former versions of its views too; its stored events stay. `snapshots`: the head
 * first, then those applied before it, whose rows may still be there (not of an entity that had other keys then).
 */
export async function deleteEntity(online: OnlineStore, snapshots: readonly [head: Snapshot, ...former: Snapshot[]], { project, entity: name, key: given }: DeleteEntityOptions): Promise<DeletedEntity> {
  const key = readEntityKey(snapshots[0], name, given);
  const entity = findEntity(snapshots[0], name);
  const keysText = JSON.stringify(entity.keys);
  const alike = snapshots.filter(({ entities }) => entities.some((each) => each.name === name && JSON.stringify(each.keys) === keysText));
  const rowKeys = new Set(alike.flatMap(({ views }) => entityRowKeys(project, entity, key, views.filter((view) => view.entity === name))));
  const deleted = await online.delete([...rowKeys]);
  return { entity: name, key: Object.fromEntries(entity.keys.map((each, i) => [each.name, key[i]!])), views: rowKeys.size, deleted };
}
