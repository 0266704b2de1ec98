import { compileExpression } from '@granary/aggregates';
import { Emitter, emitColumn } from '@granary/compiler';
import { clickhouseType, expressionType, formatExpression, identifier, type Expression, type FieldReference, type Value } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import { EXPRESSION_FIELDS, isApproximate, type ExpressionCase } from './expression-cases.js';

/** A value on which SQL and the closure differ. */
export interface ExpressionMismatch {
  readonly expression: string;
  readonly row: Readonly<Record<string, Value | null>>;
  readonly closure: Value | null;
  readonly sql: Value | null;
}

const TABLE = 'expression_rows';
const ROW = '__row';

/** Computes every expression over every row, by closures and in ClickHouse. */
export async function compareExpressions(store: OfflineStore, { expressions, rows }: ExpressionCase): Promise<{ readonly compared: number; readonly mismatches: readonly ExpressionMismatch[]; readonly paths: readonly string[] }> {
  const columns = EXPRESSION_FIELDS.map(({ name, type, nullable }) => {
    const stored = type.kind === 'timestamp' ? 'Int64' : clickhouseType(type);
    return `${identifier(name)} ${nullable ? `Nullable(${stored})` : stored}`;
  });
  await store.command({ sql: `CREATE OR REPLACE TABLE ${TABLE} (${ROW} UInt32, ${columns.join(', ')}) ENGINE = Memory`, params: {} });
  await store.insertRows(TABLE, [ROW, ...EXPRESSION_FIELDS.map(({ name }) => name)], rows.map((row, i) => [i, ...EXPRESSION_FIELDS.map(({ name }) => row[name]!)]));

  const emitter = new Emitter();
  const selected = expressions.map((each, i) => `${emitColumn(emitter, each, (field) => ({ ...declared(field), sql: `r.${identifier(field.name)}` }))} AS c${i}`);
  const instants = EXPRESSION_FIELDS.filter(({ type }) => type.kind === 'timestamp').map(({ name }) => `fromUnixTimestamp64Milli(${name}, 'UTC') AS ${name}`);
  const answers = await store.rows(emitter.statement(`SELECT ${selected.join(',\n')} FROM (SELECT * REPLACE (${instants.join(', ')}) FROM ${TABLE}) AS r ORDER BY ${ROW}`));

  const mismatches: ExpressionMismatch[] = [];
  expressions.forEach((expression, i) => {
    const compute = compileExpression<ExpressionCase['rows'][number]>(expression, (field) => ({ type: declared(field).type, read: (row) => row[field.name]! }));
    rows.forEach((row, j) => {
      const [closure, sql] = [compute(row), answers[j]![`c${i}`] as Value | null];
      if (!sameValue(expression, closure, sql)) mismatches.push({ expression: formatExpression(expression), row: fieldsRead(expression, row), closure, sql });
    });
  });
  return { compared: expressions.length * rows.length, mismatches, paths: ['closure'] };
}

function declared({ name }: FieldReference): (typeof EXPRESSION_FIELDS)[number] {
  return EXPRESSION_FIELDS.find((each) => each.name === name)!;
}

function fieldsRead(expression: Expression, row: ExpressionCase['rows'][number]): ExpressionCase['rows'][number] {
  const read: Record<string, Value | null> = {};
  expressionType(expression, (field) => {
    read[field.name] = row[field.name]!;
    return declared(field).type;
  });
  return read;
}

/** To the last bit, or for those that are approximate to 1e-9 relative. */
export function sameValue(expression: Expression, a: Value | null, b: Value | null): boolean {
  if (a === b || typeof a !== 'number' || typeof b !== 'number') return a === b;
  return isApproximate(expression) && Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));
}
