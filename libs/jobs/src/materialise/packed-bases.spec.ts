import { eventColumns, rowRuns, type EntityState, type EventSchema, type StoredColumn, type ViewRepresentation } from '@granary/aggregates';
import { LOG, clickhouseType, identifier, latestRun, runsOf, valueMap, type FieldType, type SourceField, type Value } from '@granary/contracts';
import { OfflineStore } from '@granary/offline-store';
import { BASE, createStateCodec, packBases } from '@granary/online-store';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomFrom } from '../testing/shop.js';
import { OFFLINE, type Target } from '../testing/stores.js';

const seed = Number(process.env['SEED']);
const random = randomFrom(seed);
const below = (n: number): number => Math.floor(random() * n);
const pick = <T>(from: readonly T[]): T => from[below(from.length)]!;
const many = <T>(most: number, make: () => T): T[] => Array.from({ length: below(most + 1) }, make);

const VERSION = '3fa9c1d2e4b5';
const ELEMENTS: readonly FieldType[] = [{ kind: 'bool' }, { kind: 'int32' }, { kind: 'int64' }, { kind: 'float32' }, { kind: 'float64' }, { kind: 'string' }, { kind: 'timestamp' }, { kind: 'enum', values: ['a', "b'", 'ü'] }];
const TYPES: readonly FieldType[] = [...ELEMENTS, ...ELEMENTS, ...ELEMENTS.map((of) => ({ kind: 'array', of }) as FieldType), { kind: 'map', of: { kind: 'int32' } }, { kind: 'map', of: { kind: 'string' } }];
const isNested = ({ kind }: FieldType): boolean => kind === 'array' || kind === 'map';

const TEXTS = ['', 'a', '\0', 'naïve 🦆', "it's\\n\t", 'x'.repeat(300)];
const FLOATS = [0, -0, 1.5, -1e300, 5e-324, NaN, Infinity, -Infinity];

function valueOf(type: FieldType): Value {
  switch (type.kind) {
    case 'bool':
      return random() < 0.5;
    case 'int32':
      return pick([0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 256]);
    case 'int64':
      return pick([0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 40n]);
    case 'float32':
      return Math.fround(pick(FLOATS));
    case 'float64':
      return pick([...FLOATS, random()]);
    case 'string':
      return pick(TEXTS);
    case 'timestamp':
      return pick([0, -1, Date.UTC(1905, 0, 1), Date.UTC(2200, 0, 1, 0, 0, 0, 999)]);
    case 'enum':
      return pick(type.values);
    case 'array':
      return many(4, () => valueOf(type.of)) as Value;
    case 'map':
      return valueMap(many(4, () => [pick(TEXTS), valueOf(type.of)] as never));
  }
}

/** A value in SQL, bit by bit; of constants ClickHouse takes 0 and -0 for one. */
function literal(type: FieldType, value: Value | null): string {
  if (value === null) return 'NULL';
  const hex = (bytes: Buffer): string => `unhex('${bytes.toString('hex')}')`;
  const float = (array: Float32Array | Float64Array): string => `reinterpretAs${clickhouseType(type)}(materialize(${hex(Buffer.from(array.buffer))}))`;
  switch (type.kind) {
    case 'float32':
      return float(Float32Array.of(value as number));
    case 'float64':
      return float(Float64Array.of(value as number));
    case 'string':
    case 'enum':
      return hex(Buffer.from(value as string));
    case 'timestamp':
      return `fromUnixTimestamp64Milli(toInt64('${value as number}'), 'UTC')`;
    case 'array':
      return `CAST([${(value as readonly Value[]).map((each) => literal(type.of, each)).join(', ')}] AS ${clickhouseType(type)})`;
    case 'map':
      return `CAST(map(${Object.entries(value).flatMap(([key, each]) => [literal({ kind: 'string' }, key), literal(type.of, each as Value)]).join(', ')}) AS ${clickhouseType(type)})`;
    default:
      return `to${clickhouseType(type)}('${String(value)}')`;
  }
}

