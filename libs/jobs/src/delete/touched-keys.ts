import { hash } from 'node:crypto';
import { clickhouseType, encodeKey, eventsTable, identifier, type Statement } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import type { ViewParts } from '../view-parts.js';
import type { OfKey } from './reach.js';

/**
 * The keys of the entities whose values change when somebody's events go: beside the owner, whom they also belong to. They are
 * in tables before the first event goes, and until all is done: an erasure that was killed finds them again, for the events
 * can't tell any more.
 */
export class TouchedKeys {
  readonly #store: OfflineStore;
  readonly #of: OfKey;
  readonly #prefix: string;

  constructor(store: OfflineStore, of: OfKey) {
    this.#store = store;
    this.#of = of;
    this.#prefix = `erasing_${short(`${of.entity.name} ${encodeKey(of.entity, of.key)}`)}`;
  }

  /** The table, with columns as the view's entity names its keys. */
  tableOf({ entity, source, view }: ViewParts): string {
    return `${this.#prefix}_${short(JSON.stringify([entity.keys, source.name, view.keyFields]))}`;
  }

  /** Adds the keys of the events that `where` names. */
  async note(parts: ViewParts, where: Statement | null): Promise<void> {
    const { entity, source, view } = parts;
    const [name, keys] = [this.tableOf(parts), entity.keys.map((key) => key.name)];
    await this.#store.createTable({ name, columns: entity.keys.map((key) => ({ name: key.name, type: clickhouseType(key.type) })), orderBy: keys });
    if (entity.name === this.#of.entity.name) await this.#store.insertRows(name, keys, [this.#of.key]);
    if (where === null) return;
    const sql = `INSERT INTO ${identifier(name)} (${keys.map(identifier).join(', ')}) SELECT DISTINCT ${view.keyFields.map(identifier).join(', ')} FROM ${identifier(eventsTable(source))} WHERE ${where.sql}`;
    await this.#store.command({ sql, params: where.params }, { comment: `erase ${this.#of.entity.name}` });
  }

  async drop(): Promise<void> {
    const rows = await this.#store.rows({ sql: 'SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, {prefix:String})', params: { prefix: this.#prefix } });
    for (const { name } of rows) await this.#store.dropTable(name as string);
  }
}

function short(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 12);
}
