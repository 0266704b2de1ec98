import { rowRuns, type EventSchema, type StoredColumn, type ViewRepresentation } from '@granary/aggregates';
import { LOG, identifier, latestRun, runsOf, type Instant, type Statement } from '@granary/contracts';
import { BASE_LENGTH_OFFSET, CHECKSUM_BYTES, FORMAT, HEAD_BYTES, ORDER_OFFSET, writeSortable } from '../value.js';
import { viewOf } from '../variable.js';
import { BytesSql, bytesOf, eachFixed, endsOf, heapTexts, isFixed, uint32, widthOf } from './values.js';

/** The column that `packBases` adds. */
export const BASE = '__base';

export interface PackOptions {
  /** Columns of the states to keep beside the base: the entity's keys. */
  readonly keys: readonly string[];
  /** Of the view. */
  readonly version: string;
  /** The H and T of all bases. */
  readonly sequence: number;
  readonly asOf: Instant;
  /** Each state is of settled events alone, of one at least, and none is in its log: there are no columns of logs. */
  readonly settled?: boolean;
  /** Of the engine that runs the statement: see `BytesSql`. */
  readonly reinterpretsArrays?: boolean;
}

/**
 * The bases of states that ClickHouse computes, packed there: `BASE` holds the bytes that `encodeBase` would give. `states`
 * has the keys, the row and the log as `compileState` gives them. An enum's value that is not declared fails the statement by
 * `throwIf`.
 */
export function packBases({ row, events }: Pick<ViewRepresentation, 'row' | 'events'>, states: Statement, { keys, settled = false, reinterpretsArrays = false, ...order }: PackOptions): Statement {
  const bytes = new BytesSql(reinterpretsArrays);
  const { fixed, fixedBytes, heap } = rowBytes(bytes, row, settled);
  const variable = [...heap, ...(settled ? [] : [logBytes(bytes, events)])];
  const length = HEAD_BYTES + fixedBytes + CHECKSUM_BYTES;
  const isVariable = variable.length > 0;
  const head = [`unhex(${bytes.bind('String', headOf(order))})`, uint32(isVariable ? `${length} + length(${VARIABLE})` : String(length + NO_EVENTS_BYTES))];
  // Every `concat` copies all of its bytes. Each is a select of its own: what is used twice in one, ClickHouse analyses twice.
  const kept = keys.map(identifier);
  const withVariable = isVariable ? `SELECT *, concat(${[...variable, ...(settled ? [NO_EVENTS] : []), "''"].join(', ')}) AS ${VARIABLE}\nFROM (\n${states.sql}\n)` : states.sql;
  const packed = `SELECT ${[...kept, `concat(${[...head, ...fixed, isVariable ? VARIABLE : NO_EVENTS].join(', ')}) AS ${PACKED}`].join(', ')}\nFROM (\n${withVariable}\n)`;
  const sql = `SELECT ${[...kept, `concat(${PACKED}, ${bytesOf(`CRC32(${PACKED})`)}) AS ${identifier(BASE)}`].join(', ')}\nFROM (\n${packed}\n)`;
  return { sql, params: { ...states.params, ...bytes.params } };
}

// No name of a declaration begins as these do.
const VARIABLE = '__variable';
const PACKED = '__packed';

/** What every base begins with, up to its length: hex. */
function headOf({ version, sequence, asOf }: Pick<PackOptions, 'version' | 'sequence' | 'asOf'>): string {
  const head = Buffer.alloc(BASE_LENGTH_OFFSET);
  head[0] = FORMAT;
  head.set(Buffer.from(version, 'hex'), 1);
  writeSortable(viewOf(head), ORDER_OFFSET, sequence);
  writeSortable(viewOf(head), ORDER_OFFSET + 8, asOf);
  return head.toString('hex');
}

/** Neighbours of a row of one type. */
interface RowRun {
  readonly column: StoredColumn;
  readonly count: number;
  /** SQL of an array of their values. */
  readonly values: string;
  /** Whether it is empty where there are none to hold, as an entity without a newest event. */
  readonly mayLack: boolean;
}

function runsOfRow(row: readonly StoredColumn[], settled: boolean): readonly RowRun[] {
  let latest = 0;
  return rowRuns(row).map((run) => ({
    column: run.columns[0]!,
    count: run.columns.length,
    mayLack: run.latest && !settled,
    values: run.latest ? identifier(latestRun(latest++)) : `[${run.columns.map(({ name }) => identifier(name)).join(', ')}]`,
  }));
}

