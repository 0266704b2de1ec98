import type { VersionedView } from '@granary/contracts';
import { readWatermark, type OnlineStore } from '@granary/online-store';

/** By the names of the views that are online: every event up to this sequence is in the rows of the view. */
export type Watermarks = ReadonlyMap<string, number>;

/** How old they may be before they are read anew, in ms. */
const FRESH_MS = 1_000;

/**
 * How far views are online. What is known before a read begins is in the rows that it gets, also of an entity that has no row at
 * all, unless the store has lost its connection since: then it may have lost rows, and nothing is known.
 */
export class KnownWatermarks {
  readonly #store: OnlineStore;
  readonly #project: string;
  readonly #views: readonly VersionedView[];
  #known: Watermarks | null = null;
  #incarnation = Number.NaN;
  #since = Number.NEGATIVE_INFINITY;
  #reading: Promise<Watermarks> | null = null;

  constructor(store: OnlineStore, project: string, views: readonly VersionedView[]) {
    this.#store = store;
    this.#project = project;
    this.#views = views;
  }

  /** Without a wait, a second old at most, and read anew beside the caller where they are older. Null: they must be read first. */
  current(): Watermarks | null {
    if (this.#incarnation !== this.#store.incarnation()) return null;
    // A store that is away is the concern of who reads rows.
    if (performance.now() - this.#since > FRESH_MS) this.read().catch(() => undefined);
    return this.#known;
  }

  /** Reads them; who asks meanwhile waits for the same answer. Throws STORE_UNAVAILABLE. */
  read(): Promise<Watermarks> {
    return (this.#reading ??= this.#read().finally(() => (this.#reading = null)));
  }

  async #read(): Promise<Watermarks> {
    for (;;) {
      const incarnation = this.#store.incarnation();
      this.#since = performance.now();
      const found = await Promise.all(this.#views.map((view) => readWatermark(this.#store, this.#project, view)));
      if (incarnation !== this.#store.incarnation()) continue;
      const known = new Map(this.#views.flatMap((view, i): [string, number][] => (found[i] == null ? [] : [[view.name, found[i].sequence]])));
      this.#incarnation = incarnation;
      this.#known = known;
      return known;
    }
  }
}
