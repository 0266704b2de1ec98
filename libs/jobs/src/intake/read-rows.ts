import { isUtf8 } from 'node:buffer';
import { GranaryError } from '@granary/contracts';
import { TooDeep, elementTexts, jsonFault, parseJson } from '../ingest/json.js';
import { UnreadableRow } from './event-sink.js';

/** `json`: one object, or an array of them. `ndjson`: an object a line. */
export type RowsFormat = 'json' | 'ndjson';

export interface BodyRows {
  readonly rows: readonly unknown[];
  /** Of NDJSON the line of each, from 1: blank ones are no rows. Null: rows don't stand on lines of their own. */
  readonly lines: readonly number[] | null;
}

/**
 * The rows of a request's body. A line of NDJSON that can't be read, or an object nested too deep, is a row like others, which
 * will be rejected; JSON that can't be read has no rows: throws INVALID_VALUE. Whole numbers beyond 2^53 keep their digits (as bigint).
 */
export function readRows(body: Uint8Array, format: RowsFormat): BodyRows {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8').replace(/^\ufeff/, '');
  if (!isUtf8(body)) throw invalid('its text is not UTF-8', 'Encode it in UTF-8.');
  if (format === 'ndjson') {
    const lines = text.split('\n').flatMap((line, i) => (line.trim() === '' ? [] : [{ number: i + 1, row: readLine(line.trim()) }]));
    return { rows: lines.map(({ row }) => row), lines: lines.map(({ number }) => number) };
  }
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    if (error instanceof TooDeep) return { rows: elementTexts(text).map(readLine), lines: null };
    throw invalid((error as Error).message, 'Send one JSON object or an array of them; for an object a line say content-type: application/x-ndjson.');
  }
  return { rows: Array.isArray(value) ? value : [value], lines: null };
}

/** The row that a text is, or why it is none. */
export function readLine(line: string): unknown {
  try {
    return parseJson(line);
  } catch (error) {
    return new UnreadableRow(line, `row: ${jsonFault(error).reason}`);
  }
}

function invalid(what: string, todo: string): GranaryError {
  return new GranaryError('INVALID_VALUE', `The body is not JSON: ${what}`, { todo });
}
