import type { Expression, ExpressionFunction, FieldReference, Literal } from './expression.js';
import { GranaryError } from './errors.js';
import { formatType, isInteger, isNumeric, type FieldType } from './types.js';

type Result = FieldType | string;

const BOOL: FieldType = { kind: 'bool' };
const INT32: FieldType = { kind: 'int32' };
const INT64: FieldType = { kind: 'int64' };
const FLOAT64: FieldType = { kind: 'float64' };
const STRING: FieldType = { kind: 'string' };

const isText = ({ kind }: FieldType): boolean => kind === 'string' || kind === 'enum';
const isBool = ({ kind }: FieldType): boolean => kind === 'bool';
const isTime = ({ kind }: FieldType): boolean => kind === 'timestamp';
const isOrdered = (type: FieldType): boolean => isNumeric(type) || type.kind === 'string' || isTime(type);
const isScalar = ({ kind }: FieldType): boolean => kind !== 'array' && kind !== 'map';

/** Whether values of both can be compared: numbers with numbers, texts with texts, else the same kind. */
function comparable(a: FieldType, b: FieldType): boolean {
  return (isNumeric(a) && isNumeric(b)) || (isText(a) && isText(b)) || (a.kind === b.kind && isScalar(a));
}

/** Takes between `least` and `most` arguments, all of which satisfy `accepts`. */
function all(least: number, most: number, accepts: (type: FieldType) => boolean, what: string, result: (args: readonly FieldType[]) => FieldType) {
  return (args: readonly FieldType[]): Result => {
    if (args.length < least || args.length > most) return least === most ? `takes ${least} arguments` : `takes ${least} arguments or more`;
    const wrong = args.find((type) => !accepts(type));
    return wrong === undefined ? result(args) : `takes ${what}, not ${formatType(wrong)}`;
  };
}

/** One type for values of both, if there is one. */
function union(a: FieldType, b: FieldType): FieldType | null {
  if (isNumeric(a) && isNumeric(b)) return a.kind === b.kind ? a : isInteger(a) && isInteger(b) ? INT64 : FLOAT64;
  if (isText(a) && isText(b)) return JSON.stringify(a) === JSON.stringify(b) ? a : STRING;
  return a.kind === b.kind && isScalar(a) ? a : null;
}

function unionOf(types: readonly FieldType[]): Result {
  let [result] = types as [FieldType];
  for (const type of types.slice(1)) {
    const both = isScalar(result) ? union(result, type) : null;
    if (both === null) return `can give either ${formatType(result)} or ${formatType(type)}`;
    result = both;
  }
  return isScalar(result) ? result : `can't give ${formatType(result)}`;
}

const same = (accepts: (type: FieldType) => boolean, what: string, most = 2) => (args: readonly FieldType[]): Result => {
  const found = all(2, most, accepts, what, () => BOOL)(args);
  if (typeof found === 'string') return found;
  const other = args.find((type) => !comparable(args[0]!, type));
  return other === undefined ? found : `compares ${formatType(args[0]!)} with ${formatType(other)}`;
};
const number = (type: (args: readonly FieldType[]) => FieldType, count: number) => all(count, count, isNumeric, 'numbers', type);
const widest = (args: readonly FieldType[]): FieldType => (args.every(isInteger) ? INT64 : FLOAT64);
const float = (count: number) => number(() => FLOAT64, count);
const textTest = all(2, 2, isText, 'texts', () => BOOL);
const text = all(1, 1, isText, 'a text', () => STRING);
const dayPart = ([time, zone, ...rest]: readonly FieldType[]): Result =>
  time !== undefined && isTime(time) && zone !== undefined && isText(zone) && rest.length === 0 ? INT32 : 'takes a timestamp and a time zone';

