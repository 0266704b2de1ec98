import { GranaryError, formatInstant, type Instant, type VersionedView } from '@granary/contracts';
import { unfinishedName, watermarkName, type OnlineStore, type UnfinishedView, type ViewWatermark } from '@granary/online-store';

type Named = Pick<VersionedView, 'name' | 'version'>;

export async function readWatermark(store: OnlineStore, project: string, view: Named): Promise<ViewWatermark | null> {
  return (await store.readMeta(watermarkName(project, view))) as ViewWatermark | null;
}

/** Moves a view's watermark on, never back: of several that do so at once each has its say. Gives what is noted then. */
export async function advanceWatermark(store: OnlineStore, project: string, view: Named, to: Omit<ViewWatermark, 'rows'> & { readonly rows?: number }): Promise<ViewWatermark> {
  const name = watermarkName(project, view);
  for (;;) {
    const from = (await store.readMeta(name)) as ViewWatermark | null;
    const next: ViewWatermark = {
      sequence: Math.max(from?.sequence ?? to.sequence, to.sequence),
      asOf: Math.max(from?.asOf ?? to.asOf, to.asOf),
      rows: to.rows ?? from?.rows ?? 0,
    };
    if (await store.swapMeta(name, from, next)) return next;
  }
}

export async function readUnfinished(store: OnlineStore, project: string, view: Named): Promise<UnfinishedView | null> {
  return (await store.readMeta(unfinishedName(project, view))) as UnfinishedView | null;
}

/** Null: it is finished. */
export async function noteUnfinished(store: OnlineStore, project: string, view: Named, run: UnfinishedView | null): Promise<void> {
  await store.writeMeta(unfinishedName(project, view), run);
}

/** Throws INVALID_USAGE for an instant before the one that the online values are for: what a read then needs may be gone. */
export function refuseOlder(view: string, online: ViewWatermark | null, at: Instant): void {
  if (online === null || at >= online.asOf) return;
  throw new GranaryError('INVALID_USAGE', `${view} is online as of ${formatInstant(online.asOf)}, later than ${formatInstant(at)}`, {
    todo: 'Give a later instant. Values of the past are read offline: granary dataset, or the backfilled tables.',
  });
}

/** Throws INVALID_USAGE for an instant that has not come: no read before it would be answered. */
export function refuseFuture(at: Instant, now: Instant): void {
  if (at <= now) return;
  throw new GranaryError('INVALID_USAGE', `Nothing can be materialised as of ${formatInstant(at)}: it is only ${formatInstant(now)}`, {
    todo: 'Give an instant up to now, or leave it out.',
  });
}
