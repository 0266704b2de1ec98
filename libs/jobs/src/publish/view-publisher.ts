import { compileTailEvent, type SourceEvent, type TailEvent } from '@granary/aggregates';
import { REPLACES, compileArrivals, compileTouchedKeys } from '@granary/compiler';
import { EVENT, identifier, isGranaryError, type Instant, type Snapshot, type Value } from '@granary/contracts';
import type { OfflineStore, Row } from '@granary/offline-store';
import { readWatermark, updateWatermark, wereReplaced, type Appended, type OnlineStore, type PackedRow, type ViewWatermark } from '@granary/online-store';
import { baseWriter, writeBases, type BaseWriter } from '../materialise/bases.js';
import { materialise } from '../materialise/materialise.js';
import { withStage } from '../stage-table.js';
import type { ViewParts } from '../view-parts.js';

export interface PublishLimits {
  /** Events that are read from the table at once. */
  readonly batchRows: number;
  /** Where more events than these are missing, entities are materialised and not events appended. */
  readonly materialiseRows: number;
  /** A tail of more bytes is folded, if it is also more than half of its base. */
  readonly tailBytes: number;
  /** Bases that are written are for reads from this long ago on, in ms: clocks differ, and requests name their own time. */
  readonly slackMs: number;
}

/** Keeps the online values of one view of a stored source up to date. Several may, in as many processes. */
export class ViewPublisher {
  readonly #snapshot: Snapshot;
  readonly #parts: ViewParts;
  readonly #offline: OfflineStore;
  readonly #online: OnlineStore;
  readonly #project: string;
  readonly #now: () => Instant;
  readonly #limits: PublishLimits;
  readonly #writer: BaseWriter;
  readonly #tailEvent: (event: SourceEvent) => TailEvent;
  readonly #keyPositions: readonly number[];
  #queue: Promise<unknown> = Promise.resolve();
  /** The store's incarnation in which nothing was found lost. */
  #whole = Number.NaN;

  constructor(offline: OfflineStore, online: OnlineStore, snapshot: Snapshot, parts: ViewParts, options: { readonly project: string; readonly now: () => Instant; readonly limits: PublishLimits }) {
    this.#offline = offline;
    this.#online = online;
    this.#snapshot = snapshot;
    this.#parts = parts;
    this.#project = options.project;
    this.#now = options.now;
    this.#limits = options.limits;
    this.#writer = baseWriter(offline, online, parts, options.project);
    this.#tailEvent = compileTailEvent(this.#writer.kept.events, parts.source);
    this.#keyPositions = parts.view.keyFields.map((name) => parts.source.fields.findIndex((field) => field.name === name));
  }

