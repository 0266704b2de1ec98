import { FIELD_NAME } from '@granary/contracts';

/**
 * Makes objects of fixed keys from lists of values. Compiled to one object literal: adding the keys one after the other
 * takes a hundred times as long, and leaves V8 with a hash table for each row.
 */
export function rowShape<T>(names: readonly string[]): (values: readonly T[]) => Readonly<Record<string, T>> {
  const wrong = names.find((name) => !FIELD_NAME.test(name));
  if (wrong !== undefined) throw new Error(`"${wrong}" is no name of a feature`);
  // Safe to compile: the names are letters, digits and underscores.
  return new Function('values', `return { ${names.map((name, i) => `${name}: values[${i}]`).join(', ')} };`) as (values: readonly T[]) => Readonly<Record<string, T>>;
}
