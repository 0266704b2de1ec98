import type { SourceField } from '@granary/contracts';
import { parse } from 'csv-parse';
import { drain } from './drain.js';
import { ignore, MAX_ROW_BYTES, textOf, type RawRow, type ReadState } from './raw-row.js';
import { openTextFile } from './text-file.js';
import { missingColumns, unreadable } from './unreadable.js';

interface CsvRecord {
  readonly record: readonly string[];
  readonly raw: string;
  readonly line: number;
}

/**
 * CSV as RFC 4180 has it: a header line, commas, quotes doubled inside quotes, LF or CRLF (mixed, too), UTF-8 with or
 * without a byte order mark, plain or gzip. Blank lines are no rows. A row with more or fewer columns than the header is a fault.
 * Throws FILE_UNREADABLE.
 */
export async function* readCsv(file: string, fields: readonly SourceField[], state: ReadState): AsyncGenerator<readonly RawRow[]> {
  const text = await openTextFile(file, 'csv', state);
  let columns: Columns | undefined;
  for await (const records of readRecords(file, text.chunks)) {
    const rows: RawRow[] = [];
    for (const record of records) {
      if (columns === undefined) columns = readHeader(file, record.record, fields, state);
      else rows.push(toRawRow(columns, record, text.damaged()));
    }
    yield rows;
  }
  if (columns === undefined) {
    throw unreadable(file, 'has no header line', `Write the names of the columns into the first line: ${fields.map((field) => field.name).join(',')}`);
  }
}

/** Up to the first chunk with a quote a record is a line and a comma ends a field, which needs no parser: several times as fast. */
async function* readRecords(file: string, chunks: AsyncGenerator<Buffer>): AsyncGenerator<readonly CsvRecord[]> {
  let rest = '';
  let line = 1;
  try {
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
      if (next.value.includes(QUOTE)) return yield* parseRecords(file, startingWith(Buffer.concat([Buffer.from(rest), next.value]), chunks), line);
      const lines = (rest + next.value.toString('utf8')).split('\n');
      rest = lines.pop()!;
      const records: CsvRecord[] = [];
      for (const raw of lines) {
        const content = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
        if (content !== '') records.push({ record: content.split(','), raw, line });
        line++;
      }
      yield records;
      if (rest.length > MAX_ROW_BYTES) throw tooLong(file, line);
    }
    if (rest !== '') yield [{ record: rest.split(','), raw: rest, line }];
  } finally {
    await chunks.return(undefined);
  }
}

const QUOTE = '"'.charCodeAt(0);

async function* startingWith(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

async function* parseRecords(file: string, chunks: AsyncGenerator<Buffer>, firstLine: number): AsyncGenerator<readonly CsvRecord[]> {
  const parser = parse({
    // Left to itself the parser takes the first line's ending for the whole file and merges the rows of mixed files.
    record_delimiter: ['\r\n', '\n'],
    // Badly quoted rows are told apart below: the parser's own way would end the file or lose their text.
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_ROW_BYTES,
    raw: true,
  });
  const feeding = feed(chunks, parser);
  let line = firstLine;
  try {
    for await (const parsed of drain<Omit<CsvRecord, 'line'>>(parser)) {
      yield parsed.map(({ record, raw }) => {
        const { blank, inner } = lineEnds(raw);
        const at = line + blank;
        line = at + inner + 1;
        return { record, raw, line: at };
      });
    }
  } catch (cause) {
    throw asUnreadable(file, line, cause);
  } finally {
    parser.destroy();
    await feeding;
  }
}

async function feed(chunks: AsyncGenerator<Buffer>, parser: ReturnType<typeof parse>): Promise<void> {
  try {
    for await (const chunk of chunks) {
      await written(parser, chunk);
      if (parser.destroyed) return;
    }
    parser.end();
  } catch (error) {
    // Not end(): that would hand on the line at which a damaged file breaks off as if it were whole.
    parser.destroy(error as Error);
  }
}

/** Resolves when the chunk's rows have been made and there is room for more, or when nobody wants them any longer. */
function written(parser: ReturnType<typeof parse>, chunk: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      parser.off('close', done);
      resolve();
    };
    parser.on('close', done);
    if (parser.destroyed) done();
    else parser.write(chunk, done);
  });
}

interface Columns {
  /** How many columns each row must have. */
  readonly count: number;
  /** Where each field of the source stands. */
  readonly positions: readonly number[];
}

function readHeader(file: string, header: readonly string[], fields: readonly SourceField[], state: ReadState): Columns {
  const found = header.map((name) => name.trim());
  const wanted = fields.map((field) => field.name);
  if (wanted.some((name) => !found.includes(name))) throw missingColumns(file, wanted, found);
  const twice = wanted.find((name) => found.indexOf(name) !== found.lastIndexOf(name));
  if (twice !== undefined) throw unreadable(file, `column ${twice} stands in the header twice`, 'Leave one of the two columns out.');
  for (const name of found) if (!wanted.includes(name)) ignore(state, name);
  return { count: found.length, positions: wanted.map((name) => found.indexOf(name)) };
}

/**
 * Lines that a record's raw text takes up. The parser puts the blank lines it skipped in front, a character each, and
 * leaves the second character of a CRLF out of line ends, but not out of quoted fields.
 */
function lineEnds(raw: string): { readonly blank: number; readonly inner: number } {
  let blank = 0;
  while (raw.charCodeAt(blank) === 10 || raw.charCodeAt(blank) === 13) blank++;
  let inner = 0;
  for (let at = raw.indexOf('\n', blank); at !== -1 && at < raw.length - 1; at = raw.indexOf('\n', at + 1)) inner++;
  return { blank, inner };
}

// A whole record: fields that are quoted throughout, or do not begin with a quote.
const WELL_QUOTED = /^(?:"[^"]*(?:""[^"]*)*"|[^",][^,]*|)(?:,(?:"[^"]*(?:""[^"]*)*"|[^",][^,]*|))*$/;

function toRawRow(columns: Columns, { record, raw, line }: CsvRecord, damaged: boolean): RawRow {
  const row: RawRow = { kind: 'row', line, values: columns.positions.map((position) => record[position]), text: raw };
  if (damaged && raw.includes('\ufffd')) return fault(row, 'its text is not valid UTF-8', 'not valid UTF-8');
  if (raw.includes('"') && record.some((cell) => cell.includes('"')) && !WELL_QUOTED.test(textOf(row))) {
    return fault(row, 'a quoted field goes on after its closing quote; quotes inside quotes are written twice', 'badly quoted');
  }
  if (record.length === columns.count) return row;
  const found = `${record.length} ${record.length === 1 ? 'column' : 'columns'}`;
  return fault(row, `${found}, the header has ${columns.count}`, `${record.length > columns.count ? 'more' : 'fewer'} columns than the header`);
}

function fault(row: RawRow, reason: string, mistake: string): RawRow {
  return { kind: 'fault', line: row.line, text: textOf(row), reason: `row: ${reason}`, mistake: `row: ${mistake}` };
}

function asUnreadable(file: string, line: number, cause: unknown): unknown {
  switch ((cause as { code?: unknown }).code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return unreadable(file, `a quote that opens on line ${line} or after is never closed`, 'Close the quote, or write quotes inside a field twice.', cause);
    case 'CSV_MAX_RECORD_SIZE':
      return tooLong(file, line, cause);
    default:
      return cause;
  }
}

function tooLong(file: string, line: number, cause?: unknown): Error {
  return unreadable(file, `the row on line ${line} or after is longer than ${MAX_ROW_BYTES} bytes; is a quote left open there?`, 'Close the quote, or write quotes inside a field twice.', cause);
}
