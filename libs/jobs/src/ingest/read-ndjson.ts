import type { SourceField } from '@granary/contracts';
import { jsonFault, parseJson, valuesOf } from './json.js';
import { ignore, MAX_ROW_BYTES, type RawRow, type ReadState } from './raw-row.js';
import { openTextFile } from './text-file.js';

/**
 * One JSON object a line, LF or CRLF, UTF-8, plain or gzip; blank lines are no rows. Whole numbers beyond 2^53 keep
 * their digits (as bigint). Throws FILE_UNREADABLE.
 */
export async function* readNdjson(file: string, fields: readonly SourceField[], state: ReadState): AsyncGenerator<readonly RawRow[]> {
  const text = await openTextFile(file, 'ndjson', state);
  const names = fields.map((field) => field.name);
  for await (const lines of splitLines(text.chunks)) {
    const rows: RawRow[] = [];
    for (const line of lines) {
      const row = toRawRow(names, line, text.damaged(), state);
      if (row) rows.push(row);
    }
    yield rows;
  }
}

interface Line {
  readonly number: number;
  readonly text: string;
  /** Cut off at the limit: `text` is only its beginning. */
  readonly tooLong: boolean;
}

const KEPT_OF_TOO_LONG = 4096;

async function* splitLines(chunks: AsyncGenerator<Buffer>): AsyncGenerator<readonly Line[]> {
  let number = 0;
  let rest = '';
  let skipping = false;
  for await (const chunk of chunks) {
    const parts = (rest + chunk.toString('utf8')).split('\n');
    rest = parts.pop()!;
    const lines = parts.map((text) => {
      const tooLong = skipping || text.length > MAX_ROW_BYTES;
      skipping = false;
      return { number: ++number, text: tooLong ? text.slice(0, KEPT_OF_TOO_LONG) : text, tooLong };
    });
    if (skipping || rest.length > MAX_ROW_BYTES) {
      skipping = true;
      rest = rest.slice(0, KEPT_OF_TOO_LONG);
    }
    yield lines;
  }
  if (rest !== '') yield [{ number: ++number, text: rest, tooLong: skipping }];
}

function toRawRow(names: readonly string[], line: Line, damaged: boolean, state: ReadState): RawRow | undefined {
  const { number, text } = line;
  if (!line.tooLong && text.trim() === '') return undefined;
  const fault = (reason: string, mistake = reason): RawRow => ({ kind: 'fault', line: number, text, reason: `row: ${reason}`, mistake: `row: ${mistake}` });
  if (line.tooLong) return fault(`longer than ${MAX_ROW_BYTES} characters`);
  if (damaged && text.includes('\ufffd')) return fault('its text is not valid UTF-8', 'not valid UTF-8');
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    const { reason, mistake } = jsonFault(error);
    return fault(reason, mistake);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fault('not a JSON object');
  for (const key in value) if (!names.includes(key)) ignore(state, key);
  return { kind: 'row', line: number, values: valuesOf(names, value as Readonly<Record<string, unknown>>), text };
}
