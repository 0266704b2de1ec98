import type { Instant, VersionedView } from '@granary/contracts';

/** How far the online values of a view are; kept beside them, so that it is lost with them. */
export interface ViewWatermark {
  /** Every event up to this sequence is in the values: of a computed source the sum of those that its stored ones are read up to. */
  readonly sequence: number;
  /** Reads at or after this instant are answered. */
  readonly asOf: Instant;
  /** How many entities had a visible event when the view was last materialised. */
  readonly rows: number;
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
}

/** The name of a view's watermark in the store's meta. */
export function watermarkName(project: string, view: Pick<VersionedView, 'name' | 'version'>): string {
  return `cursor:${project}:${view.name}:${view.version}`;
}

/** The name of what is noted of a view's unfinished materialisation. */
export function unfinishedName(project: string, view: Pick<VersionedView, 'name' | 'version'>): string {
  return `unfinished:${project}:${view.name}:${view.version}`;
}
