import { z } from 'zod';

const scalarKinds = ['bool', 'int32', 'int64', 'float32', 'float64', 'string', 'timestamp'] as const;
export type ScalarKind = (typeof scalarKinds)[number];

const scalarTypeSchema = z.object({ kind: z.enum(scalarKinds) });
const enumTypeSchema = z.object({ kind: z.literal('enum'), values: z.array(z.string().min(1)).min(1) });
const elementTypeSchema = z.union([scalarTypeSchema, enumTypeSchema]);
export const fieldTypeSchema = z.union([
  elementTypeSchema,
  z.object({ kind: z.literal('array'), of: elementTypeSchema }),
  /** Text to values: counts of each category. */
  z.object({ kind: z.literal('map'), of: scalarTypeSchema }),
]);

export type ElementType = z.infer<typeof elementTypeSchema>;
/** The type of a field or feature. int64 is `bigint` in TypeScript and a string in JSON and GraphQL; a timestamp is epoch milliseconds. */
export type FieldType = z.infer<typeof fieldTypeSchema>;

/** A value of any FieldType at run time: timestamps are epoch milliseconds (number), int64 is bigint. */
export type Value = Scalar | readonly Scalar[] | ValueMap;
export type Scalar = boolean | number | bigint | string;
/** A map's entries; without a prototype, so that no category is found that is not there. */
export type ValueMap = Readonly<Record<string, Scalar>>;

export function isNumeric(type: FieldType): boolean {
  return type.kind === 'int32' || type.kind === 'int64' || type.kind === 'float32' || type.kind === 'float64';
}

export function isInteger(type: FieldType): boolean {
  return type.kind === 'int32' || type.kind === 'int64';
}

/** `float64`, `array<string>`, `enum('a', 'b')`: as it reads in messages and in the catalogue. */
export function formatType(type: FieldType): string {
  switch (type.kind) {
    case 'array':
      return `array<${formatType(type.of)}>`;
    case 'map':
      return `map<string, ${formatType(type.of)}>`;
    case 'enum':
      return `enum(${type.values.map((v) => `'${v}'`).join(', ')})`;
    default:
      return type.kind;
  }
}

/** The ClickHouse column type, without Nullable. Enums are strings: their values are checked before they get there. */
export function clickhouseType(type: FieldType): string {
  switch (type.kind) {
    case 'bool':
      return 'Bool';
    case 'int32':
      return 'Int32';
    case 'int64':
      return 'Int64';
    case 'float32':
      return 'Float32';
    case 'float64':
      return 'Float64';
    case 'string':
    case 'enum':
      return 'String';
    case 'timestamp':
      return "DateTime64(3, 'UTC')";
    case 'array':
      return `Array(${clickhouseType(type.of)})`;
    case 'map':
      return `Map(String, ${clickhouseType(type.of)})`;
  }
}