  /**
   * Brings what is online up to `last`, and resolves when every read sees it. `events`: what of it is at hand, each sequence
   * once at most; what lies between the watermark and `last` and is not among them is read from the table. What fails is
   * done again by the next call.
   */
  publish(events: readonly SourceEvent[], last: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue = this.#queue.then(() => this.#publish(events, last, resolve)).then(resolve, reject);
    });
  }

  /** Resolves when the watermark is at what was published, and grown tails are folded; that failed calls failed is theirs to say. */
  async settled(): Promise<void> {
    await this.#queue;
  }

  async #publish(events: readonly SourceEvent[], last: number, visible: () => void): Promise<void> {
    for (;;) {
      const incarnation = this.#online.incarnation();
      const from = await this.#watermark(last);
      if (from.sequence >= last) return;
      const fresh = events.filter(({ sequence }) => sequence > from.sequence && sequence <= last);
      const atHand = fresh.length === last - from.sequence;
      const until = atHand ? last : Math.min(last, from.sequence + this.#limits.batchRows);
      const grown = atHand ? await this.#append(fresh) : await this.#appendStored(from, until);
      // A store that went away may be back with less than it had then: how far it is, it must say anew.
      if (incarnation !== this.#online.incarnation()) continue;
      // A watermark that stays behind costs the next call a look at the table, and no event.
      if (until === last) visible();
      const to = await this.#move(until);
      if (to !== null) await this.#fold(grown, to);
    }
  }

  /** How far the view is; one that has never been materialised, or is far behind, is materialised first. */
  async #watermark(last: number): Promise<ViewWatermark> {
    const found = await readWatermark(this.#online, this.#project, this.#parts.view);
    if (found !== null && last - found.sequence <= this.#limits.materialiseRows && !(await this.#isLost(found))) return found;
    const at = this.#pointAt(found);
    await materialise(this.#offline, this.#online, this.#snapshot, { at, now: () => at, project: this.#project, views: [this.#parts.view.name] });
    return (await readWatermark(this.#online, this.#project, this.#parts.view))!;
  }

  /** Whether rows may be gone that the watermark says are there; asked once for each time that the store went away. */
  async #isLost(watermark: ViewWatermark): Promise<boolean> {
    const incarnation = this.#online.incarnation();
    if (incarnation === this.#whole) return false;
    if (wereReplaced(watermark, await this.#online.servers())) return true;
    this.#whole = incarnation;
    return false;
  }

  /** The T of bases written now. */
  #pointAt(watermark: ViewWatermark | null): Instant {
    return Math.max(watermark?.asOf ?? Number.MIN_SAFE_INTEGER, this.#now() - this.#limits.slackMs);
  }

  /** Moves the watermark on to a sequence up to which all is done. Null: the store has lost its values, and all begins anew. */
  async #move(sequence: number): Promise<ViewWatermark | null> {
    return updateWatermark(this.#online, this.#project, this.#parts.view, (found) => (found === null || found.sequence >= sequence ? null : { ...found, sequence }));
  }

  async #append(events: readonly SourceEvent[]): Promise<readonly Appended[]> {
    const { codec, keyOf } = this.#writer;
    const rows = events.map((event) => ({ key: keyOf(this.#keyPositions.map((at) => event.values[at]!)), frame: codec.encodeFrame(this.#tailEvent(event)) }));
    return this.#online.append(rows, codec.emptyBase());
  }

  async #appendStored(from: ViewWatermark, until: number): Promise<readonly Appended[]> {
    const rows = await this.#offline.rows(compileArrivals(this.#parts.source, { since: from.sequence, until }), { comment: `publish ${this.#parts.view.name}` });
    // What takes the place of another version can't be taken out of a fold: the entities are computed anew.
    if (!rows.some((row) => Boolean(row[REPLACES]))) return this.#append(rows.map((row) => this.#eventOf(row)));
    await this.#rebuild(from, until);
    return [];
  }

  async #rebuild(from: ViewWatermark, until: number): Promise<void> {
    const { view, entity, source } = this.#parts;
    const names = entity.keys.map((key) => key.name);
    const touched = compileTouchedKeys(view, entity, source, { since: from.sequence, until });
    await withStage(this.#offline, { purpose: 'keys', orderBy: names }, touched, (keysIn) =>
      writeBases(this.#writer, {
        sequence: until,
        asOf: this.#pointAt(from),
        scope: { horizon: new Map([[source.name, until]]), keysIn },
        candidates: { sql: `SELECT ${names.map(identifier).join(', ')} FROM ${identifier(keysIn)}`, params: {} },
        limits: {},
      }),
    );
  }

  #eventOf(row: Row): SourceEvent {
    return {
      sequence: Number(row[EVENT.sequence]),
      eventTime: row[EVENT.time] as Instant,
      knownAt: row[EVENT.knownAt] as Instant,
      values: this.#parts.source.fields.map(({ name }) => row[name] as Value | null),
    };
  }

  /** Folds tails that have grown. The watermark was read before the rows: every event up to it is in them. */
  async #fold(appended: readonly Appended[], watermark: ViewWatermark): Promise<void> {
    const { codec, compact } = this.#writer;
    const grown = appended.filter(({ bytes, tailBytes }) => tailBytes > Math.max(this.#limits.tailBytes, (bytes - tailBytes) / 2)).map(({ key }) => key);
    if (grown.length === 0) return;
    const to = { sequence: watermark.sequence, asOf: this.#pointAt(watermark) };
    const stored = await this.#online.read(grown);
    const folded = grown.flatMap((key, i): PackedRow[] => {
      const bytes = stored[i];
      if (bytes == null) return [];
      const state = codec.decode(bytes);
      if (state.sequence >= to.sequence) return [];
      try {
        return [{ key, value: codec.encodeBase(compact(state, to)) }];
      } catch (error) {
        // A total has left its type, as a count may int32: one entity must not stop the source. Its tail stays as it is.
        if (!isGranaryError(error, 'INVALID_VALUE')) throw error;
        return [];
      }
    });
    await this.#online.write(folded);
  }
}
