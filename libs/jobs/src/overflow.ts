import { partsOf, type PartRole } from '@granary/aggregates';
import { GranaryError, eventsTable, identifier, isGranaryError, type Value } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import type { ViewParts } from './view-parts.js';

/** What ClickHouse says when `accurateCast` meets a count that int32 can't hold. */
const OVERFLOW = /cannot be safely converted into type/;
const MOST_COUNTED = 2 ** 31 - 1;
const COUNTS: ReadonlySet<PartRole> = new Set(['count', 'hits', 'distinctCount', 'counts', 'histogram']);
const NAMED = 3;

/** What a statement counts. */
export interface Counting {
  readonly store: OfflineStore;
  readonly views: readonly Pick<ViewParts, 'view' | 'source'>[];
  /** Events of one entity that are not too many. Default: what int32 holds. */
  readonly most?: number;
}

/** Runs a statement over `what`; a count that outgrows its type is reported as what it is, with the entities that have so many events, not as a failing store. */
export async function explainOverflow<T>(what: string, run: () => Promise<T>, counting?: Counting): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!isGranaryError(error, 'QUERY_FAILED') || !OVERFLOW.test(error.message)) throw error;
    const tooMany = counting === undefined ? [] : (await Promise.all(counting.views.map((view) => describe(counting, view)))).flat();
    throw new GranaryError('INVALID_VALUE', `${what}: a count leaves int32 for ${tooMany.join('; ') || 'at least one entity'}`, {
      todo: 'Shorten the windows of what counts, count fewer events with where(…), or declare the view over a sqlSource that leaves such entities out.',
      details: error.details,
      cause: error,
    });
  }
}

/** Of a view that counts: the entities with too many events, and what counts them. Nothing where that can't be found out. */
async function describe({ store, most = MOST_COUNTED }: Counting, { view, source }: Counting['views'][number]): Promise<readonly string[]> {
  const features = view.features.filter((feature) => partsOf(feature).some(({ role }) => COUNTS.has(role))).map(({ name }) => name);
  // The events of a computed source are in a table of their own, which is gone with the statement.
  if (features.length === 0 || source.computed !== undefined) return [];
  const keys = view.keyFields.map(identifier);
  const sql = `SELECT ${keys.join(', ')}, count() AS _events FROM ${identifier(eventsTable(source))} GROUP BY ${keys.join(', ')} HAVING _events > {most:UInt64} ORDER BY _events DESC LIMIT ${NAMED}`;
  const rows = await store.rows({ sql, params: { most } }, { comment: `count ${source.name}` }).catch(() => []);
  return rows.map((row) => `${view.keyFields.map((name) => `${name}=${textOf(row[name] as Value)}`).join(' ')}, which has ${String(row['_events'])} events of ${source.name} (${view.name}: ${features.join(', ')})`);
}

function textOf(value: Value): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
