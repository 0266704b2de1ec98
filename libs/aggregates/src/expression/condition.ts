import { named, type Expression, type Source, type Value } from '@granary/contracts';
import { compileExpression } from './compile.js';
import type { Read } from './operand.js';

/** An event's values by field; a field that it lacks is null. */
export type Row = Readonly<Record<string, Value | null>>;

const compiled = new WeakMap<Expression, WeakMap<object, Read<Row>>>();

/** Whether an event of the source is counted: an unknown answer (a null was compared) is no. */
export function matches(where: Expression | null, row: Row, source: Pick<Source, 'fields'>): boolean {
  return where === null || evaluate(where, row, source) === true;
}

/** An expression over an event's fields; the source says of what types they are. */
export function evaluate(expression: Expression, row: Row, { fields }: Pick<Source, 'fields'>): Value | null {
  let bySource = compiled.get(expression);
  if (bySource === undefined) compiled.set(expression, (bySource = new WeakMap()));
  let read = bySource.get(fields);
  if (read === undefined) {
    read = compileExpression(expression, ({ name }) => ({ type: named(fields, name).type, read: (event) => event[name] ?? null }));
    bySource.set(fields, read);
  }
  return read(row);
}
