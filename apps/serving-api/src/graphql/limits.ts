import { GraphQLError, Kind, type ASTVisitor, type DocumentNode, type FragmentDefinitionNode, type SelectionSetNode, type ValidationContext, type ValidationRule } from 'graphql';

/** What one request may ask for; beyond it, it is refused before anything is read. */
export interface Limits {
  /** Bytes of a request's body. Default 1 MiB. */
  readonly bodyBytes: number;
  /** Nested fields. Default 10. Introspection has GraphQL's own limit. */
  readonly depth: number;
  /** Root fields of one operation, each of which reads from the stores; fragments count where they are used. Default 20. */
  readonly rootFields: number;
  /** Aliases in one operation. Default 100. */
  readonly aliases: number;
  /** Lexical tokens of a document. Default 20,000: enough for a batch of 1,000 written out. */
  readonly tokens: number;
}

export const DEFAULT_LIMITS: Limits = { bodyBytes: 1_048_576, depth: 10, rootFields: 20, aliases: 100, tokens: 20_000 };

/** Apollo gives the errors of all rules one code; this one stays. */
export const QUERY_TOO_LARGE = 'QUERY_TOO_LARGE';

interface Size {
  depth: number;
  rootFields: number;
  aliases: number;
}

/** A validation rule: each operation is measured with its fragments spread. */
export function limitRule(limits: Limits): ValidationRule {
  return (context: ValidationContext): ASTVisitor => ({
    Document: {
      // After the other rules' visits of it, so that a cycle of fragments has been reported; the measure stops at one.
      leave(document: DocumentNode) {
        const measure = createMeasure(document, limits);
        for (const definition of document.definitions) {
          if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
          const size = measure(definition.selectionSet);
          for (const name of ['depth', 'rootFields', 'aliases'] as const) {
            if (size[name] <= limits[name]) continue;
            context.reportError(
              new GraphQLError(`The query has ${name === 'depth' ? 'a depth of ' : ''}${name === 'depth' ? `${limits.depth + 1} or more` : `more than ${limits[name]} ${WORDS[name]}`}; the limit is ${limits[name]}. Ask for less, or in several requests; for many entities use the field's Batch form.`, {
                nodes: definition,
                extensions: { code: QUERY_TOO_LARGE },
              }),
            );
          }
        }
      },
    },
  });
}

/** A kind of operation that the schema has no root type for: graphql-js notices that only when it executes. */
export const operationRule: ValidationRule = (context) => ({
  OperationDefinition(node) {
    if (context.getSchema().getRootType(node.operation) != null) return;
    context.reportError(new GraphQLError(`This API has no ${node.operation}s.`, { nodes: node }));
  },
});

const WORDS = { rootFields: 'root fields', aliases: 'aliases' } as const;

function createMeasure(document: DocumentNode, limits: Limits): (selection: SelectionSetNode) => Size {
  const fragments = new Map(
    document.definitions.filter((each): each is FragmentDefinitionNode => each.kind === Kind.FRAGMENT_DEFINITION).map((each) => [each.name.value, each]),
  );
  // Fragments that spread others twice each grow exponentially: each is measured once at each depth.
  const memo = new Map<string, Size>();

  function measure({ selections }: SelectionSetNode, depth: number, spread: readonly string[]): Size {
    const size: Size = { depth, rootFields: 0, aliases: 0 };
    for (const selection of selections) {
      const part = measureSelection(selection, depth, spread);
      size.depth = Math.max(size.depth, part.depth);
      size.rootFields += part.rootFields;
      size.aliases += part.aliases;
    }
    return size;
  }

  function measureSelection(selection: SelectionSetNode['selections'][number], depth: number, spread: readonly string[]): Size {
    switch (selection.kind) {
      case Kind.FIELD: {
        const own = { depth: depth + 1, rootFields: depth === 0 ? 1 : 0, aliases: selection.alias === undefined ? 0 : 1 };
        if (selection.selectionSet === undefined || selection.name.value.startsWith('__') || depth >= limits.depth) return own;
        const inner = measure(selection.selectionSet, depth + 1, spread);
        return { depth: inner.depth, rootFields: own.rootFields, aliases: own.aliases + inner.aliases };
      }
      case Kind.INLINE_FRAGMENT:
        return measure(selection.selectionSet, depth, spread);
      case Kind.FRAGMENT_SPREAD: {
        const name = selection.name.value;
        const fragment = fragments.get(name);
        if (fragment === undefined || spread.includes(name)) return { depth, rootFields: 0, aliases: 0 };
        const key = `${depth} ${name}`;
        const known = memo.get(key) ?? measure(fragment.selectionSet, depth, [...spread, name]);
        memo.set(key, known);
        return known;
      }
    }
  }

  return (selection) => measure(selection, 0, []);
}
