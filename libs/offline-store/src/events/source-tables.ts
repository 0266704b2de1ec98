import {
  EVENT,
  GranaryError,
  clickhouseType,
  eventsTable,
  identifier,
  quarantineTable,
  type Source,
  type SourceField,
} from '@granary/contracts';
import type { Statements } from '../statements.js';

const INSTANT = "DateTime64(3, 'UTC')";

/** All let a look-up skip granules: of stored ids, where ids grow with time and where they are random, and of what came last. */
const INDEXES = [
  { name: 'event_ids', column: EVENT.id, type: 'minmax' },
  // One in 10,000, as a batch of hundreds of ids is looked up at once: some 2.4 bytes an event.
  { name: 'event_id_filter', column: EVENT.id, type: 'bloom_filter(0.0001)' },
  { name: 'sequences', column: EVENT.sequence, type: 'minmax' },
] as const;

/**
 * Creates the tables of a source's events and rejects, or brings them up to date: a new nullable field gets a column, a
 * field that became nullable too. A nullable field that is gone keeps its column. Idempotent.
 * Throws SOURCE_CHANGED where stored rows can't be read as the source declares them now.
 */
export async function ensureSource(statements: Statements, source: Source): Promise<void> {
  for (const field of source.fields) {
    if (field.nullable && field.type.kind === 'array') {
      throw new GranaryError('DEFINITION_INVALID', `${source.name}.${field.name}: an array can't be null in ClickHouse`, {
        todo: 'Declare the field without nullable; an absent list is an empty one.',
        details: { source: source.name, field: field.name },
      });
    }
  }
  await createEvents(statements, source);
  await createQuarantine(statements, source);
  await compareIdentity(statements, source);
  await compareColumns(statements, source);
  await ensureIndexes(statements, source);
}

async function createEvents(statements: Statements, source: Source): Promise<void> {
  const columns = [
    `${identifier(EVENT.id)} String`,
    `${identifier(EVENT.time)} ${INSTANT}`,
    `${identifier(EVENT.knownAt)} ${INSTANT}`,
    `${identifier(EVENT.sequence)} UInt64`,
    ...source.fields.map((field) => `${identifier(field.name)} ${columnType(field)}`),
    ...INDEXES.map(({ name, column, type }) => `INDEX ${name} ${identifier(column)} TYPE ${type} GRANULARITY 1`),
  ];
  // Event time leads the sorting key: windows, point-in-time reads and the look-up of a batch's ids all ask for a range of
  // time, and events arrive nearly in that order, so parts merge cheaply. Not partitioned: one file may span decades, and
  // ClickHouse refuses an insert that touches more than 100 partitions.
  const order = `(${identifier(EVENT.time)}, ${identifier(EVENT.id)})`;
  const sql = `CREATE TABLE IF NOT EXISTS ${identifier(eventsTable(source))} (${columns.join(', ')})
    ENGINE = MergeTree ORDER BY ${order} COMMENT '${identityOf(source)}'`;
  await statements.command({ sql, params: {} }, { comment: `ensure ${source.name}` });
}

/** Tables of an earlier version get what they lack; what they hold is indexed in the background. */
async function ensureIndexes(statements: Statements, source: Source): Promise<void> {
  const rows = await statements.rows({
    sql: 'SELECT name FROM system.data_skipping_indices WHERE database = currentDatabase() AND table = {table:String}',
    params: { table: eventsTable(source) },
  });
  const missing = INDEXES.filter(({ name }) => !rows.some((row) => row.name === name));
  if (missing.length === 0) return;
  const changes = missing.flatMap(({ name, column, type }) => [`ADD INDEX IF NOT EXISTS ${name} ${identifier(column)} TYPE ${type} GRANULARITY 1`, `MATERIALIZE INDEX ${name}`]);
  await statements.command({ sql: `ALTER TABLE ${identifier(eventsTable(source))} ${changes.join(', ')}`, params: {} }, { comment: `ensure ${source.name}` });
}

async function createQuarantine(statements: Statements, source: Source): Promise<void> {
  // Replacing by (file, line, text): the same reject reported again is the same reject.
  const sql = `CREATE TABLE IF NOT EXISTS ${identifier(quarantineTable(source))} (
      file String, line UInt64, row String, reason String, at ${INSTANT}, row_hash UInt64 MATERIALIZED sipHash64(row)
    ) ENGINE = ReplacingMergeTree ORDER BY (file, line, row_hash)`;
  await statements.command({ sql, params: {} }, { comment: `ensure ${source.name}` });
}

/** What makes two rows the same event; kept with the table, for stored rows can't be given another identity. */
function identityOf(source: Source): string {
  return JSON.stringify({ eventId: source.eventId, eventTime: source.eventTime, knownAt: source.knownAt });
}

async function compareIdentity(statements: Statements, source: Source): Promise<void> {
  const [table] = await statements.rows({
    sql: 'SELECT comment FROM system.tables WHERE database = currentDatabase() AND name = {table:String}',
    params: { table: eventsTable(source) },
  });
  if (table?.comment !== identityOf(source)) {
    throw changed(source, `its eventId, eventTime or knownAt`, { stored: table?.comment ?? null, declared: identityOf(source) });
  }
}

async function compareColumns(statements: Statements, source: Source): Promise<void> {
  const rows = await statements.rows({
    sql: 'SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String}',
    params: { table: eventsTable(source) },
  });
  const stored = new Map(rows.map((row) => [row.name as string, row.type as string]));
  const changes: string[] = [];
  for (const field of source.fields) {
    const want = columnType(field);
    const have = stored.get(field.name);
    if (have === want) continue;
    if (have === undefined && field.nullable) changes.push(`ADD COLUMN IF NOT EXISTS ${identifier(field.name)} ${want}`);
    else if (have !== undefined && want === `Nullable(${have})`) changes.push(`MODIFY COLUMN ${identifier(field.name)} ${want}`);
    else if (have === undefined) throw changed(source, `a new field ${field.name} that may not be null`, { field: field.name, declared: want });
    else throw changed(source, `the type of ${field.name}: ${have} is stored, ${want} is declared`, { field: field.name, stored: have, declared: want });
  }
  const declared = new Set<string>([...source.fields.map((field) => field.name), ...Object.values(EVENT)]);
  for (const [name, type] of stored) {
    if (!declared.has(name) && !type.startsWith('Nullable(')) throw changed(source, `the field ${name} is gone`, { field: name, stored: type });
  }
  if (changes.length === 0) return;
  const sql = `ALTER TABLE ${identifier(eventsTable(source))} ${changes.join(', ')}`;
  await statements.command({ sql, params: {} }, { comment: `ensure ${source.name}` });
}

function changed(source: Source, what: string, details: Readonly<Record<string, unknown>>): GranaryError {
  return new GranaryError('SOURCE_CHANGED', `source ${source.name} changed in what its stored events can't follow: ${what}`, {
    todo: `Declare the new form as a source of a new name (${source.name}_v2), or make the field nullable; or drop the table ${eventsTable(source)} and ingest again.`,
    details: { source: source.name, ...details },
  });
}

function columnType(field: SourceField): string {
  const type = clickhouseType(field.type);
  return field.nullable ? `Nullable(${type})` : type;
}

