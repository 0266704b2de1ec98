import { Readable } from 'node:stream';
import { EVENT, eventsTable, identifier, type FieldType, type Source, type Statement, type Value } from '@granary/contracts';
import type { Statements } from '../statements.js';
import type { Row } from '../decode.js';
import type { AppendedBatch, AppendedRow, EventRow } from './append.js';
import { differingFields, valueColumns, valuesOf } from './conflicts.js';
import { holdsVersions, keyOf } from './distinct-rows.js';
import { lastSequence as readLastSequence, ofSequences, timeRange } from './stored-events.js';
import { instantText, tsvText, tsvValue } from './tsv.js';

const ROWS = 2_000;
/** UTF-16 units of all ids; a server takes parameters in the URL, of which ClickHouse reads a megabyte. */
const ID_UNITS = 150_000;
/** Stored versions of things are read back to be compared, so their rows must be small. */
const VALUES = 100_000;

/** Whether rows are few enough to look up their ids in one statement and insert them by another. */
export function fitsDirectly(source: Source, rows: readonly EventRow[]): boolean {
  if (rows.length > ROWS) return false;
  if (rows.reduce((units, { eventId }) => units + eventId.length, 0) > ID_UNITS) return false;
  return !holdsVersions(source) || rows.reduce((count, { values }) => count + values.reduce<number>((n, value) => n + (Array.isArray(value) ? value.length : 1), 0), 0) <= VALUES;
}

/** Appends distinct rows: one statement finds what is stored of them, the next inserts the others with their sequences. */
export async function appendDirectly(statements: Statements, source: Source, rows: readonly EventRow[]): Promise<AppendedBatch> {
  const found = await statements.rows(lookUp(source, rows), { comment: `append ${source.name}` });
  const versions = holdsVersions(source);
  let lastSequence = versions ? await readLastSequence(statements, source) : 0;
  const known = new Set<string>();
  const stored = new Map<string, Row>();
  for (const row of found) {
    lastSequence = Math.max(lastSequence, Number(row['_sequence']));
    if (row['_marker'] === 1) continue;
    const id = row['_id'] as string;
    known.add(id);
    stored.set(versions ? id : keyOf(source, { eventId: id, knownAt: Number(row['_known']) }), row);
  }
  const lines: string[] = [];
  const appended = rows.map((row): AppendedRow => {
    const same = stored.get(versions ? row.eventId : keyOf(source, row));
    if (same !== undefined && (!versions || differingFields(source, row.values, valuesOf(source, same)).length === 0)) return { sequence: Number(same['_sequence']), outcome: 'duplicate' };
    lastSequence += 1;
    lines.push(eventLine(source, row, lastSequence));
    const outcome = known.has(row.eventId) ? 'version' : 'new';
    known.add(row.eventId);
    return { sequence: lastSequence, outcome };
  });
  if (lines.length > 0) {
    await statements.insert(insertInto(source), Readable.from([Buffer.from(lines.join(''))], { objectMode: false }), { comment: `append ${source.name}` });
  }
  return { rows: appended, lastSequence };
}

/** The greatest sequences, marked, except of things; then what is stored of these ids: of the versions of a thing the newest, with its values. No field's name begins as these columns' do. */
function lookUp(source: Source, rows: readonly EventRow[]): Statement {
  const table = identifier(eventsTable(source));
  const [id, known, sequence] = [EVENT.id, EVENT.knownAt, EVENT.sequence].map(identifier) as [string, string, string];
  const range = timeRange(source, rows);
  const where = `WHERE ${id} IN {ids:Array(String)}${range.sql}`;
  const params = { ids: rows.map((row) => row.eventId), ...range.params };
  const each = `SELECT 0 AS _marker, ${id} AS _id, toUnixTimestamp64Milli(${known}) AS _known, ${sequence} AS _sequence`;
  if (holdsVersions(source)) {
    return { sql: `${each}${valueColumns(source)} FROM ${table} ${where} ORDER BY ${sequence} DESC LIMIT 1 BY ${id}`, params };
  }
  const marked = (expression: string): string => `SELECT 1 AS _marker, '' AS _id, toInt64(0) AS _known, ${expression} AS _sequence`;
  const last = `(${marked(sequence)} FROM ${table} ${ofSequences.last}) UNION ALL ${marked('max(sequence)')} ${ofSequences.erased(source)}`;
  return rows.length === 0 ? { sql: last, params: {} } : { sql: `${last} UNION ALL ${each} FROM ${table} ${where}`, params };
}

function insertInto(source: Source): string {
  const columns = [EVENT.id, EVENT.time, EVENT.knownAt, EVENT.sequence, ...source.fields.map((field) => field.name)];
  return `INSERT INTO ${identifier(eventsTable(source))} (${columns.map(identifier).join(', ')}) FORMAT TabSeparated`;
}

function eventLine(source: Source, row: EventRow, sequence: number): string {
  let line = `${tsvText(row.eventId)}\t${instantText(row.eventTime)}\t${instantText(row.knownAt)}\t${sequence}`;
  for (const [i, { type }] of source.fields.entries()) line += `\t${fieldText(type, row.values[i] ?? null)}`;
  return `${line}\n`;
}

function fieldText(type: FieldType, value: Value | null): string {
  if (value === null) return tsvValue(null);
  if (type.kind === 'timestamp') return instantText(value as number);
  if (type.kind === 'array' && type.of.kind === 'timestamp') return tsvValue((value as readonly number[]).map(instantText));
  return tsvValue(value);
}
