import { viewParts } from '@granary/aggregates';
import { BACKFILL, type Instant, type VersionedView } from '@granary/contracts';
import type { RowSchema } from './layout.js';

/** The row of a view: the entity's newest event time, then the features' parts, in the view's order. */
export function viewRowSchema(view: Pick<VersionedView, 'version' | 'features'>): RowSchema {
  return {
    id: view.version,
    columns: [{ name: BACKFILL.eventTime, type: { kind: 'timestamp' } }, ...viewParts(view).map(({ name, type }) => ({ name, type }))],
  };
}

/** How far the rows of a view are; kept beside them, so that it is lost with them. */
export interface ViewWatermark {
  /** The rows are as of this instant. Null: the first materialisation has not finished. */
  readonly asOf: Instant | null;
  /** How many of the source's events they were computed from. */
  readonly sequence: number;
  readonly rows: number;
  /** A materialisation that has not finished: its instant, and how many chunks of how many are written. */
  readonly unfinished: { readonly asOf: Instant; readonly sequence: number; readonly chunks: number; readonly written: number } | null;
}

/** The name of a view's watermark in the store's meta. */
export function watermarkName(project: string, view: Pick<VersionedView, 'name' | 'version'>): string {
  return `watermark:${project}:${view.name}:${view.version}`;
}
