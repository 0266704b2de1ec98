import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { EVENT, clickhouseType, eventsTable, identifier, type FieldType, type Source, type SourceField } from '@granary/contracts';
import type { Statements } from '../statements.js';
import type { AppendedBatch, AppendedRow, EventRow } from './append.js';
import { canConflict } from './conflicts.js';
import { holdsVersions } from './distinct-rows.js';
import { ofSequences, timeRange } from './stored-events.js';
import { fromWire, tsvText, tsvValue, wireType } from './tsv.js';

const POSITION = '__position';
const STAGE = 'granary_stage';

/** Appends distinct rows, however many: ClickHouse finds what is stored of them, and inserts the others. */
export async function appendStaged(statements: Statements, source: Source, rows: readonly EventRow[]): Promise<AppendedBatch> {
  const stage = identifier(`${STAGE}_${source.name}_${randomUUID().replaceAll('-', '')}`);
  const comment = `append ${source.name}`;
  const run = (sql: string, params = {}): Promise<void> => statements.command({ sql, params }, { comment });
  try {
    await run(`CREATE TABLE ${stage} (${stageColumns(source).join(', ')}) ENGINE = Memory`);
    await statements.insert(`INSERT INTO ${stage} FORMAT TabSeparated`, Readable.from(tsvChunks(rows), { objectMode: false }), { comment });
    const found = await statements.rows(lookUp(source, stage, rows), { comment });
    const stored = new Map(found.map((row) => [Number(row['_at']), row]));
    const before = Math.max(0, ...found.filter((row) => Number(row['_at']) === LAST).map((row) => Number(row['_sequence'])));
    let lastSequence = before;
    const known = new Set<string>();
    const appended = rows.map((row, position): AppendedRow => {
      const same = stored.get(position);
      if (same?.['_same'] === true) return { sequence: Number(same['_sequence']), outcome: 'duplicate' };
      lastSequence += 1;
      const outcome = same !== undefined || known.has(row.eventId) ? 'version' : 'new';
      known.add(row.eventId);
      return { sequence: lastSequence, outcome };
    });
    const suspects = await findSuspects(statements, source, stage, appended);
    if (lastSequence === before) return { rows: appended, lastSequence, suspects };
    const duplicates = lastSequence - before < rows.length;
    const { sql, params } = storedVersions(source, stage, rows);
    const where = duplicates ? ` WHERE (${identifier(EVENT.id)}, ${stagedVersion(source)}) NOT IN (SELECT _id, _version FROM (${sql}))` : '';
    await run(insertSelect(source, stage, where), { last_sequence: before, ...(duplicates ? params : {}) });
    return { rows: appended, lastSequence, suspects };
  } finally {
    await run(`DROP TABLE IF EXISTS ${stage}`);
  }
}

function stageColumns(source: Source): string[] {
  return [
    `${identifier(POSITION)} UInt32`,
    `${identifier(EVENT.id)} String`,
    `${identifier(EVENT.time)} Int64`,
    `${identifier(EVENT.knownAt)} Int64`,
    ...source.fields.map((field) => `${identifier(field.name)} ${wireType(field.type, field.nullable, clickhouseType(field.type))}`),
  ];
}

function* tsvChunks(batch: readonly EventRow[]): Generator<Buffer> {
  let lines: string[] = [];
  for (const [position, row] of batch.entries()) {
    let line = `${position}\t${tsvText(row.eventId)}\t${row.eventTime}\t${row.knownAt}`;
    for (const value of row.values) line += `\t${tsvValue(value)}`;
    lines.push(line);
    if (lines.length === 4_096) {
      yield Buffer.from(`${lines.join('\n')}\n`);
      lines = [];
    }
  }
  if (lines.length > 0) yield Buffer.from(`${lines.join('\n')}\n`);
}

/** All fields, of whose columns `column` gives SQL, as one text: unlike a hash it can't be the same for two rows, and unlike a tuple it compares nulls. −0 is 0. */
function contentText({ fields }: Source, column: (field: SourceField) => string): string {
  return `toString(tuple(${fields.map((field) => withoutSignOfZero(field.type, column(field))).join(', ')}))`;
}

function withoutSignOfZero(type: FieldType, column: string): string {
  if (type.kind === 'array') return isFloat(type.of) ? `arrayMap(x -> x + 0, ${column})` : column;
  return isFloat(type) ? `${column} + 0` : column;
}

function isFloat({ kind }: FieldType): boolean {
  return kind === 'float32' || kind === 'float64';
}

function stagedValue(field: SourceField): string {
  return fromWire(field.type, identifier(field.name));
}

function storedValue(field: SourceField): string {
  return identifier(field.name);
}

/** What beside the id must be equal for a staged row to be a stored one; `_version` of `storedVersions`. */
function stagedVersion(source: Source): string {
  if (holdsVersions(source)) return contentText(source, stagedValue);
  return source.knownAt === null ? 'toInt64(0)' : identifier(EVENT.knownAt);
}

/** What it must be equal to, where a source holds no versions of things. */
function storedVersion(source: Source): string {
  return source.knownAt === null ? 'toInt64(0)' : `toUnixTimestamp64Milli(${identifier(EVENT.knownAt)})`;
}

