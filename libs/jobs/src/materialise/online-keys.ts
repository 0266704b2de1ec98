import { clickhouseType, identifier, type Statement } from '@granary/contracts';
import { compileKeys, emitInChunk, type Chunk, type EventScope } from '@granary/compiler';
import type { OfflineStore } from '@granary/offline-store';
import type { ViewParts } from '../view-parts.js';

/**
 * The keys of entities that may be online, of a view over a computed source: its events leave no trace when they are gone, so that
 * those of an entity without any are found here. A key is here before it is there.
 */
export async function noteOnlineKeys(store: OfflineStore, parts: ViewParts, project: string, scope: EventScope): Promise<void> {
  const { view, entity, source } = parts;
  const keys = entity.keys.map((key) => key.name);
  const columns = [{ name: PROJECT, type: 'String' }, ...entity.keys.map((key) => ({ name: key.name, type: clickhouseType(key.type) }))];
  await store.createTable({ name: tableOf(parts), columns, orderBy: [PROJECT, ...keys] });
  const current = compileKeys(view, entity, source, scope);
  const names = keys.map(identifier).join(', ');
  await store.command(
    {
      sql: `INSERT INTO ${identifier(tableOf(parts))} (${identifier(PROJECT)}, ${names}) SELECT {project:String}, ${names} FROM (\n${current.sql}\n)
WHERE (${names}) NOT IN (SELECT ${names} FROM ${identifier(tableOf(parts))} WHERE ${identifier(PROJECT)} = {project:String})`,
      params: { ...current.params, project },
    },
    { comment: `materialise ${view.name}` },
  );
}

/** Those of a chunk. */
export function onlineKeys(parts: ViewParts, project: string, chunk: Chunk): Statement {
  const names = parts.entity.keys.map((key) => key.name);
  const sql = `SELECT DISTINCT ${names.map(identifier).join(', ')} FROM ${identifier(tableOf(parts))}
WHERE ${identifier(PROJECT)} = {project:String} AND ${emitInChunk(names, chunk)}`;
  return { sql, params: { project } };
}

const PROJECT = '__project';

function tableOf({ view }: ViewParts): string {
  return `online_${view.name}_${view.version}`;
}
