import { parseError } from '@clickhouse/client';
import { identifier } from '@granary/contracts';
import { createChdbConnection, type ChdbConnection } from 'chdb/connection';
import type { Settings } from '../settings.js';

/** What a statement wants the connection to be like while it runs. */
export interface ConnectionState {
  readonly database: string;
  readonly settings: Settings;
  /** As the HTTP interface takes them: see `formatParam`. */
  readonly params: Readonly<Record<string, string>>;
}

/**
 * One chDB connection and what is known to be set on it.
 * chDB keeps settings and parameters on the connection, so each statement first gets exactly the state that it wants:
 * what the one before set and this one doesn't is put back to its default. Nothing can leak by construction.
 */
export class Slot {
  readonly #path: string;
  readonly #readonly: boolean;
  #connection: ChdbConnection | undefined;
  #database = '';
  #settings = new Map<string, string>();
  #params = new Map<string, string>();

  constructor(path: string, readonlyMode: boolean) {
    this.#path = path;
    this.#readonly = readonlyMode;
  }

  /** Opens at first use; throws chDB's own error when the directory can't be had. */
  get chdb(): ChdbConnection['chdb'] {
    this.#connection ??= createChdbConnection({ path: this.#path });
    return this.#connection.chdb;
  }

  /** Throws the engine's error for an unknown setting, a wrong value or a missing database. */
  async become(wanted: ConnectionState): Promise<void> {
    const fresh = this.#connection === undefined;
    try {
      // readonly = 2 can't be taken back on a connection, hence connections of their own for readers.
      if (fresh && this.#readonly) await this.run('SET readonly = 2');
      await this.#applySettings(wanted);
      if (wanted.database !== this.#database) {
        await this.run(`USE ${identifier(wanted.database)}`);
        this.#database = wanted.database;
      }
    } catch (error) {
      await this.discard();
      // Some settings can't be taken back (allow_ddl = 0): a new connection doesn't have them.
      if (!fresh) return this.become(wanted);
      throw error;
    }
  }

  async #applySettings(wanted: ConnectionState): Promise<void> {
    const changes: string[] = [];
    const settings = new Map(Object.entries(wanted.settings).map(([name, value]) => [settingName(name), literal(value)]));
    for (const name of this.#settings.keys()) if (!settings.has(name)) changes.push(`${name} = DEFAULT`);
    for (const [name, value] of settings) if (this.#settings.get(name) !== value) changes.push(`${name} = ${value}`);
    const params = new Map(this.#params);
    for (const [name, value] of Object.entries(wanted.params)) {
      const text = literal(value);
      if (params.get(name) !== text) changes.push(`param_${settingName(name)} = ${text}`);
      params.set(name, text);
    }
    if (changes.length > 0) await this.run(`SET ${changes.join(', ')}`);
    this.#settings = settings;
    this.#params = params;
  }

  async run(sql: string): Promise<void> {
    await this.chdb.queryAsync(sql, { format: 'Null' });
  }

  /** Forgets the connection: the next statement gets a new one. Only while nothing runs on it. */
  async discard(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#database = '';
    this.#settings = new Map();
    this.#params = new Map();
    await connection?.close();
  }
}

function settingName(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw parseError(`Code: 115. DB::Exception: Unknown setting ${JSON.stringify(name)}. (UNKNOWN_SETTING)`);
  return name;
}

/** A value as an SQL literal. */
export function literal(value: string | number | boolean): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'boolean') return value ? '1' : '0';
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\0', '\\0')}'`;
}
