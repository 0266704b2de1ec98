import type { Source } from '@granary/contracts';
import type { Reject } from '@granary/offline-store';
import { stringify } from 'lossless-json';
import { createEventParser, type EventParser, type ParsedEvent } from '../ingest/event-parser.js';
import { UnreadableRow, type RejectedEvent } from './event-sink.js';

export interface ParsedEvents {
  readonly events: readonly ParsedEvent[];
  /** Where each of them stands in the request. */
  readonly positions: readonly number[];
  readonly rejected: readonly RejectedEvent[];
  /** The same for the source's dead letters; none of what comes from there. */
  readonly rejects: readonly Reject[];
  /** What all this takes in memory, about. */
  readonly bytes: number;
}

/** Compiles a source into a parser of pushed rows. */
export function createRowsParser(source: Source): (rows: readonly unknown[], origin: string | null) => ParsedEvents {
  const parser = createEventParser(source, 'json');
  return (rows, origin) => {
    const events: ParsedEvent[] = [];
    const positions: number[] = [];
    const rejected: RejectedEvent[] = [];
    const rejects: Reject[] = [];
    let bytes = 0;
    rows.forEach((row, index) => {
      const parsed = parseRow(parser, row);
      if (parsed.kind === 'event') {
        bytes += weightOf(parsed);
        positions.push(index);
        events.push(parsed);
        return;
      }
      rejected.push({ index, code: 'INVALID_EVENT', reason: parsed.reason });
      const [reject] = rejectsOf(row, origin, parsed.reason);
      if (reject === undefined) return;
      bytes += 2 * reject.text.length;
      rejects.push(reject);
    });
    return { events, positions, rejected, rejects, bytes };
  };
}

/** A pushed row as a dead letter of its own, unless it is one. */
export function rejectsOf(row: unknown, origin: string | null, reason: string): readonly Reject[] {
  if (origin === null) return [];
  return [{ file: origin, line: null, text: row instanceof UnreadableRow ? row.text : jsonText(row), reason }];
}

function parseRow(parser: EventParser, row: unknown): ReturnType<EventParser['parseRecord']> {
  if (row instanceof UnreadableRow) return { kind: 'rejected', reason: row.reason, mistake: row.reason };
  if (typeof row === 'object' && row !== null && !Array.isArray(row)) return parser.parseRecord(row as Readonly<Record<string, unknown>>);
  return { kind: 'rejected', reason: 'row: not a JSON object', mistake: 'row: not a JSON object' };
}

/** Whole numbers beyond 2^53, which `parseJson` reads as bigint, are written with all their digits; a number beyond float64 as text, for JSON has none. */
export function jsonText(row: unknown): string {
  return stringify(row, (_key, value) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value)) ?? 'null';
}

const ROW_BYTES = 200;

function weightOf({ eventId, values }: ParsedEvent): number {
  let bytes = ROW_BYTES + 2 * eventId.length;
  for (const value of values) bytes += typeof value === 'string' ? 2 * value.length : Array.isArray(value) ? 32 * value.length : 16;
  return bytes;
}
