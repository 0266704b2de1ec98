import { GranaryError, formatInstant, type Instant, type VersionedView } from '@granary/contracts';
import { watermarkName, type OnlineStore, type ViewWatermark } from '@granary/online-store';

/** A materialisation under way; see `ViewWatermark`. */
export interface Unfinished extends NonNullable<ViewWatermark['unfinished']> {
  /** Every row is written: which rows are online is not exactly known. */
  readonly full: boolean;
}

export interface Watermark extends ViewWatermark {
  readonly unfinished: Unfinished | null;
}

/** The watermark of one view in one project, as runs see it that may be killed or meet each other. */
export interface Checkpoints {
  read(): Promise<Watermark | null>;
  /** Notes how far this run is; what was online before it stays noted. */
  note(before: Watermark | null, mine: Unfinished): Promise<void>;
  /**
   * Whether only this run was at work since its last note; false: so was one of an older instant, whose rows must be
   * overwritten. Throws INVALID_USAGE when it was a newer one, which is told to overwrite the rows of this run.
   */
  isAlone(mine: Unfinished): Promise<boolean>;
  finish(watermark: Omit<ViewWatermark, 'unfinished'>): Promise<void>;
}

/** No backfill has this sequence, so nothing can be compared with it. */
const UNKNOWN_SEQUENCE = -1;

export function checkpointsOf(store: OnlineStore, project: string, view: Pick<VersionedView, 'name' | 'version'>): Checkpoints {
  const name = watermarkName(project, view);
  const read = async (): Promise<Watermark | null> => (await store.readMeta(name)) as Watermark | null;
  return {
    read,
    async note(before, mine) {
      const { asOf = null, sequence = 0, rows = 0 } = before ?? {};
      await store.writeMeta(name, { asOf, sequence, rows, unfinished: mine } satisfies Watermark);
    },
    async isAlone(mine) {
      const found = await read();
      const other = found?.unfinished ?? found;
      if (found === null || other?.asOf == null) return false;
      const order = other.asOf - mine.asOf || other.sequence - mine.sequence;
      // Two runs of the same rows help each other.
      if (order === 0) return mine.full || found.unfinished?.full !== true;
      if (order < 0) return false;
      const told: Watermark = found.unfinished === null ? { ...found, sequence: UNKNOWN_SEQUENCE } : { ...found, unfinished: { ...found.unfinished, full: true, written: 0 } };
      await store.writeMeta(name, told);
      throw older(view.name, other.asOf, mine.asOf);
    },
    finish: (watermark) => store.writeMeta(name, { ...watermark, unfinished: null } satisfies Watermark),
  };
}

/** Throws INVALID_USAGE for an instant before what is online, or before what an interrupted run has begun to put there. */
export function refuseOlder(view: string, online: Watermark | null, at: Instant): void {
  for (const asOf of [online?.asOf, online?.unfinished?.asOf]) if (asOf != null && at < asOf) throw older(view, asOf, at);
}

/** Throws INVALID_USAGE for an instant that has not come: every run until then would be refused as older. */
export function refuseFuture(at: Instant, now: Instant): void {
  if (at <= now) return;
  throw new GranaryError('INVALID_USAGE', `Nothing can be materialised as of ${formatInstant(at)}: it is only ${formatInstant(now)}`, {
    todo: 'Give an instant up to now, or leave it out.',
  });
}

function older(view: string, online: Instant, at: Instant): GranaryError {
  return new GranaryError('INVALID_USAGE', `${view} is online as of ${formatInstant(online)}, later than ${formatInstant(at)}`, {
    todo: 'Give a later instant. Values of the past are read offline: granary dataset, or the backfilled tables.',
  });
}
