import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { EVENT, GranaryError, clickhouseType, eventsTable, identifier, type Instant, type JobOptions, type Source, type Value } from '@granary/contracts';
import type { Statements } from '../statements.js';
import { fromWire, tsvText, tsvValue, wireType } from './tsv.js';

export interface EventRow {
  /** The declared id, or the hash of the row's whole content. */
  readonly eventId: string;
  readonly eventTime: Instant;
  /** The event time, where the source declares no knownAt. */
  readonly knownAt: Instant;
  /** In the order of the source's fields. */
  readonly values: readonly (Value | null)[];
}

export interface AppendResult {
  readonly inserted: number;
  /** Rows that are stored already, or stand earlier in the same call; of a timeless source: or are superseded in it. */
  readonly duplicates: number;
}

// One insert of this many rows is one part, so a killed process leaves whole batches.
const BATCH = 100_000;
const POSITION = '__position';
const STAGE = 'granary_stage';

/**
 * Appends events in the order given; each that is new gets the next `__sequence`. Idempotent: an id that is stored is the
 * same event, or (id, knownAt) where the source declares knownAt. In a timeless source the id names a thing: its row is a
 * new version unless it says what the thing's newest one does, and of several in a batch only the last counts. A batch that
 * was appended stays, whatever becomes of the next. Appends to one source from several processes at once may give two events one sequence: run one at a time.
 * Throws CANCELLED and what `Statements` throws.
 */
export async function appendEvents(
  statements: Statements,
  source: Source,
  rows: readonly EventRow[],
  options: JobOptions = {},
): Promise<AppendResult> {
  const stage = identifier(`${STAGE}_${source.name}_${randomUUID().replaceAll('-', '')}`);
  let inserted = 0;
  for (let from = 0; from < rows.length; from += BATCH) {
    if (options.signal?.aborted) throw new GranaryError('CANCELLED', `appending to ${source.name} was cancelled`, { details: { inserted } });
    inserted += await appendBatch(statements, source, stage, rows.slice(from, from + BATCH));
    options.onProgress?.({ stage: `append ${source.name}`, done: Math.min(rows.length, from + BATCH), total: rows.length, unit: 'rows' });
  }
  return Object.freeze({ inserted, duplicates: rows.length - inserted });
}

async function appendBatch(statements: Statements, source: Source, stage: string, rows: readonly EventRow[]): Promise<number> {
  const batch = holdsVersions(source) ? lastOfEach(rows) : firstOfEach(source, rows);
  const run = (sql: string, params = {}) => statements.command({ sql, params }, { comment: `append ${source.name}` });
  try {
    await run(`CREATE TABLE ${stage} (${stageColumns(source).join(', ')}) ENGINE = Memory`);
    await statements.insert(`INSERT INTO ${stage} FORMAT TabSeparated`, Readable.from(tsvChunks(batch), { objectMode: false }), {
      comment: `append ${source.name}`,
    });
    const stored = storedKeys(source, stage, batch);
    const [found] = await statements.rows(
      {
        sql: `SELECT countIf((${stagedKey(source)}) IN (${stored.sql})) AS duplicates,
            (SELECT max(${identifier(EVENT.sequence)}) FROM ${identifier(eventsTable(source))}) AS last FROM ${stage}`,
        params: stored.params,
      },
      { comment: `append ${source.name}` },
    );
    const duplicates = Number(found!.duplicates);
    if (duplicates === batch.length) return 0;
    const where = duplicates === 0 ? '' : ` WHERE (${stagedKey(source)}) NOT IN (${stored.sql})`;
    await run(insertSelect(source, stage, where), { last_sequence: (found!.last as bigint | null) ?? 0n, ...(duplicates === 0 ? {} : stored.params) });
    return batch.length - duplicates;
  } finally {
    await run(`DROP TABLE IF EXISTS ${stage}`);
  }
}

function firstOfEach(source: Source, rows: readonly EventRow[]): readonly EventRow[] {
  const seen = new Set<string>();
  return rows.filter((row) => {
    const key = source.knownAt === null ? row.eventId : `${row.knownAt} ${row.eventId}`;
    const isNew = !seen.has(key);
    if (isNew) seen.add(key);
    return isNew;
  });
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

/** Whether rows with the id of a stored one are later versions of the same thing. */
function holdsVersions(source: Source): boolean {
  return source.eventTime === null && source.knownAt === null && source.eventId.length > 0;
}

/** Versions of a thing that nothing can come between: within a batch there is no reader. Keeps a file that repeats an id idempotent. */
function lastOfEach(rows: readonly EventRow[]): readonly EventRow[] {
  const last = new Map(rows.map((row, i) => [row.eventId, i]));
  return rows.filter((row, i) => last.get(row.eventId) === i);
}

/** All fields as one text: unlike a hash it can't be the same for two rows, and unlike a tuple it compares nulls. */
function contentText(columns: readonly string[]): string {
  return `toString(tuple(${columns.join(', ')}))`;
}

/** What must be equal for a staged row to be a stored one; the columns of `storedKeys`. */
function stagedKey(source: Source): string {
  if (holdsVersions(source)) return `${identifier(EVENT.id)}, ${contentText(source.fields.map((field) => fromWire(field.type, identifier(field.name))))}`;
  return source.knownAt === null ? identifier(EVENT.id) : `${identifier(EVENT.id)}, ${identifier(EVENT.knownAt)}`;
}

/** The keys of stored events that the batch may repeat; only these columns of as few granules as can hold them are read. */
function storedKeys(source: Source, stage: string, batch: readonly EventRow[]): { sql: string; params: Record<string, bigint> } {
  const id = identifier(EVENT.id);
  const time = identifier(EVENT.time);
  if (holdsVersions(source)) {
    const newest = `argMax(${contentText(source.fields.map((field) => identifier(field.name)))}, ${identifier(EVENT.sequence)})`;
    return { sql: `SELECT ${id}, ${newest} FROM ${identifier(eventsTable(source))} WHERE ${id} IN (SELECT ${id} FROM ${stage}) GROUP BY ${id}`, params: {} };
  }
  const keys = source.knownAt === null ? id : `${id}, toUnixTimestamp64Milli(${identifier(EVENT.knownAt)})`;
  const byId = `SELECT ${keys} FROM ${identifier(eventsTable(source))} WHERE ${id} IN (SELECT ${id} FROM ${stage})`;
  // An id made of the whole content holds the event time too: only the batch's range of it need be read. A declared id
  // could come again at another time and would still be the same event.
  if (source.eventId.length > 0) return { sql: byId, params: {} };
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const { eventTime } of batch) {
    if (eventTime < first) first = eventTime;
    if (eventTime > last) last = eventTime;
  }
  const instant = (name: string) => `fromUnixTimestamp64Milli({${name}:Int64}, 'UTC')`;
  return {
    sql: `${byId} AND ${time} BETWEEN ${instant('from_time')} AND ${instant('to_time')}`,
    params: { from_time: BigInt(first), to_time: BigInt(last) },
  };
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

export async function countEvents(statements: Statements, source: Pick<Source, 'name'>): Promise<number> {
  const [row] = await statements.rows({ sql: `SELECT count() AS n FROM ${identifier(eventsTable(source))}`, params: {} });
  return Number(row!.n);
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
