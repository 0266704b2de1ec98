import { GranaryError, formatInstant, type Instant, type VersionedView } from '@granary/contracts';
import { unfinishedName, updateWatermark, type OnlineStore, type UnfinishedView, type ViewWatermark } from '@granary/online-store';

type Named = Pick<VersionedView, 'name' | 'version'>;

/** Moves a view's watermark on, never back. */
export async function advanceWatermark(store: OnlineStore, project: string, view: Named, to: ViewWatermark): Promise<void> {
  await updateWatermark(store, project, view, (from) => ({
    sequence: Math.max(from?.sequence ?? to.sequence, to.sequence),
    asOf: Math.max(from?.asOf ?? to.asOf, to.asOf),
    rows: to.rows,
    // What is written by and by keeps the servers of the whole.
    ...serversOf(to.servers === undefined ? from : to),
  }));
}

function serversOf(noted: Pick<ViewWatermark, 'servers'> | null): Pick<ViewWatermark, 'servers'> {
  return noted?.servers === undefined ? {} : { servers: noted.servers };
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
