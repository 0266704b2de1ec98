import { GranaryError, type Snapshot, type Source } from '@granary/contracts';

/** `INVALID_EVENT`: it is not as its source declares. `CONFLICTING_EVENT`: its id is that of a stored event with other content, which stays. */
export type RejectionCode = 'INVALID_EVENT' | 'CONFLICTING_EVENT';

/** A pushed event that is not stored; it is among the source's dead letters. */
export interface RejectedEvent {
  /** Among the events of the request, from 0. */
  readonly index: number;
  readonly code: RejectionCode;
  /** Field, value and wanted type; of a conflict the fields that contradict what is stored. */
  readonly reason: string;
}

/** accepted + rejected = events given. */
export interface IntakeResult {
  /** Events that survive whatever happens to this process now. */
  readonly accepted: number;
  /** How many of them were stored already, with the same content; null where that shows only later (behind a stream), as conflicts do then. */
  readonly duplicates: number | null;
  readonly rejected: readonly RejectedEvent[];
}

/** A row that could not even be read as an object: a line that is no JSON. */
export class UnreadableRow {
  constructor(
    readonly text: string,
    readonly reason: string,
  ) {}
}

export interface AcceptOptions {
  /** Where the events came from, for the dead letters: `http`, `graphql`. Null: from the dead letters, where those that are rejected again stay as they are. */
  readonly origin: string | null;
}

/** What takes events in: the intake itself, or a stream on the way to one. */
export interface EventSink {
  /**
   * Takes events of a source, as objects of its fields (as JSON has them; whole numbers beyond 2^53 as bigint or text).
   * Resolves when they are durable, and visible in the next read where the sink publishes them. Events that are not as
   * declared, or contradict what is stored, are rejected one by one.
   * Throws UNKNOWN_SOURCE, INVALID_USAGE (a computed source), TOO_MANY_EVENTS, BUSY (`details.retryAfterMs`), STORE_UNAVAILABLE
   * and QUERY_FAILED: then none of them is acknowledged, though they may be stored; sent again they are duplicates.
   */
  accept(source: string, rows: readonly unknown[], options: AcceptOptions): Promise<IntakeResult>;
  /** Rejects while it can't take events. */
  ping(): Promise<void>;
  /** Takes no more, finishes what it has. The stores stay open. */
  close(): Promise<void>;
}

/** Finds a source that events can be pushed to. Throws UNKNOWN_SOURCE and INVALID_USAGE. */
export function pushableSource(snapshot: Pick<Snapshot, 'sources'>, name: string): Source {
  const source = snapshot.sources.find((each) => each.name === name);
  if (source === undefined) {
    const names = snapshot.sources.filter(({ computed }) => computed === undefined).map((each) => each.name);
    throw new GranaryError('UNKNOWN_SOURCE', `There is no source ${name}`, { todo: `Name one of ${names.join(', ') || '(none is declared)'}.`, details: { source: name } });
  }
  const { computed } = source;
  if (computed === undefined) return source;
  const inputs = computed.kind === 'sql' ? computed.inputs : [computed.events];
  throw new GranaryError('INVALID_USAGE', `${name} is computed from other sources: nothing can be pushed to it`, { todo: `Push to ${inputs.join(', ')}.`, details: { source: name } });
}
