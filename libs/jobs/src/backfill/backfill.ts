import { backfillColumns, compileBackfill } from '@granary/compiler';
import {
  BACKFILL,
  EVENT,
  GranaryError,
  backfillTable,
  eventsTable,
  formatInstant,
  identifier,
  type Instant,
  type JobOptions,
  type Snapshot,
  type VersionedView,
} from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import { partsOfView, type ViewParts } from '../view-parts.js';

export interface BackfillOptions extends JobOptions {
  /** The instants to compute values as of, each on its own. */
  readonly instants: readonly Instant[];
  /** Names of views; default: all of the snapshot. */
  readonly views?: readonly string[] | undefined;
}

/** One view as of one instant. */
export interface BackfillRun {
  readonly view: string;
  readonly version: string;
  readonly asOf: Instant;
  /** How many events of the source it was computed from: a greater number means events have arrived since. */
  readonly sequence: number;
  /** How many entities have a row. */
  readonly rows: number;
}

export interface BackfillResult extends BackfillRun {
  /** False: nothing had arrived since the last run for this instant, so there was nothing to do. */
  readonly computed: boolean;
}

/**
 * Computes the values of views as of instants into their tables. An instant's rows replace its older ones all at once,
 * so readers never see half; killed anywhere, the next run does what is missing. Throws DEFINITION_NOT_FOUND for a view
 * that is not in the snapshot.
 */
export async function backfill(store: OfflineStore, snapshot: Snapshot, options: BackfillOptions): Promise<BackfillResult[]> {
  const { instants, signal, onProgress } = options;
  const views = selectViews(snapshot, options.views);
  const total = views.length * instants.length;
  const results: BackfillResult[] = [];
  for (const view of views) {
    const parts = partsOfView(snapshot, view);
    await store.ensureSource(parts.source);
    await store.createTable(tableOf(parts, backfillTable(view)));
    for (const asOf of instants) {
      signal?.throwIfAborted();
      onProgress?.({ stage: `backfill ${view.name} ${formatInstant(asOf)}`, done: results.length, total, unit: 'runs' });
      results.push(await backfillInstant(store, parts, asOf, signal));
    }
  }
  onProgress?.({ stage: 'backfill', done: total, total, unit: 'runs' });
  return results;
}

/** The last finished run of a view for an instant; null: none. */
export async function lastBackfill(store: OfflineStore, view: VersionedView, asOf: Instant): Promise<BackfillRun | null> {
  const [run] = await store.rows({
    sql: `SELECT sequence, rows FROM granary_backfills
WHERE view = {view:String} AND version = {version:String} AND as_of = fromUnixTimestamp64Milli({asOf:Int64}, 'UTC')
ORDER BY finished_at DESC, sequence DESC LIMIT 1`,
    params: { view: view.name, version: view.version, asOf },
  });
  if (run === undefined) return null;
  return { view: view.name, version: view.version, asOf, sequence: Number(run['sequence']), rows: Number(run['rows']) };
}

async function backfillInstant(store: OfflineStore, parts: ViewParts, asOf: Instant, signal: AbortSignal | undefined): Promise<BackfillResult> {
  const { view, entity, source } = parts;
  const startedAt = Date.now();
  const sequence = await lastSequence(store, source.name);
  const last = await lastBackfill(store, view, asOf);
  if (last?.sequence === sequence) return { ...last, computed: false };

  const table = backfillTable(view);
  const staging = `${table}_staging`;
  const comment = `backfill ${view.name}`;
  await store.dropTable(staging);
  await store.createTable(tableOf(parts, staging));
  const { sql, params } = compileBackfill(view, entity, source, asOf);
  await store.command({ sql: `INSERT INTO ${identifier(staging)} ${sql}`, params }, { comment, signal });
  const [counted] = await store.rows({ sql: `SELECT count() AS rows FROM ${identifier(staging)}`, params: {} });
  const rows = Number(counted!['rows']);
  // Replacing by nothing leaves what was there: an instant that has become empty is dropped instead.
  const replace = rows === 0 ? `DROP PARTITION ${asOf}` : `REPLACE PARTITION ${asOf} FROM ${identifier(staging)}`;
  await store.command({ sql: `ALTER TABLE ${identifier(table)} ${replace}`, params: {} }, { comment });
  await store.dropTable(staging);
  await store.command(
    {
      sql: `INSERT INTO granary_backfills SELECT {view:String}, {version:String}, fromUnixTimestamp64Milli({asOf:Int64}, 'UTC'), {sequence:UInt64}, {rows:UInt64}, fromUnixTimestamp64Milli({startedAt:Int64}, 'UTC'), now64(3)`,
      params: { view: view.name, version: view.version, asOf, sequence, rows, startedAt },
    },
    { comment },
  );
  return { view: view.name, version: view.version, asOf, sequence, rows, computed: true };
}

function tableOf({ view, entity }: ViewParts, name: string): Parameters<OfflineStore['createTable']>[0] {
  return {
    name,
    columns: backfillColumns(view, entity),
    orderBy: entity.keys.map((key) => key.name),
    partitionBy: `toUnixTimestamp64Milli(${identifier(BACKFILL.asOf)})`,
  };
}

async function lastSequence(store: OfflineStore, source: string): Promise<number> {
  const [row] = await store.rows({ sql: `SELECT max(${identifier(EVENT.sequence)}) AS last FROM ${identifier(eventsTable({ name: source }))}`, params: {} });
  return Number(row!['last']);
}

export function selectViews(snapshot: Snapshot, names: readonly string[] | undefined): readonly VersionedView[] {
  if (names === undefined) return snapshot.views;
  return names.map((name) => {
    const view = snapshot.views.find((each) => each.name === name);
    if (view !== undefined) return view;
    throw new GranaryError('DEFINITION_NOT_FOUND', `There is no feature view ${name}`, {
      todo: `Name one of ${snapshot.views.map((each) => each.name).join(', ')}.`,
    });
  });
}