/** (_id, _version, _sequence; no field begins so) of stored events with the ids of the batch; of the versions of a thing the newest. Only these columns of as few granules as can hold them are read. */
function storedVersions(source: Source, stage: string, batch: readonly EventRow[]): { sql: string; params: Record<string, bigint> } {
  const [id, sequence] = [EVENT.id, EVENT.sequence].map(identifier) as [string, string];
  const range = timeRange(source, batch);
  const from = `FROM ${identifier(eventsTable(source))} WHERE ${id} IN (SELECT ${id} FROM ${stage})${range.sql}`;
  if (holdsVersions(source)) {
    const content = contentText(source, storedValue);
    return { sql: `SELECT ${id} AS _id, argMax(${content}, ${sequence}) AS _version, max(${sequence}) AS _sequence ${from} GROUP BY ${id}`, params: range.params };
  }
  return { sql: `SELECT ${id} AS _id, ${storedVersion(source)} AS _version, ${sequence} AS _sequence ${from}`, params: range.params };
}

/** Stands in for a position in the row of the greatest sequence. */
const LAST = -1;

/** The greatest sequences; then of each staged row whose id is stored, whether that is the same event, and its sequence. */
function lookUp(source: Source, stage: string, batch: readonly EventRow[]): { sql: string; params: Record<string, bigint> } {
  const { sql, params } = storedVersions(source, stage, batch);
  const [position, id, sequence] = [POSITION, EVENT.id, EVENT.sequence].map(identifier) as [string, string, string];
  const staged = `SELECT ${position} AS _position, ${id} AS _staged_id, ${stagedVersion(source)} AS _staged_version FROM ${stage}`;
  return {
    sql: `(SELECT toInt64(${LAST}) AS _at, true AS _same, ${sequence} AS _sequence FROM ${identifier(eventsTable(source))} ${ofSequences.last})
      UNION ALL
      SELECT toInt64(${LAST}) AS _at, true AS _same, max(sequence) AS _sequence ${ofSequences.erased(source)}
      UNION ALL
      SELECT toInt64(_position) AS _at, max(_version = _staged_version)::Bool AS _same, anyIf(_sequence, _version = _staged_version) AS _sequence
      FROM (${staged}) AS staged INNER JOIN (${sql}) AS stored ON stored._id = staged._staged_id GROUP BY _position`,
    params,
  };
}

/** Positions of the duplicates that are stored with other content. Their rows are read by the sequences they lie between, which were mostly appended together. */
async function findSuspects(statements: Statements, source: Source, stage: string, appended: readonly AppendedRow[]): Promise<ReadonlySet<number>> {
  const stored = appended.filter(({ outcome }) => outcome === 'duplicate').map(({ sequence }) => sequence);
  if (stored.length === 0 || !canConflict(source)) return new Set();
  const [position, id, sequence] = [POSITION, EVENT.id, EVENT.sequence].map(identifier) as [string, string, string];
  const range = stored.reduce(({ first, last }, each) => ({ first: Math.min(first, each), last: Math.max(last, each) }), { first: Infinity, last: 0 });
  const found = await statements.rows(
    {
      sql: `SELECT _position FROM (
          SELECT ${position} AS _position, ${id} AS _staged_id, ${stagedVersion(source)} AS _staged_version, ${contentText(source, stagedValue)} AS _staged_content FROM ${stage}
        ) AS staged INNER JOIN (
          SELECT ${id} AS _id, ${storedVersion(source)} AS _version, ${contentText(source, storedValue)} AS _content FROM ${identifier(eventsTable(source))}
          WHERE ${sequence} BETWEEN {first:UInt64} AND {last:UInt64} AND ${id} IN (SELECT ${id} FROM ${stage})
        ) AS stored ON stored._id = staged._staged_id AND stored._version = staged._staged_version
        WHERE _content != _staged_content`,
      params: range,
    },
    { comment: `append ${source.name}` },
  );
  return new Set(found.map((row) => row['_position'] as number));
}

function insertSelect(source: Source, stage: string, where: string): string {
  const columns = [EVENT.id, EVENT.time, EVENT.knownAt, EVENT.sequence, ...source.fields.map((field) => field.name)].map(identifier);
  const instant = (name: string) => `fromUnixTimestamp64Milli(${identifier(name)}, 'UTC')`;
  const values = [
    identifier(EVENT.id),
    instant(EVENT.time),
    instant(EVENT.knownAt),
    `{last_sequence:UInt64} + row_number() OVER (ORDER BY ${identifier(POSITION)})`,
    ...source.fields.map((field) => fromWire(field.type, identifier(field.name))),
  ];
  return `INSERT INTO ${identifier(eventsTable(source))} (${columns.join(', ')}) SELECT ${values.join(', ')} FROM ${stage}${where}`;
}

/** Drops what killed processes left behind; where others may be appending now, only what is a day old. */
export async function dropStages(statements: Statements, alone: boolean): Promise<void> {
  const left = await statements.rows({
    sql: `SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, {prefix:String})
      ${alone ? '' : 'AND metadata_modification_time < now() - INTERVAL 1 DAY'}`,
    params: { prefix: `${STAGE}_` },
  });
  for (const { name } of left) await statements.command({ sql: `DROP TABLE IF EXISTS ${identifier(name as string)}`, params: {} });
}
