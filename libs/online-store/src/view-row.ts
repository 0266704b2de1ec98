import type { Instant, VersionedView } from '@granary/contracts';
import type { OnlineStore } from './store.js';

type Named = Pick<VersionedView, 'name' | 'version'>;

/** How far the online values of a view are; kept beside them, so that it is lost with them. */
export interface ViewWatermark {
  /** Every event up to this sequence is in the values: of a computed source the sum of those that its stored ones are read up to. */
  readonly sequence: number;
  /** Reads at or after this instant are answered. */
  readonly asOf: Instant;
  /** How many entities had a visible event when the view was last materialised. */
  readonly rows: number;
  /** The store's servers when all was written (`OnlineStore.servers`). Left out: it has none. */
  readonly servers?: readonly string[];
}

/** A materialisation that has not finished. */
export interface UnfinishedView {
  /** By stored source: the events that it reads. */
  readonly horizon: Readonly<Record<string, number>>;
  readonly asOf: Instant;
  /** Only entities with events after this sequence; null: all. */
  readonly since: number | null;
  /** How many chunks of how many are written. */
  readonly chunks: number;
  readonly written: number;
  /** As of the watermark; those that it began with. */
  readonly servers?: readonly string[];
}

/** Whether the store's servers are others than those that something was written to: some of it may be lost. */
export function wereReplaced(noted: Pick<ViewWatermark, 'servers'>, servers: readonly string[]): boolean {
  return noted.servers !== undefined && noted.servers.join() !== servers.join();
}

/** The name of a view's watermark in the store's meta. */
export function watermarkName(project: string, view: Named): string {
  return `cursor:${project}:${view.name}:${view.version}`;
}

/** The name of what is noted of a view's unfinished materialisation. */
export function unfinishedName(project: string, view: Named): string {
  return `unfinished:${project}:${view.name}:${view.version}`;
}

/** Null: the view has never been materialised. */
export async function readWatermark(store: Pick<OnlineStore, 'readMeta'>, project: string, view: Named): Promise<ViewWatermark | null> {
  return (await store.readMeta(watermarkName(project, view))) as ViewWatermark | null;
}

/** Notes what `change` makes of a view's watermark; of several that do so at once each has its say. Null from `change`: it stays. Gives what is noted then. */
export async function updateWatermark(store: OnlineStore, project: string, view: Named, change: (found: ViewWatermark | null) => ViewWatermark | null): Promise<ViewWatermark | null> {
  for (;;) {
    const found = await readWatermark(store, project, view);
    const next = change(found);
    if (next === null) return found;
    if (await store.swapMeta(watermarkName(project, view), found, next)) return next;
  }
}

/** Null: the view's last materialisation has finished. */
export async function readUnfinished(store: Pick<OnlineStore, 'readMeta'>, project: string, view: Named): Promise<UnfinishedView | null> {
  return (await store.readMeta(unfinishedName(project, view))) as UnfinishedView | null;
}
