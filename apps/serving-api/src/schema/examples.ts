import { graphqlEnumValues, toJson, type FieldType, type Value } from '@granary/contracts';

/** A GraphQL literal of the type: of the given value, or of one that only has the right type. */
export function exampleLiteral(type: FieldType, value: Value | undefined): string {
  const shown = value === undefined ? typical(type) : toJson(type, value);
  return type.kind === 'enum' && graphqlEnumValues(type) !== null ? String(shown) : JSON.stringify(shown);
}

function typical(type: FieldType): unknown {
  switch (type.kind) {
    case 'bool':
      return true;
    case 'int32':
      return 1;
    case 'int64':
      return '1';
    case 'float32':
    case 'float64':
      return 9.99;
    case 'string':
      return 'a';
    case 'enum':
      return type.values[0]!;
    case 'timestamp':
      return '2026-01-31T12:00:00Z';
    case 'array':
      return [];
    case 'map':
      return {};
  }
}