/** Of all that a row holds of a feature only this tells how it is packed. */
const LATEST = { kind: 'part', part: { role: 'latest' } } as Extract<StoredColumn['holds'], { kind: 'part' }>;

type Kept = Pick<ViewRepresentation, 'row' | 'events'>;
interface Case {
  readonly state: EntityState;
  /** Whether there is a newest event to hold values of. */
  readonly settled: boolean;
  /** What the log's columns hold, event by event. */
  readonly values: readonly (readonly (Value | null)[])[];
}

function keptOf(): Kept {
  const columns = many(6, (): Omit<SourceField, 'name'> => {
    const type = pick(TYPES.filter(({ kind }) => kind !== 'map'));
    return { type, nullable: !isNested(type) && random() < 0.5 };
  }).flatMap((column) => Array.from({ length: pick([1, 1, 3]) }, () => column));
  const row = [{ kind: 'timestamp' } as FieldType, ...many(pick([5, 20, 70]), () => pick(TYPES))];
  return {
    row: row.map((type, i) => (i > 0 && random() < 0.6 ? { name: `r${i}`, type, nullable: !isNested(type), holds: LATEST } : { name: `r${i}`, type, nullable: !isNested(type) && (i === 0 || random() < 0.7), holds: { kind: 'eventTime' } })),
    events: {
      conditions: many(3, () => ({ kind: 'where', expression: { kind: 'literal', type: { kind: 'bool' }, value: true } }) as EventSchema['conditions'][number]),
      columns: columns.map((column, i) => ({ name: `c${i}`, ...column })),
      knownAt: random() < 0.5,
    },
  };
}

/** `onlySettled`: there is a newest event, and none in the log. */
function caseOf({ row, events }: Kept, sequence: number, asOf: number, onlySettled: boolean): Case {
  const count = onlySettled ? 0 : pick([0, 0, 1, 3, 20]);
  const log = eventColumns(events, count);
  const values = Array.from({ length: count }, () => events.columns.map(({ type, nullable }) => (nullable && random() < 0.3 ? null : valueOf(type))));
  for (let i = 0; i < count; i++) {
    log.times[i] = below(2 ** 40);
    if (log.known !== null) log.known[i] = below(2 ** 40);
    if (log.until !== null) log.until[i] = pick([Infinity, below(2 ** 40)]);
    for (const bytes of log.conditions) bytes[i] = below(3);
    log.columns.forEach(({ nulls, values: column }, c) => {
      const { type } = events.columns[c]!;
      const value = values[i]![c]!;
      if (value === null) nulls![i] = 1;
      else (column as Value[])[i] = type.kind === 'enum' ? type.values.indexOf(value as string) : type.kind === 'bool' ? Number(value) : value;
    });
  }
  const settled = onlySettled || random() < 0.7;
  const valueIn = ({ type, nullable, holds }: StoredColumn): Value | null => {
    if (holds === LATEST && !settled) return nullable ? null : type.kind === 'map' ? valueMap([]) : [];
    return nullable && random() < 0.3 ? null : valueOf(type);
  };
  return { values, settled, state: { sequence, asOf, row: row.map(valueIn), log, tail: [] } };
}

