import { eventsTable, identifier, type Source, type Statement } from '@granary/contracts';
import type { Statements } from '../statements.js';
import { lastSequence } from './stored-events.js';

/**
 * Removes the events of a source for which `where`, an SQL condition on its table, is true; says how many. That they were there is
 * noted first, without what they were: no later event gets a sequence that one of them had.
 */
export async function eraseEvents(statements: Statements, source: Pick<Source, 'name'>, { sql: where, params }: Statement): Promise<number> {
  const table = identifier(eventsTable(source));
  const options = { comment: `erase from ${source.name}` };
  const [row] = await statements.rows({ sql: `SELECT count() AS events FROM ${table} WHERE ${where}`, params }, options);
  const events = Number(row!['events']);
  if (events === 0) return 0;
  const last = await lastSequence(statements, source);
  await statements.command({ sql: 'INSERT INTO granary_erasures SELECT {source:String}, {last:UInt64}, {events:UInt64}, now64(3)', params: { source: source.name, last, events } }, options);
  // Not a lightweight delete: the parts are written anew without them.
  await statements.command({ sql: `ALTER TABLE ${table} DELETE WHERE ${where} SETTINGS mutations_sync = 2`, params }, options);
  return events;
}
