import { existsSync } from 'node:fs';
import { eventsTable, formatInstant, isGranaryError, quarantineTable, type Snapshot } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import type { OnlineStore, UnfinishedView, ViewWatermark } from '@granary/online-store';
import type { HistoryEntry } from '@granary/registry';
import type { Command } from 'commander';
import type { Context } from '../context.js';
import { formatCount } from '../terminal/format.js';
import type { Style } from '../terminal/style.js';
import { renderTable } from '../terminal/table.js';
import { verb } from '../verb.js';

/** What a part of the system says of itself, or why it can't. */
type Part<T> = { readonly available: true; readonly where: string } & T | { readonly available: false; readonly where: string; readonly code: string; readonly why: string; readonly todo: string | null };

interface SourceStatus {
  readonly source: string;
  readonly events: number;
  readonly quarantined: number;
}

interface ViewStatus {
  readonly view: string;
  readonly version: string;
  /** The latest instant that was backfilled. */
  readonly backfilled: string | null;
  /** How many instants were. */
  readonly instants: number;
}

interface ModelStatus {
  readonly name: string;
  readonly version: number;
  readonly artifact: string;
  readonly trainedAt: string;
}

interface OnlineStatus {
  readonly view: string;
  readonly version: string;
  readonly asOf: string | null;
  readonly rows: number;
  /** The instant of a run that was stopped. */
  readonly unfinished: string | null;
}

interface Status {
  readonly registry: { readonly where: string; readonly head: HistoryEntry | null };
  readonly offline: Part<{ readonly sources: readonly SourceStatus[]; readonly views: readonly ViewStatus[]; readonly models: readonly ModelStatus[] }>;
  readonly online: Part<{ readonly views: readonly OnlineStatus[] }>;
}

export function registerStatus(program: Command): void {
  const command = program.command('status').description('Show what is applied, ingested, backfilled, materialised and trained, and what can’t be reached');
  verb<object, []>(command, ['clickhouseUrl', 'redisUrl', 'project'], 'granary status', async (context) => {
    const status = await statusOf(context);
    return { json: status, text: renderStatus(status, context.voice.style) };
  });
}

async function statusOf(context: Context): Promise<Status> {
  const registry = await context.registry();
  const head = await registry.head();
  const snapshot = head === null ? EMPTY : await registry.snapshot(head.snapshotId);
  const { offline, online, project } = context.environment;
  return {
    registry: { where: registry.dir, head },
    offline: offline.kind === 'embedded' && !existsSync(offline.path) ? absent(offline.path) : await part(offline.kind === 'embedded' ? offline.path : offline.url, async () => offlineStatus(await context.offline(), snapshot)),
    online: online.kind === 'lmdb' && !existsSync(online.path) ? absent(online.path) : await part(online.kind === 'lmdb' ? online.path : (await import('@granary/online-store')).publicAddress(online.url), async () => onlineStatus(await context.online(), snapshot, project)),
  };
}

const EMPTY: Pick<Snapshot, 'sources' | 'views'> = { sources: [], views: [] };

/** Looking must not make what isn't there. */
function absent(where: string): Part<never> {
  return { available: false, where, code: 'ABSENT', why: 'nothing has been stored yet', todo: null };
}

/** One part that is locked or down must not hide the others. */
async function part<T>(where: string, ask: () => Promise<T>): Promise<Part<T>> {
  try {
    return { available: true, where, ...(await ask()) };
  } catch (error) {
    if (!isGranaryError(error, 'STORE_LOCKED') && !isGranaryError(error, 'STORE_UNAVAILABLE')) throw error;
    return { available: false, where, code: error.code, why: error.message, todo: error.todo ?? null };
  }
}

