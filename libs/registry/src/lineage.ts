import { fieldReferences, type Aggregate, type ComputedSource, type Expression } from '@granary/contracts';

/** The source fields that an aggregate reads, each once. */
export function fieldsRead({ column, where, predicate }: Aggregate): readonly string[] {
  const conditions = [where, predicate ?? null].filter((each): each is Expression => each !== null);
  return [...new Set([...(column === null ? [] : [column]), ...conditions.flatMap(fieldReferences).map((field) => field.name)])];
}

/** The names of the sources and views that a computed source reads at first hand. */
export function computedInputs(computed: ComputedSource): { readonly sources: readonly string[]; readonly views: readonly string[] } {
  return computed.kind === 'sql' ? { sources: computed.inputs, views: [] } : { sources: [computed.events], views: computed.views.map((use) => use.view) };
}