interface RowSql {
  /** What comes before the heap, and how many bytes it is but for the ends of heap columns. */
  readonly fixed: readonly string[];
  readonly fixedBytes: number;
  readonly heap: readonly string[];
}

function rowBytes(sql: BytesSql, row: readonly StoredColumn[], settled: boolean): RowSql {
  const runs = runsOfRow(row, settled);
  const fixed = runs.filter(({ column }) => isFixed(column.type)).map(({ column: { type }, count, values, mayLack }) => {
    const each = eachFixed(sql, type, values, true);
    return { sql: mayLack ? `rightPad(${each}, ${count * widthOf(type)}, '\\0')` : each, bytes: count * widthOf(type) };
  });
  // Of what is not there a nullable column has no bytes, and others those of an empty value.
  const textsOf = ({ column: { type, nullable }, count, values, mayLack }: RowRun): string => {
    if (!mayLack) return heapTexts(sql, type, values, nullable);
    return nullable ? `arrayResize(${heapTexts(sql, type, values, true)}, ${count}, '')` : heapTexts(sql, type, `arrayResize(${values}, ${count})`, false);
  };
  const heap = runs.filter(({ column }) => !isFixed(column.type)).map(textsOf);
  const texts = heap.length === 1 ? heap[0]! : `arrayConcat(${heap.join(', ')})`;
  return {
    fixed: [...bitmap(runs), ...fixed.map((each) => each.sql)],
    fixedBytes: fixed.reduce((sum, { bytes }) => sum + bytes, Math.ceil(row.length / 8)),
    heap: heap.length === 0 ? [] : [endsOf(sql, texts), `arrayStringConcat(${texts})`],
  };
}

/** Bit p of byte p >> 3: column p is null. A word for every 64 columns, cut where they end. */
function bitmap(runs: readonly RowRun[]): readonly string[] {
  const columns = runs.reduce((sum, { count }) => sum + count, 0);
  const nullsOf = ({ column: { nullable }, count, values, mayLack }: RowRun): string => {
    if (!nullable) return `arrayWithConstant(${count}, 0)`;
    return mayLack ? `arrayResize(arrayMap(x -> isNull(x), ${values}), ${count}, 1)` : `arrayMap(x -> isNull(x), ${values})`;
  };
  const nulls = runs.map(nullsOf);
  const all = nulls.length === 1 ? nulls[0]! : `arrayConcat(${nulls.join(', ')})`;
  return Array.from({ length: Math.ceil(columns / 64) }, (_, word) => {
    const count = Math.min(64, columns - 64 * word);
    const own = columns <= 64 ? all : `arraySlice(${all}, ${64 * word + 1}, ${count})`;
    const bits = `arraySum((bit, i) -> bitShiftLeft(toUInt64(bit), i), ${own}, range(${count}))`;
    return `substring(concat(${bytesOf(bits)}, ''), 1, ${Math.ceil(count / 8)})`;
  });
}

function logBytes(sql: BytesSql, { columns, conditions, knownAt }: EventSchema): string {
  const times = [LOG.time, ...(knownAt ? [LOG.known, LOG.until] : [])];
  const runs = runsOf(columns).map((run, i) => {
    const [{ type, nullable }] = run as [(typeof run)[number]];
    const values = `arrayMap(x -> x[k], ${LOG.run(i)})`;
    const texts = isFixed(type) ? null : heapTexts(sql, type, values, nullable);
    const bytes = texts === null ? [eachFixed(sql, type, values, nullable)] : [endsOf(sql, texts), `arrayStringConcat(${texts})`];
    return `arrayStringConcat(arrayMap(k -> concat(${[...(nullable ? [sql.eachNumber(values, 'isNull(x)')] : []), ...bytes, "''"].join(', ')}), range(1, ${run.length + 1})))`;
  });
  const bytes = [uint32(`length(${LOG.time})`), ...times.map((column) => sql.eachNumber(column, 'toFloat64(x)')), ...conditions.map((_, i) => sql.eachNumber(LOG.condition(i), 'x')), ...runs];
  // Most logs of views that keep only what is to come are empty: ClickHouse then computes nothing of the columns.
  return `if(empty(${LOG.time}), ${NO_EVENTS}, concat(${bytes.join(', ')}))`;
}

/** A log of none: their number. */
const NO_EVENTS_BYTES = 4;
const NO_EVENTS = `unhex('${'00'.repeat(NO_EVENTS_BYTES)}')`;