async function offlineStatus(store: OfflineStore, snapshot: typeof EMPTY): Promise<{ sources: SourceStatus[]; views: ViewStatus[]; models: ModelStatus[] }> {
  const sources: SourceStatus[] = [];
  for (const source of snapshot.sources) {
    const events = (await store.tableExists(eventsTable(source))) ? await store.countEvents(source) : 0;
    const quarantined = (await store.tableExists(quarantineTable(source))) ? await store.countQuarantined(source) : 0;
    sources.push({ source: source.name, events, quarantined });
  }
  const runs = await store.rows({ sql: "SELECT view, version, max(as_of) AS latest, uniqExact(as_of) AS instants FROM granary_backfills WHERE state = 'finished' GROUP BY view, version", params: {} });
  const views = snapshot.views.map(({ name, version }) => {
    const run = runs.find((row) => row['view'] === name && row['version'] === version);
    return { view: name, version, backfilled: run === undefined ? null : formatInstant(run['latest'] as number), instants: Number(run?.['instants'] ?? 0) };
  });
  const { listModels } = await import('@granary/jobs');
  const models = (await listModels(store)).map(({ name, version, artifact, createdAt }) => ({ name, version, artifact, trainedAt: formatInstant(createdAt) }));
  return { sources, views, models };
}

async function onlineStatus(store: OnlineStore, snapshot: typeof EMPTY, project: string): Promise<{ views: OnlineStatus[] }> {
  const { unfinishedName, watermarkName } = await import('@granary/online-store');
  const views: OnlineStatus[] = [];
  for (const view of snapshot.views) {
    const watermark = (await store.readMeta(watermarkName(project, view))) as ViewWatermark | null;
    const unfinished = (await store.readMeta(unfinishedName(project, view))) as UnfinishedView | null;
    views.push({
      view: view.name,
      version: view.version,
      asOf: watermark?.asOf == null ? null : formatInstant(watermark.asOf),
      rows: watermark?.rows ?? 0,
      unfinished: unfinished === null ? null : formatInstant(unfinished.asOf),
    });
  }
  return { views };
}

function renderStatus({ registry, offline, online }: Status, style: Style): string {
  const { head } = registry;
  const applied = head === null ? style.warn('nothing applied yet') : `snapshot ${head.snapshotId.slice(0, 12)}, number ${head.number}, applied ${formatInstant(head.appliedAt)}`;
  const sections = [`${style.heading('registry')} ${style.dim(registry.where)}\n${applied}`];
  const add = (title: string, part: Part<unknown>, body: () => readonly string[]): void => {
    const down = part.available ? null : `${(part.code === 'ABSENT' ? style.dim('–') : style.bad(part.code))} ${part.why}${part.todo === null ? '' : `\n${style.dim('→')} ${part.todo}`}`;
    sections.push([`${style.heading(title)} ${style.dim(part.where)}`, ...(down === null ? body() : [down])].join('\n'));
  };
  add('offline store', offline, () => (offline.available ? offlineTables(offline, style) : []));
  add('online store', online, () => (online.available ? [onlineTable(online.views, style)] : []));
  return sections.join('\n\n');
}

type Offline = Extract<Status['offline'], { available: true }>;

function offlineTables({ sources, views, models }: Offline, style: Style): readonly string[] {
  const right = (title: string) => ({ title, align: 'right' as const });
  const tables = [
    [[{ title: 'source' }, right('events'), right('quarantined')], sources.map((each) => [each.source, formatCount(each.events), formatCount(each.quarantined)])],
    [[{ title: 'view' }, { title: 'version' }, { title: 'backfilled as of' }, right('instants')], views.map((each) => [each.view, each.version, each.backfilled ?? '–', formatCount(each.instants)])],
    [[{ title: 'model' }, right('version'), { title: 'artifact' }, { title: 'trained at' }], models.map((each) => [each.name, String(each.version), each.artifact.slice(0, 12), each.trainedAt])],
  ] as const;
  const shown = tables.filter(([, rows]) => rows.length > 0).map(([columns, rows]) => renderTable(columns, rows, style));
  return [[...shown, ...(models.length === 0 ? ['no models trained yet'] : [])].join('\n\n')];
}

function onlineTable(views: readonly OnlineStatus[], style: Style): string {
  if (views.length === 0) return '';
  const columns = [{ title: 'view' }, { title: 'version' }, { title: 'materialised as of' }, { title: 'rows', align: 'right' }, { title: '' }] as const;
  const rows = views.map((each) => [each.view, each.version, each.asOf ?? '–', formatCount(each.rows), each.unfinished === null ? '' : style.warn(`stopped at ${each.unfinished}`)]);
  return renderTable(columns, rows, style);
}