const TYPES: Readonly<Record<ExpressionFunction, (args: readonly FieldType[]) => Result>> = {
  eq: same(isScalar, 'single values'),
  ne: same(isScalar, 'single values'),
  lt: same(isOrdered, 'numbers, strings or timestamps'),
  lte: same(isOrdered, 'numbers, strings or timestamps'),
  gt: same(isOrdered, 'numbers, strings or timestamps'),
  gte: same(isOrdered, 'numbers, strings or timestamps'),
  in: same(isScalar, 'single values', Infinity),
  isNull: all(1, 1, isScalar, 'a single value', () => BOOL),
  and: all(2, Infinity, isBool, 'conditions', () => BOOL),
  or: all(2, Infinity, isBool, 'conditions', () => BOOL),
  not: all(1, 1, isBool, 'a condition', () => BOOL),
  add: number(widest, 2),
  sub: number(widest, 2),
  mul: number(widest, 2),
  div: float(2),
  mod: number(widest, 2),
  neg: number(widest, 1),
  abs: number(widest, 1),
  least: number(widest, 2),
  greatest: number(widest, 2),
  clamp: number(widest, 3),
  pow: float(2),
  sqrt: float(1),
  exp: float(1),
  log: float(1),
  log1p: float(1),
  floor: float(1),
  ceil: float(1),
  round: float(1),
  if: (args) => (args.length !== 3 ? 'takes 3 arguments' : isBool(args[0]!) ? unionOf(args.slice(1)) : `takes a condition first, not ${formatType(args[0]!)}`),
  coalesce: (args) => (args.length < 2 ? 'takes 2 arguments or more' : unionOf(args)),
  nullIf: (args) => (args.length !== 2 ? 'takes 2 arguments' : comparable(args[0]!, args[1]!) ? args[0]! : `compares ${formatType(args[0]!)} with ${formatType(args[1]!)}`),
  toFloat: all(1, 1, (type) => isNumeric(type) || isBool(type) || isTime(type), 'a number, bool or timestamp', () => FLOAT64),
  toText: all(1, 1, (type) => isInteger(type) || isBool(type) || isText(type), 'an integer, bool or text', () => STRING),
  lower: text,
  upper: text,
  trim: text,
  length: all(1, 1, isText, 'a text', () => INT32),
  concat: all(2, Infinity, isText, 'texts', () => STRING),
  contains: textTest,
  startsWith: textTest,
  endsWith: textTest,
  year: dayPart,
  month: dayPart,
  dayOfMonth: dayPart,
  dayOfWeek: dayPart,
  hour: dayPart,
  minute: dayPart,
  msBetween: all(2, 2, isTime, 'timestamps', () => FLOAT64),
  bucketise: all(2, Infinity, isNumeric, 'numbers', () => INT32),
  hashBucket: (args) =>
    args.length === 2 && (isInteger(args[0]!) || isBool(args[0]!) || isText(args[0]!)) && isInteger(args[1]!) ? INT32 : 'takes an integer, bool or text, and a number of buckets',
  haversineKm: float(4),
};

/** The type of a call's result. Throws DEFINITION_INVALID for arguments it does not take. */
export function callType(fn: ExpressionFunction, args: readonly FieldType[]): FieldType {
  const result = TYPES[fn](args);
  if (typeof result !== 'string') return result;
  throw new GranaryError('DEFINITION_INVALID', `${fn}(${args.map(formatType).join(', ')}): ${fn} ${result}`, { todo: 'Give it arguments of other types; toFloat and toText convert.' });
}

/** The type of an expression over fields of known types. Throws DEFINITION_INVALID. */
export function expressionType(expression: Expression, fieldType: (field: FieldReference) => FieldType): FieldType {
  switch (expression.kind) {
    case 'field':
      return fieldType(expression);
    case 'literal':
      return expression.type;
    case 'call': {
      const type = callType(expression.fn, expression.args.map((arg) => expressionType(arg, fieldType)));
      checkLiterals(expression.fn, expression.args);
      return type;
    }
  }
}

/** Those that take literals from some argument on, and what is wrong with these, if anything. */
const LITERALS: Partial<Readonly<Record<ExpressionFunction, (literals: readonly Literal[]) => string | null>>> = {
  ...Object.fromEntries(['year', 'month', 'dayOfMonth', 'dayOfWeek', 'hour', 'minute'].map((fn) => [fn, zoneProblem])),
  bucketise: (boundaries) => (boundaries.every(({ value }, i) => i === 0 || Number(boundaries[i - 1]!.value) < Number(value)) ? null : 'takes boundaries that rise'),
  hashBucket: ([buckets]) => (Number(buckets!.value) >= 1 && Number(buckets!.value) <= 2_147_483_647 ? null : 'takes a number of buckets from 1 to 2147483647'),
};

function checkLiterals(fn: ExpressionFunction, [, ...args]: readonly Expression[]): void {
  const problem = LITERALS[fn];
  if (problem === undefined) return;
  const literals = args.filter((arg) => arg.kind === 'literal');
  const wrong = literals.length < args.length ? 'takes plain values after the first argument' : problem(literals);
  if (wrong !== null) throw new GranaryError('DEFINITION_INVALID', `${fn} ${wrong}`, { todo: 'Write the values themselves, not fields or calls.' });
}

/** Making a formatter for a zone takes the runtime longer than all the rest of a check. */
const zoneProblems = new Map<string, string | null>();

function zoneProblem([zone]: readonly Literal[]): string | null {
  const name = String(zone!.value);
  let problem = zoneProblems.get(name);
  if (problem === undefined) zoneProblems.set(name, (problem = ianaProblem(name)));
  return problem;
}

/** The runtime takes a zone in any case and also offsets; ClickHouse takes only the names of IANA. */
function ianaProblem(name: string): string | null {
  try {
    const { timeZone } = new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions();
    const otherCase = timeZone !== name && timeZone.toLowerCase() === name.toLowerCase();
    return /^[A-Z]/.test(name) && !otherCase ? null : `takes an IANA time zone such as ${timeZone}, not '${name}'`;
  } catch {
    return `takes an IANA time zone such as Europe/Berlin, not '${name}'`;
  }
}
