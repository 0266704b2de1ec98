/** Columns of a spine table beside the entity keys, request fields and whatever else it carries. */
export const SPINE = {
  /** UInt64, from 1: the order of the rows of the training set. */
  row: '__row',
  /** DateTime64(3, 'UTC'): the instant the row asks about. */
  time: '__time',
  /** String: the id of the source event that the row is, or ''. A window with includeRequest then takes the event once. */
  eventId: '__event_id',
  /** UInt64: the sequence of that event; only a spine whose `events` is a source has it. */
  sequence: '__sequence',
} as const;

/** A table of the questions to answer: which entities, as of when. */
export interface Spine {
  readonly table: string;
  /** Columns to carry into the training set, in order; one whose name a feature has too goes in as `<name>__spine`. */
  readonly columns: readonly string[];
  /**
   * The source whose events the rows are: each row one of them, with its id, sequence, time and fields, as
   * `compileEventSpine` gives them. Null: no row is an event, and there need be no event ids. Left out: each row may be
   * one, as its id says. The more is said, the faster the statement.
   */
  readonly events?: string | null | undefined;
}
