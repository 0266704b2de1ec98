import type { Source } from '@granary/contracts';
import type { Reject } from '@granary/offline-store';
import { stringify } from 'lossless-json';
import { createEventParser, type EventParser, type ParsedEvent } from '../ingest/event-parser.js';
import { UnreadableRow, type RejectedEvent } from './event-sink.js';

export interface ParsedEvents {
  readonly events: readonly ParsedEvent[];
  readonly rejected: readonly RejectedEvent[];
  /** The same for the source's dead letters. */
  readonly rejects: readonly Reject[];
  /** What all this takes in memory, about. */
  readonly bytes: number;
}

/** Compiles a source into a parser of pushed rows. */
export function createRowsParser(source: Source): (rows: readonly unknown[], origin: string) => ParsedEvents {
  const parser = createEventParser(source, 'json');
  return (rows, origin) => {
    const events: ParsedEvent[] = [];
    const rejected: RejectedEvent[] = [];
    const rejects: Reject[] = [];
    let bytes = 0;
    rows.forEach((row, index) => {
      const parsed = parseRow(parser, row);
      if (parsed.kind === 'event') {
        bytes += weightOf(parsed);
        events.push(parsed);
        return;
      }
      const text = row instanceof UnreadableRow ? row.text : jsonText(row);
      bytes += 2 * text.length;
      rejected.push({ index, reason: parsed.reason });
      rejects.push({ file: origin, line: 0, text, reason: parsed.reason });
    });
    return { events, rejected, rejects, bytes };
  };
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
