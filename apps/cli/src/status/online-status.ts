import { formatInstant, named, storedSources, type Snapshot } from '@granary/contracts';
import type { OnlineStore, StoreMemory } from '@granary/online-store';
import { formatBytes, formatCount, plural } from '../terminal/format.js';
import type { Style } from '../terminal/style.js';
import { renderTable } from '../terminal/table.js';

export interface OnlineViewStatus {
  readonly view: string;
  readonly version: string;
  /** Reads at or after this instant are answered; null: never materialised. */
  readonly asOf: string | null;
  /** Entities that have a row, or more than that: `rowsAtLeast`. */
  readonly rows: number;
  /** The rows were too many to be counted; these are known of. */
  readonly rowsAtLeast: boolean;
  /** What brings it up to date: events as they are taken in, or only `granary materialise`, as of views over computed sources. */
  readonly upkeep: 'events' | 'materialise';
  /** The events up to this sequence are online. */
  readonly sequence: number | null;
  /** How many stored events are not online yet; null where that is not known. */
  readonly behind: number | null;
  /** A server of the cluster was restarted or replaced since all was written: rows may lack events. */
  readonly replaced: boolean;
  /** The instant of a materialisation that was stopped. */
  readonly unfinished: string | null;
}

export interface OnlineStatus {
  readonly views: readonly OnlineViewStatus[];
  readonly memory: StoreMemory;
}

/** `stored`: the last sequence of each source; null: the offline store can't be asked. `snapshot` null: nothing is applied. */
export async function onlineStatus(store: OnlineStore, snapshot: Snapshot | null, project: string, stored: ReadonlyMap<string, number> | null): Promise<OnlineStatus> {
  const { memoryByEntity, readUnfinished, readWatermark, wereReplaced } = await import('@granary/online-store');
  const servers = await store.servers();
  const memory = await memoryByEntity(store, project);
  const counted = new Map(memory.entities.flatMap((entity) => entity.views.map(({ view, version, rows }) => [`${view}:${version}`, rows] as const)));
  const views: OnlineViewStatus[] = [];
  for (const view of snapshot?.views ?? []) {
    const watermark = await readWatermark(store, project, view);
    const unfinished = await readUnfinished(store, project, view);
    const source = named(snapshot!.sources, view.source);
    const inputs = storedSources(snapshot!, source);
    const last = stored === null ? null : inputs.reduce((sum, { name }) => sum + (stored.get(name) ?? 0), 0);
    views.push({
      view: view.name,
      version: view.version,
      asOf: watermark === null ? null : formatInstant(watermark.asOf),
      // The watermark knows those of the last materialisation; entities that came since with their events are found by looking.
      rows: Math.max(watermark?.rows ?? 0, counted.get(`${view.name}:${view.version}`) ?? 0),
      rowsAtLeast: !memory.complete,
      upkeep: source.computed === undefined ? 'events' : 'materialise',
      sequence: watermark?.sequence ?? null,
      // Events that were stored since the sequences were read may be online already.
      behind: last === null ? null : Math.max(0, last - (watermark?.sequence ?? 0)),
      replaced: watermark !== null && wereReplaced(watermark, servers),
      unfinished: unfinished === null ? null : formatInstant(unfinished.asOf),
    });
  }
  return { views, memory };
}

export function renderOnline({ views, memory }: OnlineStatus, style: Style): readonly string[] {
  const right = (title: string) => ({ title, align: 'right' as const });
  const viewRows = views.map((each) => [
    each.view,
    each.version,
    each.asOf ?? '–',
    `${formatCount(each.rows)}${each.rowsAtLeast ? '+' : ''}`,
    each.behind === null ? '–' : each.behind === 0 ? '0' : style.warn(formatCount(each.behind)),
    [...(each.replaced ? [style.warn(`a server of the cluster was restarted or replaced, events may be missing: granary materialise --view ${each.view}`)] : []), ...(each.unfinished === null ? [] : [style.warn(`stopped at ${each.unfinished}`)]), ...remarks(each)].join('; '),
  ]);
  const served = new Set(views.map(({ view, version }) => `${view}:${version}`));
  const memoryRows = memory.entities.flatMap(({ entity, views: parts }) =>
    parts.map((each) => [
      entity,
      each.view,
      formatBytes(each.meanBytes),
      formatBytes(each.largest.bytes),
      each.largest.key,
      served.has(`${each.view}:${each.version}`) ? '' : style.dim(`version ${each.version}, not of the head`),
    ]),
  );
  const rows = memory.entities.reduce((sum, each) => sum + each.views.reduce((all, view) => all + view.rows, 0), 0);
  const tables = [
    ...(viewRows.length === 0 ? [] : [renderTable([{ title: 'view' }, { title: 'version' }, { title: 'online as of' }, right('rows'), right('events behind'), { title: '' }], viewRows, style)]),
    ...(memoryRows.length === 0 ? [] : [`${renderTable([{ title: 'entity' }, { title: 'view' }, right('bytes a row'), right('largest'), { title: 'its key' }, { title: '' }], memoryRows, style)}\n${style.dim(memory.complete ? `of all ${plural(rows, 'row')}` : `from a sample of ${plural(rows, 'row')}`)}`]),
  ];
  return tables.length === 0 ? [] : [tables.join('\n\n')];
}

/** What is to be done for a view, where anything is. */
function remarks({ view, asOf, behind, upkeep }: OnlineViewStatus): readonly string[] {
  if (upkeep === 'materialise') return [asOf !== null && behind === 0 ? 'computed source: stays as of its last materialise' : `computed source, only brought up by: granary materialise --view ${view}`];
  return asOf === null ? [`granary materialise --view ${view}, or granary up`] : [];
}
