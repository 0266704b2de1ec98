import type { Aggregate } from './definitions.js';
import { fieldReferences, type Expression } from './expression.js';

/** The source fields that an aggregate reads, each once. */
export function fieldsRead({ column, where, predicate }: Aggregate): readonly string[] {
  const conditions = [where, predicate ?? null].filter((each): each is Expression => each !== null);
  return [...new Set([...(column === null ? [] : [column]), ...conditions.flatMap(fieldReferences).map((field) => field.name)])];
}
