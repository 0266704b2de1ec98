import { rowRuns, type EventSchema, type StoredColumn, type ViewRepresentation } from '@granary/aggregates';
import { LOG, identifier, latestRun, runsOf, type Instant, type Statement } from '@granary/contracts';
import { BASE_LENGTH_OFFSET, CHECKSUM_BYTES, FORMAT, HEAD_BYTES, ORDER_OFFSET, writeSortable } from '../value.js';
import { viewOf } from '../variable.js';
import { SqlParams, bytesOf, eachFixed, eachNumber, endsOf, heapTexts, isFixed, uint32, widthOf } from './values.js';

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
}

/**
 * The bases of states that ClickHouse computes, packed there: `BASE` holds the bytes that `encodeBase` would give. `states`
 * has the keys, the row and the log as `compileState` gives them. An enum's value that is not declared fails the statement by
 * `throwIf`.
 */
export function packBases({ row, events }: Pick<ViewRepresentation, 'row' | 'events'>, states: Statement, { keys, ...order }: PackOptions): Statement {
  const params = new SqlParams();
  const own = keys.map(identifier);
  const step = (column: string, name: string, from: string): string => `SELECT ${[...own, `${column} AS ${identifier(name)}`].join(', ')}\nFROM (\n${from}\n)`;
  const body = step(`concat(${[...rowBytes(params, row), logBytes(params, events)].join(', ')})`, 'body', states.sql);
  const begin = `unhex(${params.bind('String', headOf(order))})`;
  const packed = step(`concat(${begin}, ${uint32(`length(body) + ${HEAD_BYTES + CHECKSUM_BYTES}`)}, body)`, 'packed', body);
  return { sql: step(`concat(packed, ${bytesOf('CRC32(packed)')})`, BASE, packed), params: { ...states.params, ...params.params } };
}

/** What every base begins with, up to its length: hex. */
function headOf({ version, sequence, asOf }: Omit<PackOptions, 'keys'>): string {
  const head = Buffer.alloc(BASE_LENGTH_OFFSET);
  head[0] = FORMAT;
  head.set(Buffer.from(version, 'hex'), 1);
  writeSortable(viewOf(head), ORDER_OFFSET, sequence);
  writeSortable(viewOf(head), ORDER_OFFSET + 8, asOf);
  return head.toString('hex');
}

/** Neighbours of a row: an array of their values, which is empty where there are none to hold. */
interface RowRun {
  readonly column: StoredColumn;
  readonly count: number;
  readonly values: string;
}

function runsOfRow(row: readonly StoredColumn[]): readonly RowRun[] {
  let latest = 0;
  return rowRuns(row).map((run) => ({
    column: run.columns[0]!,
    count: run.columns.length,
    values: run.latest ? identifier(latestRun(latest++)) : `[${run.columns.map(({ name }) => identifier(name)).join(', ')}]`,
  }));
}

function rowBytes(params: SqlParams, row: readonly StoredColumn[]): readonly string[] {
  const runs = runsOfRow(row);
  const fixed = runs.filter(({ column }) => isFixed(column.type)).map(({ column, count, values }) => `rightPad(${eachFixed(params, column.type, values, true)}, ${count * widthOf(column.type)}, '\\0')`);
  // Of what is not there a nullable column has no bytes, and others those of an empty value.
  const textsOf = ({ column: { type, nullable }, count, values }: RowRun): string =>
    nullable ? `arrayResize(${heapTexts(params, type, values, true)}, ${count}, '')` : heapTexts(params, type, `arrayResize(${values}, ${count})`, false);
  const heap = runs.filter(({ column }) => !isFixed(column.type)).map(textsOf);
  const texts = heap.length === 1 ? heap[0]! : `arrayConcat(${heap.join(', ')})`;
  return [...bitmap(runs), ...fixed, ...(heap.length === 0 ? [] : [endsOf(texts), `arrayStringConcat(${texts})`])];
}

/** Bit p of byte p >> 3: column p is null. A word for every 64 columns, cut where they end. */
function bitmap(runs: readonly RowRun[]): readonly string[] {
  const columns = runs.reduce((sum, { count }) => sum + count, 0);
  const nulls = runs.map(({ column, count, values }) => (column.nullable ? `arrayResize(arrayMap(x -> isNull(x), ${values}), ${count}, 1)` : `arrayWithConstant(${count}, 0)`));
  const all = nulls.length === 1 ? nulls[0]! : `arrayConcat(${nulls.join(', ')})`;
  return Array.from({ length: Math.ceil(columns / 64) }, (_, word) => {
    const count = Math.min(64, columns - 64 * word);
    const own = columns <= 64 ? all : `arraySlice(${all}, ${64 * word + 1}, ${count})`;
    const bits = `arraySum((bit, i) -> bitShiftLeft(toUInt64(bit), i), ${own}, range(${count}))`;
    return `substring(concat(${bytesOf(bits)}, ''), 1, ${Math.ceil(count / 8)})`;
  });
}

function logBytes(params: SqlParams, { columns, conditions, knownAt }: EventSchema): string {
  const times = [LOG.time, ...(knownAt ? [LOG.known, LOG.until] : [])];
  const runs = runsOf(columns).map((run, i) => {
    const [{ type, nullable }] = run as [(typeof run)[number]];
    const values = `arrayMap(x -> x[k], ${LOG.run(i)})`;
    const texts = isFixed(type) ? null : heapTexts(params, type, values, nullable);
    const bytes = texts === null ? [eachFixed(params, type, values, nullable)] : [endsOf(texts), `arrayStringConcat(${texts})`];
    return `arrayStringConcat(arrayMap(k -> concat(${[...(nullable ? [eachNumber(values, 'isNull(x)')] : []), ...bytes, "''"].join(', ')}), range(1, ${run.length + 1})))`;
  });
  const bytes = [uint32(`length(${LOG.time})`), ...times.map((column) => eachNumber(column, 'toFloat64(x)')), ...conditions.map((_, i) => eachNumber(LOG.condition(i), 'x')), ...runs];
  // Most logs of views that keep only what is to come are empty: ClickHouse then computes nothing of the columns.
  return `if(empty(${LOG.time}), unhex('00000000'), concat(${bytes.join(', ')}))`;
}
