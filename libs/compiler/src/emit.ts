import { clickhouseType, identifier, type Expression, type ExpressionFunction, type FieldType, type Literal, type Statement, type StatementParam } from '@granary/contracts';

/** Collects the bound parameters of one statement while its text is written. */
export class Emitter {
  readonly #params: Record<string, StatementParam> = {};

  /** A placeholder for a value: `{p0:String}`. Equal values share one. */
  bind(type: FieldType, value: Literal['value']): string {
    if (type.kind === 'timestamp') return `fromUnixTimestamp64Milli(${this.#placeholder('Int64', value)}, 'UTC')`;
    return this.#placeholder(clickhouseType(type), value);
  }

  /** A placeholder for epoch milliseconds, as Int64. */
  bindMs(value: number): string {
    return this.#placeholder('Int64', value);
  }

  #placeholder(type: string, value: StatementParam): string {
    const known = Object.entries(this.#params).find(([name, other]) => other === value && name.endsWith(`_${type}`));
    const name = known?.[0] ?? `p${Object.keys(this.#params).length}_${type}`;
    this.#params[name] = value;
    return `{${name}:${type}}`;
  }

  statement(sql: string): Statement {
    return Object.freeze({ sql, params: Object.freeze({ ...this.#params }) });
  }
}

const OPERATORS: Partial<Readonly<Record<ExpressionFunction, string>>> = { eq: '=', ne: '!=', lt: '<', lte: '<=', gt: '>', gte: '>=' };

/** An expression in SQL's three-valued logic; `field` gives the SQL of a source field. */
export function emitExpression(emitter: Emitter, expression: Expression, field: (name: string) => string): string {
  switch (expression.kind) {
    case 'field':
      return field(expression.name);
    case 'literal':
      return emitter.bind(expression.type, expression.value);
    case 'call':
      return emitCall(emitter, expression, field);
  }
}

function emitCall(emitter: Emitter, { fn, args }: Extract<Expression, { kind: 'call' }>, field: (name: string) => string): string {
  const [first, ...rest] = args.map((arg) => emitExpression(emitter, arg, field));
  switch (fn) {
    case 'and':
      return `(${[first, ...rest].join(' AND ')})`;
    case 'or':
      return `(${[first, ...rest].join(' OR ')})`;
    case 'not':
      return `NOT ${first}`;
    case 'isNull':
      return `${first} IS NULL`;
    case 'in':
      return `${first} IN (${rest.join(', ')})`;
    default:
      if (OPERATORS[fn] === undefined) throw new Error(`${fn} is not built yet`);
      return `${first} ${OPERATORS[fn]} ${rest[0]}`;
  }
}

export function column(table: string, name: string): string {
  return `${identifier(table)}.${identifier(name)}`;
}

/** Lines of a list, comma separated, indented to stand under a keyword. */
export function list(items: readonly string[]): string {
  return items.map((item) => `  ${item}`).join(',\n');
}
