import { GranaryError, eventsTable, formatType, identifier, type Instant, type JobOptions, type Scalar, type Source, type Value } from '@granary/contracts';
import type { Statements } from '../statements.js';
import { appendDirectly, fitsDirectly } from './append-directly.js';
import { appendStaged } from './append-staged.js';
import { canConflict, differingFields, findDifferences, type Suspect } from './conflicts.js';
import { distinctRows, type DistinctRows } from './distinct-rows.js';

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
 * thing); `duplicate`: what is stored already, or stands in the same call; `conflict`: its id is that of a stored event, or of one
 * earlier in the call, whose content is another, and the source says of no event that it replaces another one. It is not stored.
 */
export type AppendOutcome = 'new' | 'version' | 'duplicate' | 'conflict';

export interface AppendedRow {
  /** `__sequence` of the stored row that holds this one; of a conflict, of the one that it contradicts. */
  readonly sequence: number;
  readonly outcome: AppendOutcome;
  /** Of a conflict: the fields in which it differs from what is stored. */
  readonly differs?: readonly string[];
}

/** What became of distinct rows, before their content is compared. */
export interface AppendedBatch {
  readonly rows: readonly AppendedRow[];
  readonly lastSequence: number;
  /** The duplicates whose stored content may be another. Left out: any. */
  readonly suspects?: ReadonlySet<number>;
}

export interface AppendResult {
  /** Rows that are `new` or a `version`. */
  readonly inserted: number;
  /** Rows that are stored already, or stand earlier in the same call; of a timeless source: or are superseded in it. */
  readonly duplicates: number;
  /** Rows that contradict a stored event. */
  readonly conflicts: number;
  /** One of each row, in the order given. */
  readonly rows: readonly AppendedRow[];
  /** The greatest sequence of the source by then; 0: it has no events. */
  readonly lastSequence: number;
}

// One insert of this many rows is one part, so a killed process leaves whole batches.
const BATCH = 100_000;

/**
 * Appends events in the order given; each that is new gets the next `__sequence`. Idempotent: an id that is stored is the
 * same event, or (id, knownAt) where the source declares knownAt; with other content it is a conflict. In a timeless source the id names a thing: its row is a
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
  let lastSequence = 0;
  const count = (wanted: readonly AppendOutcome[]): number => appended.filter(({ outcome }) => wanted.includes(outcome)).length;
  // No rows are a batch too: its answer has the last sequence.
  for (let from = 0; from === 0 || from < rows.length; from += BATCH) {
    if (options.signal?.aborted) throw new GranaryError('CANCELLED', `appending to ${source.name} was cancelled`, { details: { inserted: count(STORED) } });
    const given = rows.slice(from, from + BATCH);
    const distinct = distinctRows(source, given);
    const batch = await (fitsDirectly(source, distinct.distinct) ? appendDirectly : appendStaged)(statements, source, distinct.distinct);
    for (const row of await outcomes(statements, source, given, distinct, batch)) appended.push(row);
    lastSequence = batch.lastSequence;
    options.onProgress?.({ stage: `append ${source.name}`, done: Math.min(rows.length, from + BATCH), total: rows.length, unit: 'rows' });
  }
  return Object.freeze({ inserted: count(STORED), duplicates: count(['duplicate']), conflicts: count(['conflict']), rows: appended, lastSequence });
}

const STORED: readonly AppendOutcome[] = ['new', 'version'];

/** What became of each row given. Only where one is stored already, or stands in the batch twice with other content, the table is asked what its event holds. */
async function outcomes(statements: Statements, source: Source, given: readonly EventRow[], { distinct, positions, distinctOf }: DistinctRows, { rows, suspects: maybe }: AppendedBatch): Promise<AppendedRow[]> {
  const suspects = !canConflict(source) ? [] : given.flatMap((row, i): readonly Suspect[] => {
    const at = distinctOf[i]!;
    const { outcome, sequence } = rows[at]!;
    const suspected = positions[at] === i ? outcome === 'duplicate' && maybe?.has(at) !== false : differingFields(source, row.values, distinct[at]!.values).length > 0;
    return suspected ? [{ row, sequence }] : [];
  });
  const differences = await findDifferences(statements, source, suspects);
  return given.map((row, i): AppendedRow => {
    const at = distinctOf[i]!;
    const { sequence, outcome } = rows[at]!;
    // A row that says what the first of its id does contradicts what that one does.
    const differs = differences.get(row) ?? differences.get(distinct[at]!) ?? [];
    if (differs.length > 0) return { sequence, outcome: 'conflict', differs };
    return { sequence, outcome: positions[at] === i ? outcome : 'duplicate' };
  });
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
