import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { compileEventSpine, compileSpineQuery, compileSqlSpine, spineInputs, type EventScope } from '@granary/compiler';
import { GranaryError, formatType, type FileFormat, type Instant, type ResolvedService, type Snapshot, type Source } from '@granary/contracts';
import type { OfflineStore, StatementOptions } from '@granary/offline-store';
import { checkSql, explainSql } from '../events/check-sql.js';
import { findSource } from '../named.js';
import { OURS, openSpineFile, type SpineNeeds } from './spine-file.js';
import { withSpine, withSpineRows, type SpineColumn } from './spine-table.js';

/** What the rows of a training set ask: which entities, as of when, with which request. */
export type SpineSource =
  /** The events of a source, those with `from` ≤ event time < `to`: in order of time. */
  | { readonly kind: 'source'; readonly source: string; readonly from?: Instant | undefined; readonly to?: Instant | undefined }
  /** What a SELECT gives, in its own order; `{{name}}` in it is the events of a source. `timeColumn`: default `at`. */
  | { readonly kind: 'sql'; readonly sql: string; readonly timeColumn?: string | undefined }
  /** A CSV, NDJSON or Parquet file, by its lines. `timeColumn`: default `at`. */
  | { readonly kind: 'file'; readonly path: string; readonly format?: FileFormat | undefined; readonly timeColumn?: string | undefined };

/** A spine that was looked at, and not yet put into a table. */
export interface OpenSpine {
  /** Sources that it reads. */
  readonly sources: readonly Source[];
  /** The source whose events are its rows, if they are any. */
  readonly events: string | null;
  /** What it says, as far as nothing else does: equal spines at an equal horizon have equal ones. */
  readonly identity: (scope: EventScope) => Promise<unknown>;
  /** Columns that go into the training set, in order. */
  readonly columns: (scope: EventScope) => Promise<readonly string[]>;
  /** Puts it into a table while `use` runs. */
  readonly fill: <T>(scope: EventScope, use: (table: string) => Promise<T>) => Promise<T>;
}

const TIME_COLUMN = 'at';

/** Throws DEFINITION_NOT_FOUND, DEFINITION_INVALID where a key or request field is lacking, FILE_NOT_FOUND, FILE_UNREADABLE. */
export async function openSpine(store: OfflineStore, snapshot: Snapshot, service: ResolvedService, spine: SpineSource, options: StatementOptions): Promise<OpenSpine> {
  switch (spine.kind) {
    case 'source':
      return sourceSpine(store, snapshot, service, spine, options);
    case 'sql':
      return sqlSpine(store, snapshot, service, spine, options);
    case 'file':
      return fileSpine(store, service, spine, options);
  }
}

function needsOf(service: ResolvedService, timeColumn = TIME_COLUMN): SpineNeeds {
  return {
    keys: service.keys.map((key): SpineColumn => ({ ...key, nullable: false })),
    request: service.request.map((field): SpineColumn => ({ ...field, nullable: field.type.kind !== 'array' && field.type.kind !== 'map' })),
    timeColumn,
  };
}

function sourceSpine(store: OfflineStore, snapshot: Snapshot, service: ResolvedService, spine: Extract<SpineSource, { kind: 'source' }>, options: StatementOptions): OpenSpine {
  const source = findSource(snapshot, spine.source);
  for (const need of [...service.keys, ...service.request]) {
    const field = source.fields.find((each) => each.name === need.name);
    if (field?.type.kind === need.type.kind) continue;
    throw new GranaryError('DEFINITION_INVALID', `The spine ${source.name} has no ${formatType(need.type)} field ${need.name}, which ${service.name} needs`, {
      todo: `Take a spine with ${[...service.keys, ...service.request].map((each) => each.name).join(', ')}.`,
    });
  }
  const { from, to } = spine;
  return {
    sources: [source],
    events: source.name,
    identity: async () => Promise.resolve({ from: from ?? null, to: to ?? null, source: source.name }),
    columns: async () => Promise.resolve(source.fields.map((field) => field.name)),
    fill: async (scope, use) => withSpine(store, compileEventSpine(source, { from, to, ...scope }), use, options),
  };
}

function sqlSpine(store: OfflineStore, snapshot: Snapshot, service: ResolvedService, { sql, timeColumn = TIME_COLUMN }: Extract<SpineSource, { kind: 'sql' }>, options: StatementOptions): OpenSpine {
  const { keys, request } = needsOf(service);
  const typed = [...keys, ...request];
  const known = new Set(typed.map((each) => each.name));
  const check = async (scope: EventScope): Promise<readonly string[]> => {
    const instant = { name: timeColumn, type: { kind: 'timestamp' } as const, nullable: false };
    const given = await checkSql(store, 'the spine', compileSpineQuery(snapshot, sql, scope), [...typed, instant], options.signal);
    return [...given.keys()].filter((name) => !name.startsWith(OURS));
  };
  const fill = async <T>(scope: EventScope, use: (table: string) => Promise<T>): Promise<T> => {
    const carried = (await check(scope)).filter((name) => !known.has(name));
    const statement = compileSqlSpine(snapshot, { sql, timeColumn, typed, carried }, scope);
    return explainSql(() => withSpine(store, statement, use, { ...options, settings: IN_ORDER }));
  };
  return {
    sources: spineInputs(snapshot, sql),
    events: null,
    columns: check,
    fill,
    // Its tables know no horizon, so what it gave is part of what was asked.
    async identity(scope) {
      const [row] = await fill(scope, (table) => store.rows({ sql: `SELECT count() AS rows, sum(sipHash64(tuple(*))) AS sum, groupBitXor(cityHash64(tuple(*))) AS mix FROM ${table}`, params: {} }, options));
      return { sql, timeColumn, rows: String(row!['rows']), content: `${String(row!['sum'])}-${String(row!['mix'])}` };
    },
  };
}

/** Rows are numbered as the query gives them. */
const IN_ORDER = { max_threads: 1, query_plan_remove_redundant_sorting: 0, optimize_duplicate_order_by_and_distinct: 0 };

async function fileSpine(store: OfflineStore, service: ResolvedService, { path, format, timeColumn }: Extract<SpineSource, { kind: 'file' }>, options: StatementOptions): Promise<OpenSpine> {
  const file = await openSpineFile(path, format, needsOf(service, timeColumn));
  return {
    sources: [],
    events: null,
    columns: async () => Promise.resolve(file.columns.map((column) => column.name)),
    identity: async () => ({ content: await sha256(path), format: format ?? null, timeColumn: timeColumn ?? TIME_COLUMN }),
    fill: async (_, use) => withSpineRows(store, file.columns, file.rows(), use, options),
  };
}

/** Of a file's bytes, hex. */
export async function sha256(path: string): Promise<string> {
  const digest = createHash('sha256');
  for await (const chunk of createReadStream(path)) digest.update(chunk as Buffer);
  return digest.digest('hex');
}
