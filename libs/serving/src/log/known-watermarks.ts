import type { VersionedView } from '@granary/contracts';
import { readWatermark, type OnlineStore } from '@granary/online-store';

/** How old they may be, in ms. */
const FRESH_MS = 1_000;

/**
 * How far views are online, read beside the reads that ask: what is known before a read begins is in the rows that it gets,
 * also of an entity that has no row at all.
 */
export class KnownWatermarks {
  readonly #read: () => Promise<ReadonlyMap<string, number>>;
  #known: ReadonlyMap<string, number> = new Map();
  #since = Number.NEGATIVE_INFINITY;

  constructor(store: OnlineStore, project: string, views: readonly VersionedView[]) {
    this.#read = async () =>
      new Map(
        await Promise.all(
          views.map(async (view): Promise<[string, number]> => {
            const watermark = await readWatermark(store, project, view);
            return [view.name, watermark?.sequence ?? 0];
          }),
        ),
      );
  }

  /** By view: every event up to this sequence is online. Never waits: views that nothing is known of yet are left out. */
  current(): ReadonlyMap<string, number> {
    const now = performance.now();
    if (now - this.#since > FRESH_MS) {
      this.#since = now;
      // A store that is away is the reads' concern.
      this.#read().then((known) => (this.#known = known), () => undefined);
    }
    return this.#known;
  }
}
