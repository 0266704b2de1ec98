import { misfit, type Source, type Value } from '@granary/contracts';
import { createEventId } from './event-id.js';
import { createFieldParser, describeField, isMissing } from './field-parser.js';
import { valuesOf } from './json.js';
import type { Notation } from './raw-row.js';

/** An event as the offline store takes it: typed values in the order of the source's fields. */
export interface ParsedEvent {
  readonly kind: 'event';
  readonly eventId: string;
  /** Epoch milliseconds; 0 for timeless sources. */
  readonly eventTime: number;
  /** Epoch milliseconds; the event time where the source or the row says nothing. */
  readonly knownAt: number;
  readonly values: readonly (Value | null)[];
}

export interface RejectedRow {
  readonly kind: 'rejected';
  /** Field, value and wanted type: `rating: "x" is not float64`. */
  readonly reason: string;
  /** The same without the value: `rating: not float64`. */
  readonly mistake: string;
}

export interface EventParser {
  /** Values in the order of the source's fields; undefined where the row has none. */
  parse: (values: readonly unknown[]) => ParsedEvent | RejectedRow;
  /** A record of named values (a JSON object); names that the source does not declare are left alone. */
  parseRecord: (record: Readonly<Record<string, unknown>>) => ParsedEvent | RejectedRow;
}

/**
 * Compiles a source into a parser of its rows. A row is rejected for the first field, in the source's order, that is not
 * as declared, or for an event id of which a part is null or empty text. `notation` says where values come from: CSV text (empty text is missing), JSON, or typed values (Parquet).
 */
export function createEventParser(source: Source, notation: Notation): EventParser {
  const { fields } = source;
  const names = fields.map((field) => field.name);
  const parsers = fields.map((field) => createFieldParser(field, notation));
  const eventId = createEventId(source);
  const timeAt = source.eventTime === null ? -1 : names.indexOf(source.eventTime);
  const isId = fields.map((field) => source.eventId.includes(field.name));
  const knownAt = source.knownAt === null ? -1 : names.indexOf(source.knownAt);

  const reject = (i: number, raw: unknown): RejectedRow => {
    const field = fields[i]!;
    const wanted = describeField(field);
    if (isMissing(field, notation, raw)) {
      return { kind: 'rejected', reason: `${field.name}: missing value, wanted ${wanted}`, mistake: `${field.name}: missing value` };
    }
    const how = field.encoding === undefined ? misfit(field.type, raw) : `is not ${wanted}`;
    return { kind: 'rejected', reason: `${field.name}: ${show(raw)} ${how}`, mistake: `${field.name}: ${how.startsWith('is beyond') ? 'beyond' : 'not'} ${wanted}` };
  };

  const parse = (raw: readonly unknown[]): ParsedEvent | RejectedRow => {
    const values: (Value | null)[] = [];
    for (let i = 0; i < parsers.length; i++) {
      const value = parsers[i]!(raw[i]);
      if (value === undefined || (value === null && i === timeAt)) return reject(i, raw[i]);
      // Events without an id would all be one event.
      if (isId[i] && (value === '' || value === null)) return withoutId(fields[i]!.name);
      values.push(value);
    }
    const time = timeAt < 0 ? 0 : (values[timeAt] as number);
    const known = knownAt < 0 ? time : ((values[knownAt] as number | null) ?? time);
    return { kind: 'event', eventId: eventId(values), eventTime: time, knownAt: known, values };
  };

  return { parse, parseRecord: (record) => parse(valuesOf(names, record)) };
}

function withoutId(name: string): RejectedRow {
  return { kind: 'rejected', reason: `${name}: missing value`, mistake: `${name}: missing value` };
}

const SHOWN = 80;

function show(raw: unknown): string {
  const text = asText(raw);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

function asText(raw: unknown): string {
  if (typeof raw === 'number' || typeof raw === 'bigint') return String(raw);
  if (raw instanceof Date) return Number.isNaN(raw.getTime()) ? 'a date out of range' : raw.toISOString();
  if (raw instanceof Uint8Array) return `bytes 0x${Buffer.from(raw.subarray(0, 32)).toString('hex')}`;
  if (typeof raw === 'string') return JSON.stringify(raw.slice(0, 2 * SHOWN));
  return JSON.stringify(raw, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)) ?? String(raw);
}
