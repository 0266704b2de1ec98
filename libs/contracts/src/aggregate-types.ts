import type { AggregateFunction } from './definitions.js';
import { GranaryError } from './errors.js';
import { formatType, isInteger, isNumeric, type ElementType, type FieldType } from './types.js';

const INT32: FieldType = { kind: 'int32' };
const FLOAT64: FieldType = { kind: 'float64' };

const isSingle = (type: FieldType): type is ElementType => type.kind !== 'array' && type.kind !== 'map';
const isText = ({ kind }: FieldType): boolean => kind === 'string' || kind === 'enum';

interface Rule {
  /** The column it takes, in words. Null: it counts events and takes none. */
  readonly takes: string | null;
  readonly accepts: (column: FieldType) => boolean;
  readonly gives: (column: FieldType) => FieldType;
}

const events = (gives: FieldType): Rule => ({ takes: null, accepts: () => false, gives: () => gives });
const anything: Rule = { takes: 'any field', accepts: () => true, gives: (column) => column };
const single = (gives: (column: ElementType) => FieldType): Rule => ({ takes: 'single values, no arrays', accepts: isSingle, gives: (column) => gives(column as ElementType) });
const numbers = (gives: (column: FieldType) => FieldType): Rule => ({ takes: 'numbers', accepts: isNumeric, gives });
const ordered: Rule = { takes: 'numbers, strings and timestamps', accepts: (type) => isNumeric(type) || type.kind === 'string' || type.kind === 'timestamp', gives: (column) => column };
const float = numbers(() => FLOAT64);
const listOf = single((of) => ({ kind: 'array', of }));

const RULES: Readonly<Record<AggregateFunction, Rule>> = {
  latest: anything,
  count: events(INT32),
  sum: numbers((column) => (isInteger(column) ? { kind: 'int64' } : FLOAT64)),
  avg: { takes: 'numbers and bools', accepts: (type) => isNumeric(type) || type.kind === 'bool', gives: () => FLOAT64 },
  min: ordered,
  max: ordered,
  varianceSample: float,
  variancePopulation: float,
  stddevSample: float,
  stddevPopulation: float,
  countDistinct: single(() => INT32),
  approxCountDistinct: single(() => INT32),
  first: single((column) => column),
  last: single((column) => column),
  lastN: listOf,
  timeSinceLast: events(FLOAT64),
  topK: listOf,
  countBy: { takes: 'texts', accepts: isText, gives: () => ({ kind: 'map', of: { kind: 'int32' } }) },
  ratio: events(FLOAT64),
  rate: events(FLOAT64),
  percentile: float,
  approxPercentile: float,
  decayedCount: events(FLOAT64),
  decayedSum: float,
};

/**
 * The type of an aggregate's feature, from that of the column it reads (null: none). timeSinceLast is milliseconds.
 * Throws DEFINITION_INVALID for a column that it does not take.
 */
export function aggregateType(fn: AggregateFunction, column: FieldType | null): FieldType {
  const { takes, accepts, gives } = RULES[fn];
  if (takes === null && column === null) return gives(INT32);
  if (takes !== null && column !== null && accepts(column)) return gives(column);
  const given = column === null ? 'no column' : formatType(column);
  throw new GranaryError('DEFINITION_INVALID', `${fn} takes ${takes ?? 'no column'}, not ${given}`, {
    todo: takes === null ? `Write ${fn}() without a column; where(…) chooses the events.` : `Name a field of the source: ${fn} takes ${takes}.`,
  });
}
