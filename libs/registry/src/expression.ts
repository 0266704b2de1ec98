import type { Expression } from '@granary/contracts';

/** The names of the fields that an expression reads. */
export function fieldsOf(expression: Expression): readonly string[] {
  switch (expression.kind) {
    case 'field':
      return [expression.name];
    case 'literal':
      return [];
    case 'call':
      return expression.args.flatMap(fieldsOf);
  }
}
