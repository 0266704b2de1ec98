import { isInteger, type FieldType } from '@granary/contracts';
import type { Emitter } from '../emit.js';

/** SQL of a value: a column of the type's ClickHouse type, but that conditions are UInt8 where nothing asks for a Bool. */
export interface Sql {
  readonly sql: string;
  readonly type: FieldType;
  readonly nullable: boolean;
  /** How it stands beside operators: `atom` is short and free to repeat, `call` needs no brackets, `infix` does. */
  readonly form: 'atom' | 'call' | 'infix';
}

/** Its text as an operand. */
export function operand({ sql, form }: Sql): string {
  return form === 'infix' ? `(${sql})` : sql;
}

export function asFloat(value: Sql): Sql {
  return value.type.kind === 'float64' ? value : { ...value, sql: `toFloat64(${value.sql})`, type: { kind: 'float64' }, form: 'call' };
}

export function asInteger(value: Sql): Sql {
  return value.type.kind === 'int64' ? value : { ...value, sql: `toInt64(${value.sql})`, type: { kind: 'int64' }, form: 'call' };
}

/** A number as the wider type of a result. */
export function widened(value: Sql, { kind }: FieldType): Sql {
  if (kind === 'float64') return asFloat(value);
  return kind === 'int64' && isInteger(value.type) ? asInteger(value) : value;
}

/**
 * SQL that may repeat `values`: what is no atom gets a name, by a lambda over an array of one. Repeating the text instead
 * would double it at each level of a tree.
 */
export function repeatable(emitter: Emitter, values: readonly Sql[], body: (values: readonly Sql[]) => string): string {
  const long = values.filter(({ form }) => form !== 'atom');
  if (long.length === 0) return body(values);
  const names = new Map(long.map((value) => [value, emitter.fresh()]));
  const bound = body(values.map((value) => (names.has(value) ? { ...value, sql: names.get(value)!, form: 'atom' } : value)));
  const parameters = [...names.values()].join(', ');
  return `arrayMap(${long.length === 1 ? parameters : `(${parameters})`} -> ${bound}, ${long.map(({ sql }) => `[${sql}]`).join(', ')})[1]`;
}

/** `body` where none of `values` is null, else null: for functions of ClickHouse that pass over nulls. */
export function strict(emitter: Emitter, values: readonly Sql[], body: (values: readonly Sql[]) => string): string {
  if (!values.some(({ nullable }) => nullable)) return body(values);
  return repeatable(emitter, values, (each) => `if(${each.filter(({ nullable }) => nullable).map(({ sql }) => `isNull(${sql})`).join(' OR ')}, NULL, ${body(each)})`);
}
