import { callType, expressionType, named, type Expression, type FieldReference, type FieldType, type Source } from '@granary/contracts';
import type { Emitter } from '../emit.js';
import { FUNCTIONS } from './functions.js';
import type { Sql } from './sql.js';

/** SQL of a field's value: an identifier, or something as short. */
export interface FieldSql {
  readonly sql: string;
  readonly type: FieldType;
  /** Default true. */
  readonly nullable?: boolean;
}

export type Fields = (field: FieldReference) => FieldSql;

/**
 * SQL of what `compileExpression` of @granary/aggregates computes, in three-valued logic; a condition's may be a UInt8.
 * Throws DEFINITION_INVALID for an expression whose types don't fit.
 */
export function emitExpression(emitter: Emitter, expression: Expression, fields: Fields): string {
  return emitTyped(emitter, expression, fields).sql;
}

/** SQL of a whole column of an expression's type. */
export function emitColumn(emitter: Emitter, expression: Expression, fields: Fields): string {
  const { sql, type } = emitTyped(emitter, expression, fields);
  return type.kind === 'bool' ? `toBool(${sql})` : sql;
}

/** The fields of a source's event; `column` gives the SQL of one. */
export function sourceFields({ fields }: Pick<Source, 'fields'>, column: (name: string) => string): Fields {
  return ({ name }) => {
    const { type, nullable } = named(fields, name);
    return { sql: column(name), type, nullable };
  };
}

function emitTyped(emitter: Emitter, expression: Expression, fields: Fields): Sql {
  expressionType(expression, (field) => fields(field).type);
  return emit(emitter, expression, fields);
}

function emit(emitter: Emitter, expression: Expression, fields: Fields): Sql {
  switch (expression.kind) {
    case 'field': {
      const { sql, type, nullable = true } = fields(expression);
      return { sql, type, nullable, form: 'atom' };
    }
    case 'literal': {
      const { type, value } = expression;
      return { sql: emitter.bind(type, type.kind === 'float32' ? Math.fround(value as number) : value), type, nullable: false, form: 'atom' };
    }
    case 'call': {
      const args = expression.args.map((arg) => emit(emitter, arg, fields));
      const type = callType(expression.fn, args.map((arg) => arg.type));
      return { type, nullable: args.some(({ nullable }) => nullable), form: 'call', ...FUNCTIONS[expression.fn](args, { emitter, type }) };
    }
  }
}
