import { identifier, resolveService, type FieldType, type Snapshot } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import type { Reach } from './reach.js';
import type { TouchedKeys } from './touched-keys.js';

/**
 * Removes what was logged of reads that these events were in, or may have been: it can't be proven any more. Rows of the
 * owner go whether there were events or not. Says how many.
 */
export async function eraseServed(store: OfflineStore, snapshots: readonly Snapshot[], reach: Reach, touched: TouchedKeys): Promise<number> {
  const options = { comment: 'erase what was served' };
  const logged = await store.rows({ sql: 'SELECT DISTINCT service, snapshot FROM granary_served', params: {} }, options);
  const conditions = logged.flatMap(({ service, snapshot: id }) => {
    const snapshot = snapshots.find((each) => each.id === id);
    const declared = snapshot?.services.find(({ name }) => name === service);
    if (snapshot === undefined || declared === undefined) return [];
    const { views } = resolveService(snapshot, declared);
    const all = views.some(({ view }) => reach.computed.some((parts) => parts.view.name === view.name));
    const ofKeys = views.flatMap(({ view, entity, source, keys }) => {
      const parts = { view, entity, source };
      const known = reach.views.some((each) => touched.tableOf(each) === touched.tableOf(parts));
      return known ? [`(${keys.map(askedSql).join(', ')}) IN (SELECT ${entity.keys.map(keySql).join(', ')} FROM ${identifier(touched.tableOf(parts))})`] : [];
    });
    const which = all ? ['true'] : ofKeys;
    return which.length === 0 ? [] : [`(service = '${declared.name}' AND snapshot = '${snapshot.id}' AND (${which.join(' OR ')}))`];
  });
  if (conditions.length === 0) return 0;
  const where = conditions.join(' OR ');
  const [row] = await store.rows({ sql: `SELECT count() AS served FROM granary_served WHERE ${where}`, params: {} }, options);
  const served = Number(row!['served']);
  if (served > 0) await store.command({ sql: `ALTER TABLE granary_served DELETE WHERE ${where} SETTINGS mutations_sync = 2`, params: {} }, options);
  return served;
}

interface TypedKey {
  readonly name: string;
  readonly type: FieldType;
}

/** A key in the JSON that `appendServed` writes. */
function askedSql({ name, type }: TypedKey): string {
  switch (type.kind) {
    case 'bool':
      return `JSONExtractBool(asked, '${name}')`;
    case 'timestamp':
      return `JSONExtractInt(asked, '${name}')`;
    case 'int32':
    case 'float32':
    case 'float64':
      return `JSONExtractFloat(asked, '${name}')`;
    default:
      return `JSONExtractString(asked, '${name}')`;
  }
}

/** The same of a typed column. */
function keySql({ name, type }: TypedKey): string {
  const column = identifier(name);
  switch (type.kind) {
    case 'bool':
      return `toUInt8(${column})`;
    case 'timestamp':
      return `toUnixTimestamp64Milli(${column})`;
    case 'int32':
    case 'float32':
    case 'float64':
      return `toFloat64(${column})`;
    default:
      return `toString(${column})`;
  }
}
