import { formatType, parseValue, type Expression, type FieldType, type Literal, type Source } from '@granary/contracts';
import { fieldOf, listFields, sameType } from './context.js';

type Say = (message: string, todo: string) => void;
type Call = Extract<Expression, { kind: 'call' }>;

/** Whether an expression is a condition over the source's fields, with literals of their types. */
export function checkCondition(expression: Expression, source: Source, say: Say): void {
  if (expression.kind !== 'call') return say('has a condition that is not yes or no', 'Compare a field: where(e.kind.eq(…)).');
  switch (expression.fn) {
    case 'and':
    case 'or':
      if (expression.args.length < 2) say(`has an "${expression.fn}" of fewer than two conditions`, 'Give it two.');
      return expression.args.forEach((part) => checkCondition(part, source, say));
    case 'not':
      if (expression.args.length !== 1) say('has a "not" of more or less than one condition', 'Give it one.');
      return expression.args.forEach((part) => checkCondition(part, source, say));
    case 'isNull':
      if (expression.args.length !== 1) say('asks isNull of more or less than one field', 'Name one field.');
      return void subject(expression, source, say);
    case 'in':
      if (expression.args.length < 2) say('is in an empty list, which nothing is', 'Name at least one value.');
      return checkComparison(expression, source, say);
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
    case 'eq':
    case 'ne':
      if (expression.args.length !== 2) say(`compares with ${expression.fn} other than two things`, 'Compare a field with a value.');
      return checkComparison(expression, source, say);
  }
}

const UNORDERED: ReadonlySet<FieldType['kind']> = new Set(['bool', 'enum', 'array']);

function checkComparison(call: Call, source: Source, say: Say): void {
  const field = subject(call, source, say);
  if (field === undefined) return;
  const equality = call.fn === 'eq' || call.fn === 'ne' || call.fn === 'in';
  if (field.type.kind === 'array' || (!equality && UNORDERED.has(field.type.kind))) {
    return say(`compares ${field.name} by ${call.fn}, and ${formatType(field.type)} has no such comparison`, field.type.kind === 'array' ? 'Compare a field that is no array.' : 'Use eq, ne or in.');
  }
  for (const value of call.args.slice(1)) {
    const wrong = value.kind === 'literal' ? literalProblem(value, field.type) : 'is not a plain value';
    if (wrong !== undefined) say(`compares ${field.name} with a value that ${wrong}`, `Give a value of type ${formatType(field.type)}.`);
  }
}

function subject(call: Call, source: Source, say: Say): Source['fields'][number] | undefined {
  const [first] = call.args;
  if (first?.kind !== 'field') {
    say(`has a condition (${call.fn}) without a field on its left`, 'Begin with a field: e.kind.eq(…).');
    return undefined;
  }
  const field = fieldOf(source, first.name);
  if (field === undefined) say(`has a condition on ${first.name}, which ${source.name} has not`, listFields(source));
  return field;
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
