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
import { throwIfCancelled } from '../cancelled.js';
import { explainOverflow } from '../overflow.js';
import { stageTable } from '../stage-table.js';
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
 * that is not in the snapshot, CANCELLED.
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
      throwIfCancelled(signal, `backfill ${view.name}`);
      onProgress?.({ stage: `backfill ${view.name} ${formatInstant(asOf)}`, done: results.length, total, unit: 'runs' });
      results.push(await backfillInstant(store, parts, asOf, signal));
    }
  }
  onProgress?.({ stage: 'backfill', done: total, total, unit: 'runs' });
  return results;
}

/** The run that a view's rows of an instant come from; null: none, or one that did not finish. */
export async function lastBackfill(store: OfflineStore, view: VersionedView, asOf: Instant): Promise<BackfillRun | null> {
  const [run] = await store.rows({
    sql: `SELECT sequence, argMax(rows, finished_at) AS rows, max(finished_at) > fromUnixTimestamp64Milli({unfinished:Int64}, 'UTC') AS finished FROM granary_backfills
WHERE view = {view:String} AND version = {version:String} AND as_of = fromUnixTimestamp64Milli({asOf:Int64}, 'UTC')
GROUP BY started_at, sequence ORDER BY started_at DESC, sequence DESC LIMIT 1`,
    params: { view: view.name, version: view.version, asOf, unfinished: UNFINISHED },
  });
  if (run === undefined || run['finished'] !== 1) return null;
  return { view: view.name, version: view.version, asOf, sequence: Number(run['sequence']), rows: Number(run['rows']) };
}

/** When a run finished that may have replaced the rows, and is not known to have finished. */
const UNFINISHED = 0;

async function backfillInstant(store: OfflineStore, parts: ViewParts, asOf: Instant, signal: AbortSignal | undefined): Promise<BackfillResult> {
  const { view, entity, source } = parts;
  const startedAt = Date.now();
  const sequence = await lastSequence(store, source.name);
  const last = await lastBackfill(store, view, asOf);
  if (last?.sequence === sequence) return { ...last, computed: false };

  const table = backfillTable(view);
  const staging = stageTable('backfill');
  const comment = `backfill ${view.name}`;
  const run: BackfillRun = { view: view.name, version: view.version, asOf, sequence, rows: 0 };
  try {
    await store.createTable(tableOf(parts, staging));
    const { sql, params } = compileBackfill(view, entity, source, asOf);
    await explainOverflow(`feature view ${view.name}`, () => store.command({ sql: `INSERT INTO ${identifier(staging)} ${sql}`, params }, { comment, signal }));
    const [counted] = await store.rows({ sql: `SELECT count() AS rows FROM ${identifier(staging)}`, params: {} });
    const rows = Number(counted!['rows']);
    // Another process may have been quicker, with events that this run has not seen.
    const other = await lastBackfill(store, view, asOf);
    if (other !== null && other.sequence > sequence && other.sequence !== last?.sequence) return { ...other, computed: false };
    // Before the rows change: killed in between, nobody may take them for those of the last run.
    await noteRun(store, run, startedAt, UNFINISHED);
    // Replacing by nothing leaves what was there: an instant that has become empty is dropped instead.
    const replace = rows === 0 ? `DROP PARTITION ${asOf}` : `REPLACE PARTITION ${asOf} FROM ${identifier(staging)}`;
    await store.command({ sql: `ALTER TABLE ${identifier(table)} ${replace}`, params: {} }, { comment });
    await noteRun(store, { ...run, rows }, startedAt, Date.now());
    return { ...run, rows, computed: true };
  } finally {
    await store.dropTable(staging);
  }
}

async function noteRun(store: OfflineStore, { view, version, asOf, sequence, rows }: BackfillRun, startedAt: Instant, finishedAt: Instant): Promise<void> {
  const instant = (name: string): string => `fromUnixTimestamp64Milli({${name}:Int64}, 'UTC')`;
  await store.command(
    {
      sql: `INSERT INTO granary_backfills SELECT {view:String}, {version:String}, ${instant('asOf')}, {sequence:UInt64}, {rows:UInt64}, ${instant('startedAt')}, ${instant('finishedAt')}`,
      params: { view, version, asOf, sequence, rows, startedAt, finishedAt },
    },
    { comment: `backfill ${view}` },
  );
}

function tableOf({ view, entity }: ViewParts, name: string): Parameters<OfflineStore['createTable']>[0] {
  return {
    name,
    columns: backfillColumns(view, entity),
    orderBy: entity.keys.map((key) => key.name),
    partitionBy: `toUnixTimestamp64Milli(${identifier(BACKFILL.asOf)})`,
  };
}

/** How many events of a source have arrived, whose table must be there. */
export async function lastSequence(store: OfflineStore, source: string): Promise<number> {
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
