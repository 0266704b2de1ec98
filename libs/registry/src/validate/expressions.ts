import { expressionType, fieldReferences, formatType, isGranaryError, parseValue, type Expression, type FieldReference, type FieldType, type Literal, type Source } from '@granary/contracts';
import { fieldOf, listFields, sameType } from './context.js';

type Call = Extract<Expression, { kind: 'call' }>;
export type Tell = (message: string, todo: string) => void;

/** What an expression may read. */
export interface Scope {
  /** Undefined: there is no such field. */
  readonly typeOf: (field: FieldReference) => FieldType | undefined;
  /** What there is, as a sentence. */
  readonly list: string;
}

/** What conditions over a source's events may read. */
export function sourceScope(source: Source): Scope {
  return { typeOf: ({ of, name }) => (of === undefined ? fieldOf(source, name)?.type : undefined), list: listFields(source) };
}

/** The type of an expression; undefined when something is wrong with it, which `tell` has heard then. */
export function checkExpression(expression: Expression, scope: Scope, tell: Tell): FieldType | undefined {
  let sound = true;
  const wrong: Tell = (message, todo) => {
    sound = false;
    tell(message, todo);
  };
  for (const text of new Set(fieldReferences(expression).filter((field) => scope.typeOf(field) === undefined).map(fieldText))) wrong(`reads ${text}, which is not there`, scope.list);
  if (!sound) return undefined;
  try {
    const type = expressionType(expression, (field) => scope.typeOf(field)!);
    checkCalls(expression, scope, wrong);
    return sound ? type : undefined;
  } catch (error) {
    if (!isGranaryError(error, 'DEFINITION_INVALID')) throw error;
    tell(`has ${error.message}`, error.todo ?? 'Give it arguments of other types.');
    return undefined;
  }
}

/** Whether an expression answers yes or no. */
export function checkCondition(expression: Expression, scope: Scope, tell: Tell): void {
  const type = checkExpression(expression, scope, tell);
  if (type !== undefined && type.kind !== 'bool') tell(`has a condition that is ${formatType(type)}, not yes or no`, 'Compare it: e.kind.eq(…).');
}

function fieldText({ of, name }: FieldReference): string {
  return of === undefined ? name : `${of}.${name}`;
}

function checkCalls(expression: Expression, scope: Scope, tell: Tell): void {
  if (expression.kind === 'literal') {
    const wrong = literalProblem(expression, expression.type);
    if (wrong !== undefined) tell(`has a value that ${wrong}`, `Give a value of type ${formatType(expression.type)}.`);
  }
  if (expression.kind !== 'call') return;
  checkLiterals(expression, tell);
  checkEnumValues(expression, scope, tell);
  for (const arg of expression.args) checkCalls(arg, scope, tell);
}

/** Arguments that must be plain values, of a certain kind. */
function checkLiterals({ fn, args }: Call, tell: Tell): void {
  const [, second] = args;
  switch (fn) {
    case 'year':
    case 'month':
    case 'dayOfMonth':
    case 'dayOfWeek':
    case 'hour':
    case 'minute': {
      const zone = second?.kind === 'literal' ? String(second.value) : undefined;
      if (zone === undefined) tell(`takes the ${fn} in a time zone that is no plain value`, "Name one, such as 'Europe/Berlin'.");
      else if (!isTimeZone(zone)) tell(`takes the ${fn} in the time zone '${zone}', which there is not`, "Use an IANA name as it is written there, such as 'Europe/Berlin' or 'UTC'.");
      return;
    }
    case 'bucketise': {
      const boundaries = args.slice(1).map((arg) => (arg.kind === 'literal' ? Number(arg.value) : NaN));
      const rising = boundaries.every((boundary, i) => Number.isFinite(boundary) && (i === 0 || boundary > boundaries[i - 1]!));
      if (!rising) tell('has a bucketise whose boundaries are not rising numbers', 'Give plain numbers, each greater than the one before.');
      return;
    }
    case 'hashBucket': {
      const buckets = second?.kind === 'literal' ? Number(second.value) : NaN;
      if (!Number.isInteger(buckets) || buckets < 1 || buckets > MOST_BUCKETS) tell('has a hashBucket without a number of buckets', `Give a plain whole number from 1 to ${MOST_BUCKETS}.`);
      return;
    }
    case 'in':
      if (args.slice(1).some((arg) => arg.kind !== 'literal')) tell('has an "in" with something other than plain values', 'Compare with eq(…).or(…) instead.');
      return;
    default:
  }
}

const MOST_BUCKETS = 2_147_483_647;

/** A text that the enum does not have would never be equal to it. */
function checkEnumValues({ fn, args }: Call, scope: Scope, tell: Tell): void {
  if (fn !== 'eq' && fn !== 'ne' && fn !== 'in') return;
  const field = args.find((arg) => arg.kind === 'field');
  const type = field === undefined ? undefined : scope.typeOf(field);
  if (field === undefined || type?.kind !== 'enum') return;
  const strange = args.find((arg) => arg.kind === 'literal' && arg.type.kind === 'string' && typeof arg.value === 'string' && !type.values.includes(arg.value));
  if (strange?.kind === 'literal') tell(`compares ${fieldText(field)} with '${String(strange.value)}'`, `It is ${formatType(type)}.`);
}

/** Written as the IANA data base writes it: ClickHouse tells upper and lower case apart, Intl does not. */
function isTimeZone(zone: string): boolean {
  if (!/^[A-Z][A-Za-z0-9_+-]*(\/[A-Z][A-Za-z0-9_+-]*)*$/.test(zone)) return false;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions();
    return timeZone === zone || timeZone.toLowerCase() !== zone.toLowerCase();
  } catch {
    return false;
  }
}

const JSON_TYPES: Readonly<Record<FieldType['kind'], 'boolean' | 'number' | 'string' | 'none'>> = {
  bool: 'boolean',
  int32: 'number',
  int64: 'string',
  float32: 'number',
  float64: 'number',
  string: 'string',
  enum: 'string',
  timestamp: 'number',
  array: 'none',
  map: 'none',
};

/** Why a literal is no value of a type: `is 'sale', not enum(…)`; undefined when it is one. */
export function literalProblem(literal: Literal, type: FieldType): string | undefined {
  const wrong = `is ${JSON.stringify(literal.value)}, not ${formatType(type)}`;
  if (!sameType(literal.type, type)) return `is ${formatType(literal.type)}, not ${formatType(type)}`;
  // parseValue also reads text, as files have it; a literal is a value already.
  if (typeof literal.value !== JSON_TYPES[type.kind]) return wrong;
  try {
    parseValue(type, literal.value);
    return undefined;
  } catch {
    return wrong;
  }
}