/** The columns of a state, as `compileState` gives them. */
function stateSql({ row, events }: Kept, { state, values, settled }: Case, key: number, onlySettled: boolean): string {
  const { log } = state;
  const nullable = (type: FieldType, may: boolean): string => (may ? `Nullable(${clickhouseType(type)})` : clickhouseType(type));
  // As texts: of numbers that are not of one type ClickHouse makes others.
  const array = (numbers: Iterable<number>, type: string): string => `CAST([${[...numbers].map((each) => (each === Infinity ? "'inf'" : `'${each}'`)).join(', ')}] AS Array(${type}))`;
  let next = 0;
  const runs = runsOf(events.columns).map((run, i) => {
    const from = next;
    next += run.length;
    const { type, nullable: may } = run[0]!;
    const events_ = values.map((each) => `CAST([${each.slice(from, next).map((value) => literal(type, value)).join(', ')}] AS Array(${nullable(type, may)}))`);
    return `CAST([${events_.join(', ')}] AS Array(Array(${nullable(type, may)}))) AS ${LOG.run(i)}`;
  });
  const latestRuns = rowRuns(row).filter(({ latest }) => latest).map(({ columns: run }, i) => {
    const { type } = run[0]!;
    const held = settled ? run.map((column) => literal(type, state.row![row.indexOf(column)]!)) : [];
    return `CAST([${held.join(', ')}] AS Array(${nullable(type, !isNested(type))})) AS ${latestRun(i)}`;
  });
  const columns = [
    `toInt64(${key}) AS id`,
    ...row.flatMap(({ name, type, nullable: may, holds }, i) => (holds === LATEST ? [] : [`CAST(${literal(type, state.row![i]!)} AS ${nullable(type, may)}) AS ${identifier(name)}`])),
    ...latestRuns,
  ];
  const logColumns = [
    `${array(log.times, 'Int64')} AS ${LOG.time}`,
    ...(log.known === null ? [] : [`${array(log.known, 'Int64')} AS ${LOG.known}`, `${array(log.until!, 'Float64')} AS ${LOG.until}`]),
    ...log.conditions.map((bytes, i) => `${array(bytes, 'UInt8')} AS ${LOG.condition(i)}`),
    ...runs,
  ];
  return `SELECT ${[...columns, ...(onlySettled ? [] : logColumns)].join(', ')}`;
}

describe(`bases packed by ClickHouse (seed ${seed})`, () => {
  let target: Target;
  let store: OfflineStore;
  beforeAll(async () => {
    target = await OFFLINE.embedded();
    store = await OfflineStore.open(target.options);
  });
  afterAll(async () => {
    await store.close();
    await target.stop();
  });

  // The engine at hand reinterprets arrays; older ones don't.
  it.each([false, true])('are the bytes that the codec gives, of values of all types (arrays reinterpreted: %s)', async (reinterpretsArrays) => {
    for (let round = 0; round < 8; round++) {
      const kept = keptOf();
      const settled = round % 3 === 0;
      const [sequence, asOf] = [below(2 ** 40), pick([0, -5, Date.UTC(2026, 0, 1)])];
      const cases = Array.from({ length: 3 }, () => caseOf(kept, sequence, asOf, settled));
      const states = { sql: cases.map((each, i) => stateSql(kept, each, i, settled)).join('\nUNION ALL\n'), params: {} };
      const { sql, params } = packBases(kept, states, { keys: ['id'], version: VERSION, sequence, asOf, settled, reinterpretsArrays });
      const rows = await store.rows({ sql: `SELECT hex(${BASE}) AS base FROM (${sql}) ORDER BY id`, params });
      const codec = createStateCodec(kept, VERSION);
      expect(rows.map((row) => (row['base'] as string).toLowerCase())).toEqual(cases.map(({ state }) => codec.encodeBase(state).toString('hex')));
    }
  });

  it('fail for a value that its enum does not declare', async () => {
    const kept: Kept = { row: [{ name: 'r0', type: ELEMENTS.at(-1)!, nullable: true, holds: { kind: 'eventTime' } }], events: { conditions: [], columns: [], knownAt: false } };
    const states = { sql: `SELECT 1 AS id, 'zz' AS r0, CAST([], 'Array(Int64)') AS ${LOG.time}`, params: {} };
    const { sql, params } = packBases(kept, states, { keys: ['id'], version: VERSION, sequence: 1, asOf: 0 });
    await expect(store.rows({ sql, params })).rejects.toThrow('none of those that its enum declares');
  });
});
