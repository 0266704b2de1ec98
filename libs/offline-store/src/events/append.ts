import { GranaryError, eventsTable, formatType, identifier, type Instant, type JobOptions, type Scalar, type Source, type Value } from '@granary/contracts';
import type { Statements } from '../statements.js';
import { appendDirectly, fitsDirectly } from './append-directly.js';
import { appendStaged } from './append-staged.js';
import { distinctRows } from './distinct-rows.js';

export interface EventRow {
  /** The declared id, or the hash of the row's whole content. */
  readonly eventId: string;
  readonly eventTime: Instant;
  /** The event time, where the source declares no knownAt. */
  readonly knownAt: Instant;
  /** In the order of the source's fields. */
  readonly values: readonly (Value | null)[];
}

/**
 * What became of a row: `new`: a new event; `version`: another version of a stored event (a later known-at, other content of a
 * thing); `duplicate`: what is stored already, or stands in the same call.
 */
export type AppendOutcome = 'new' | 'version' | 'duplicate';

export interface AppendedRow {
  /** `__sequence` of the stored row that holds this one. */
  readonly sequence: number;
  readonly outcome: AppendOutcome;
}

export interface AppendResult {
  /** Rows that are `new` or a `version`. */
  readonly inserted: number;
  /** Rows that are stored already, or stand earlier in the same call; of a timeless source: or are superseded in it. */
  readonly duplicates: number;
  /** One of each row, in the order given. */
  readonly rows: readonly AppendedRow[];
  /** The greatest sequence of the source by then; 0: it has no events. */
  readonly lastSequence: number;
}

// One insert of this many rows is one part, so a killed process leaves whole batches.
const BATCH = 100_000;

/**
 * Appends events in the order given; each that is new gets the next `__sequence`. Idempotent: an id that is stored is the
 * same event, or (id, knownAt) where the source declares knownAt. In a timeless source the id names a thing: its row is a
 * new version unless it says what the thing's newest one does, and of several in a batch only the last counts. A batch that
 * was appended stays, whatever becomes of the next. To be run in turns: two at once may give two events one sequence.
 * Up to some thousand rows take two statements; more go through a staging table. Throws INVALID_VALUE, before it appends
 * anything, for NaN and infinite values; CANCELLED and what `Statements` throws.
 */
export async function appendEvents(
  statements: Statements,
  source: Source,
  rows: readonly EventRow[],
  options: JobOptions = {},
): Promise<AppendResult> {
  for (const row of rows) refuseNotFinite(source, row);
  const appended: AppendedRow[] = [];
  let inserted = 0;
  let lastSequence = 0;
  // No rows are a batch too: its answer has the last sequence.
  for (let from = 0; from === 0 || from < rows.length; from += BATCH) {
    if (options.signal?.aborted) throw new GranaryError('CANCELLED', `appending to ${source.name} was cancelled`, { details: { inserted } });
    const { distinct, positions, distinctOf } = distinctRows(source, rows.slice(from, from + BATCH));
    const batch = await (fitsDirectly(source, distinct) ? appendDirectly : appendStaged)(statements, source, distinct);
    distinctOf.forEach((at, i) => {
      const row = batch.rows[at]!;
      appended.push(positions[at] === i ? row : { ...row, outcome: 'duplicate' });
    });
    inserted += batch.rows.filter(({ outcome }) => outcome !== 'duplicate').length;
    lastSequence = batch.lastSequence;
    options.onProgress?.({ stage: `append ${source.name}`, done: Math.min(rows.length, from + BATCH), total: rows.length, unit: 'rows' });
  }
  return Object.freeze({ inserted, duplicates: rows.length - inserted, rows: appended, lastSequence });
}

/** ClickHouse and JavaScript order, compare and aggregate NaN each in their own way: no column of events holds it. */
function refuseNotFinite(source: Source, { eventId, values }: EventRow): void {
  values.forEach((value, i) => {
    const items = Array.isArray(value) ? (value as readonly Scalar[]) : [value];
    const wrong = items.find((item) => typeof item === 'number' && !Number.isFinite(item));
    if (wrong === undefined) return;
    const { name, type } = source.fields[i]!;
    throw new GranaryError('INVALID_VALUE', `${source.name}: ${name} of the event ${eventId} is ${String(wrong)}, which is not ${formatType(type)}`, { todo: 'Give a finite number, or null.' });
  });
}

export async function countEvents(statements: Statements, source: Pick<Source, 'name'>): Promise<number> {
  const [row] = await statements.rows({ sql: `SELECT count() AS n FROM ${identifier(eventsTable(source))}`, params: {} });
  return Number(row!.n);
}
