import { GranaryError, isGranaryError, parseValue, type FieldType, type FileFormat, type SourceField } from '@granary/contracts';
import { createEventParser } from '../ingest/event-parser.js';
import { openFile } from '../ingest/open-file.js';
import type { Notation } from '../ingest/raw-row.js';
import { missingColumns, unreadable } from '../ingest/unreadable.js';
import type { SpineColumn, SpineRow } from './spine-table.js';

/** A file of questions: a row each, with the keys, the request fields, the instant, and whatever else it carries. */
export interface SpineFile {
  /** In the order of the file. */
  readonly columns: readonly SpineColumn[];
  /** The rows in their order; the first that is not as declared throws INVALID_VALUE, with the file, its line and the column. */
  readonly rows: () => AsyncGenerator<readonly SpineRow[]>;
}

/** Keys, request fields and the instant are read as declared. */
export interface SpineNeeds {
  readonly keys: readonly SpineColumn[];
  readonly request: readonly SpineColumn[];
  readonly timeColumn: string;
}

/**
 * Looks through a file for its columns; one that nothing declares is carried as the narrowest type that all its values
 * have: bool, int64, float64, timestamp (of Parquet), else string. Throws FILE_NOT_FOUND, FILE_UNREADABLE.
 */
export async function openSpineFile(file: string, format: FileFormat | undefined, { keys, request, timeColumn }: SpineNeeds): Promise<SpineFile> {
  const declared = new Map<string, SourceField>([...keys, ...request, { name: timeColumn, type: { kind: 'timestamp' } as const, nullable: false }].map((each) => [each.name, each]));
  const names = await columnsOf(file, format);
  // A file without rows may have no columns either.
  if (names.length > 0 && [...declared.keys()].some((name) => !names.includes(name))) throw missingColumns(file, [...declared.keys()], names, 'Name the columns as the service is asked: its keys and request fields, and the instant; or say which column the instant is.');
  if (names.includes('')) throw unreadable(file, 'a column has no name', 'Name every column in the header.');
  const carried = await inferColumns(file, format, names.filter((name) => !declared.has(name)));
  const fields = (names.length > 0 ? names : [...declared.keys()]).map((name): SourceField => declared.get(name) ?? carried.get(name)!);
  return {
    columns: fields,
    async *rows() {
      const { read, notation } = await openFile(file, format);
      const parser = createEventParser({ kind: 'source', name: 'spine', fields, eventId: [timeColumn], eventTime: timeColumn, knownAt: null, file: null }, notation);
      const texts = new Set([...fields.keys()].filter((i) => carried.has(fields[i]!.name) && fields[i]!.type.kind === 'string'));
      for await (const rows of read(fields)) {
        yield rows.map((row): SpineRow => {
          const parsed = row.kind === 'row' ? parser.parse(notation === 'text' ? row.values : row.values.map((value, i) => (texts.has(i) ? asText(value) : value))) : row;
          if (parsed.kind === 'event') return { at: parsed.eventTime, values: parsed.values };
          throw new GranaryError('INVALID_VALUE', `${file}, line ${row.line}: ${parsed.reason}`, { todo: 'Correct the row.', details: { file, line: row.line } });
        });
      }
    },
  };
}

/** What is carried as text, but is none: as JSON. */
function asText(value: unknown): unknown {
  if (typeof value === 'string' || value === null || value === undefined) return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each));
}

async function columnsOf(file: string, format: FileFormat | undefined): Promise<readonly string[]> {
  const { read, notation, state } = await openFile(file, format, Infinity);
  // The other formats say at the beginning which columns there are.
  for await (const _ of read([])) if (notation !== 'json' && state.ignored.size > 0) break;
  return [...state.ignored].filter((name) => !name.startsWith(OURS));
}

/** Columns that begin so have a meaning in our tables; a file's are left out. */
export const OURS = '__';

const CANDIDATES: readonly FieldType[] = [{ kind: 'bool' }, { kind: 'int64' }, { kind: 'float64' }, { kind: 'timestamp' }];

/** Reads the file once more, for the types that all values of each column have. */
async function inferColumns(file: string, format: FileFormat | undefined, names: readonly string[]): Promise<ReadonlyMap<string, SourceField>> {
  const types = new Map(names.map((name) => [name, new Set(CANDIDATES)]));
  const seen = new Set<string>();
  if (names.length > 0) {
    const { read, notation } = await openFile(file, format);
    for await (const rows of read(names.map((name) => ({ name, type: { kind: 'string' }, nullable: true })))) {
      for (const row of rows) {
        if (row.kind !== 'row') continue;
        names.forEach((name, i) => {
          const value = row.values[i];
          if (value === undefined || value === null || (value === '' && notation === 'text')) return;
          seen.add(name);
          const left = types.get(name)!;
          for (const type of left) if (!isOf(type, value, notation)) left.delete(type);
        });
      }
    }
  }
  return new Map(names.map((name) => [name, { name, type: (seen.has(name) ? [...types.get(name)!][0] : undefined) ?? { kind: 'string' }, nullable: true }]));
}

/** Whether a value is of a type without loss: text that reads back as it stands, or what has the type already. */
function isOf(type: FieldType, value: unknown, notation: Notation): boolean {
  switch (type.kind) {
    case 'bool':
      return notation === 'text' ? value === 'true' || value === 'false' : typeof value === 'boolean';
    case 'int64':
      if (notation === 'text') return typeof value === 'string' && /^(0|-?[1-9]\d{0,18})$/.test(value) && reads(type, value);
      return typeof value === 'bigint' ? reads(type, value) : Number.isSafeInteger(value);
    case 'float64':
      if (notation === 'text') return typeof value === 'string' && !/^[+-]?0\d/.test(value) && /\d/.test(value) && reads(type, value);
      return typeof value === 'number' && Number.isFinite(value);
    case 'timestamp':
      return value instanceof Date && reads(type, value);
    default:
      return false;
  }
}

function reads(type: FieldType, value: unknown): boolean {
  try {
    parseValue(type, value);
    return true;
  } catch (error) {
    if (isGranaryError(error)) return false;
    throw error;
  }
}
