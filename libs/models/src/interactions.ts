import { GranaryError, type Value } from '@granary/contracts';
import { encodeIds, type Vocabulary } from './vocabulary.js';

/** Columns of equal length, one entry per event, in the order of arrival (which breaks ties of time). */
export interface InteractionColumns {
  readonly users: readonly Value[];
  readonly items: readonly Value[];
  /** How much each event counts, ≥ 0; left out: 1 each. */
  readonly weights?: ArrayLike<number> | undefined;
  /** Event times, epoch milliseconds. */
  readonly times: ArrayLike<number>;
}

/** Events of each user from `offsets[user]` to `offsets[user + 1]`, oldest first; equal times keep the order of arrival. */
export interface UserEvents {
  readonly offsets: Int32Array;
  readonly items: Int32Array;
  readonly weights: Float32Array;
  readonly times: Float64Array;
}

/** A binary matrix in compressed rows: the columns of row r are `columns[offsets[r]] … columns[offsets[r + 1] − 1]`, ascending. */
export interface SparseRows {
  readonly offsets: Int32Array;
  readonly columns: Int32Array;
}

/** Who interacted with what: every event, and the distinct (user, item) pairs by user and by item. */
export interface Interactions {
  readonly users: Vocabulary;
  readonly items: Vocabulary;
  readonly events: UserEvents;
  readonly byUser: SparseRows;
  readonly byItem: SparseRows;
}

/** Builds the matrix. Throws INVALID_VALUE for columns of unequal length, and for a weight or time that is no finite number. */
export function createInteractions(columns: InteractionColumns): Interactions {
  const size = columns.users.length;
  check(columns);
  const users = encodeIds(columns.users);
  const items = encodeIds(columns.items);
  const weights = new Float32Array(size).fill(1);
  if (columns.weights !== undefined) weights.set(columns.weights);
  const events = sortEvents(users.vocabulary.keys.length, users.codes, items.codes, weights, Float64Array.from(columns.times));
  return fromEvents(users.vocabulary, items.vocabulary, events);
}

/** The same users and items, with other events of theirs (ordered as `UserEvents` says). */
export function fromEvents(users: Vocabulary, items: Vocabulary, events: UserEvents): Interactions {
  const byUser = distinctColumns(events.offsets, events.items, items.keys.length);
  return Object.freeze({ users, items, events, byUser, byItem: transpose(byUser, items.keys.length) });
}

function check(columns: InteractionColumns): void {
  const size = columns.users.length;
  for (const name of ['items', 'times', 'weights'] as const) {
    const column = columns[name];
    if (column === undefined) continue;
    if (column.length !== size) {
      throw new GranaryError('INVALID_VALUE', `Interactions need columns of equal length: ${size} users, ${column.length} ${name}`, {
        todo: 'Give one user, item, time and weight per event.',
      });
    }
    if (name === 'items') continue;
    for (let i = 0; i < size; i++) {
      const value = column[i] as number;
      if (Number.isFinite(value) && (name === 'times' || value >= 0)) continue;
      throw new GranaryError('INVALID_VALUE', `Interaction ${i} has ${value} among its ${name}`, {
        todo: 'Give finite times (epoch milliseconds) and weights of at least 0.',
      });
    }
  }
}

function sortEvents(userCount: number, users: Int32Array, items: Int32Array, weights: Float32Array, times: Float64Array): UserEvents {
  const order = new Uint32Array(users.length);
  for (let i = 0; i < order.length; i++) order[i] = i;
  order.sort((a, b) => users[a]! - users[b]! || times[a]! - times[b]! || a - b);
  const offsets = new Int32Array(userCount + 1);
  for (const user of users) offsets[user + 1]!++;
  for (let u = 0; u < userCount; u++) offsets[u + 1]! += offsets[u]!;
  const sorted = { offsets, items: new Int32Array(order.length), weights: new Float32Array(order.length), times: new Float64Array(order.length) };
  for (let i = 0; i < order.length; i++) {
    const from = order[i]!;
    sorted.items[i] = items[from]!;
    sorted.weights[i] = weights[from]!;
    sorted.times[i] = times[from]!;
  }
  return sorted;
}

function distinctColumns(offsets: Int32Array, columns: Int32Array, columnCount: number): SparseRows {
  const rows = offsets.length - 1;
  const distinctOffsets = new Int32Array(rows + 1);
  const distinct = new Int32Array(columns.length);
  const seenInRow = new Int32Array(columnCount).fill(-1);
  let size = 0;
  for (let row = 0; row < rows; row++) {
    const start = size;
    for (let at = offsets[row]!; at < offsets[row + 1]!; at++) {
      const column = columns[at]!;
      if (seenInRow[column] === row) continue;
      seenInRow[column] = row;
      distinct[size++] = column;
    }
    distinct.subarray(start, size).sort();
    distinctOffsets[row + 1] = size;
  }
  return { offsets: distinctOffsets, columns: distinct.slice(0, size) };
}

/** Rows become columns; columns of each new row stay ascending. */
export function transpose(matrix: SparseRows, columnCount: number): SparseRows {
  const offsets = new Int32Array(columnCount + 1);
  for (const column of matrix.columns) offsets[column + 1]!++;
  for (let c = 0; c < columnCount; c++) offsets[c + 1]! += offsets[c]!;
  const next = offsets.slice();
  const columns = new Int32Array(matrix.columns.length);
  for (let row = 0; row + 1 < matrix.offsets.length; row++) {
    for (let at = matrix.offsets[row]!; at < matrix.offsets[row + 1]!; at++) columns[next[matrix.columns[at]!]!++] = row;
  }
  return { offsets, columns };
}

/** A row's columns, as a view of the matrix. */
export function rowOf(matrix: SparseRows, row: number): Int32Array {
  return matrix.columns.subarray(matrix.offsets[row]!, matrix.offsets[row + 1]!);
}

/** The items a user interacted with, by event, oldest first, repeats included; a view. */
export function historyOf(interactions: Interactions, user: number): Int32Array {
  const { offsets, items } = interactions.events;
  return items.subarray(offsets[user]!, offsets[user + 1]!);
}

/** When a user was last seen, epoch milliseconds; null without events. */
export function lastTimeOf(interactions: Interactions, user: number): number | null {
  const { offsets, times } = interactions.events;
  const end = offsets[user + 1]!;
  return end === offsets[user] ? null : times[end - 1]!;
}
