import type { Value } from '@granary/contracts';
import type { EventRow, OfflineStore } from '@granary/offline-store';
import type { ParityCase } from './cases.js';
import type { ExpressionMismatch } from './expressions.js';
import type { Answer, Question } from './oracle.js';

/** A difference between what the oracle and a path answered. */
export interface Mismatch {
  readonly path: string;
  readonly question: Question;
  readonly feature: string;
  readonly expected: Answer;
  readonly actual: Answer;
}

export interface Comparison {
  readonly compared: number;
  readonly mismatches: readonly (Mismatch | ExpressionMismatch)[];
  /** What was asked. */
  readonly paths: readonly string[];
}

/** The events of a world as the store takes them, and an empty table for them. */
export async function openEvents(store: OfflineStore, { source, events }: ParityCase): Promise<readonly EventRow[]> {
  await store.dropTable(`events_${source.name}`);
  await store.ensureSource(source);
  return events.map((event) => ({
    eventId: event.id,
    eventTime: event.time,
    knownAt: event.knownAt,
    values: source.fields.map((field) => event.row[field.name] ?? null),
  }));
}

/** Integers, strings and the rest to the letter; floats to 1e-9 of what went into them. */
export function agree(expected: Answer, actual: Answer): boolean {
  if (expected.otherwise !== undefined && agree(expected.otherwise, actual)) return true;
  if (expected.state !== actual.state) return false;
  const [a, b] = [expected.value, actual.value];
  if (typeof a === 'number' && typeof b === 'number') return a === b || Math.abs(a - b) <= 1e-9 * Math.max(expected.scale ?? 0, Math.abs(a), Math.abs(b));
  return textOf(a) === textOf(b);
}

/** Maps have no order. */
function textOf(value: Value | null): string {
  const entries = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)) : value;
  return JSON.stringify(entries, (_key, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item));
}
