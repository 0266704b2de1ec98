import type { FieldType, SourceField, Value } from '@granary/contracts';
import type { SchemaElement } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';

export type TypedRow = readonly (Value | null)[];

/** Elements of `separated` arrays are joined; other arrays are JSON. A null is empty text. */
export function toCsv(fields: readonly SourceField[], rows: readonly TypedRow[], lineEnd: string): string {
  const cell = (field: SourceField, value: Value | null): string => {
    if (value === null) return '';
    const text =
      field.encoding?.kind === 'separated' ? (value as readonly Value[]).join(field.encoding.by) : field.type.kind === 'array' || field.type.kind === 'timestamp' ? jsonOf(field.type, value).replace(/^"|"$/g, '') : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = rows.map((row) => fields.map((field, i) => cell(field, row[i]!)).join(','));
  return [fields.map((field) => field.name).join(','), ...lines].join(lineEnd);
}

/** int64 as JSON numbers with all their digits; nulls are written for every other row and left out of the rest. */
export function toNdjson(fields: readonly SourceField[], rows: readonly TypedRow[]): string {
  return rows
    .map((row, n) => {
      const members = fields.flatMap((field, i) => {
        const value = row[i]!;
        if (value === null && n % 2 === 0) return [];
        return [`${JSON.stringify(field.name)}:${value === null ? 'null' : jsonOf(field.type, value)}`];
      });
      return `{${members.join(',')}}`;
    })
    .join('\n');
}

function jsonOf(type: FieldType, value: Value): string {
  if (type.kind === 'array') return `[${(value as readonly Value[]).map((element) => jsonOf(type.of, element)).join(',')}]`;
  if (type.kind === 'int64') return String(value);
  return JSON.stringify(type.kind === 'timestamp' ? new Date(value as number).toISOString() : value);
}

const PHYSICAL: Readonly<Record<Exclude<FieldType['kind'], 'array' | 'map'>, Omit<SchemaElement, 'name'>>> = {
  bool: { type: 'BOOLEAN' },
  int32: { type: 'INT32' },
  int64: { type: 'INT64' },
  float32: { type: 'FLOAT' },
  float64: { type: 'DOUBLE' },
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  enum: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  timestamp: { type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' } },
};

export function toParquet(fields: readonly SourceField[], rows: readonly TypedRow[], rowGroupSize: number): Uint8Array {
  const elements = fields.flatMap(({ name, type }): SchemaElement[] => {
    if (type.kind === 'map') throw new Error('no field of a source is a map');
    if (type.kind !== 'array') return [{ name, ...PHYSICAL[type.kind], repetition_type: 'OPTIONAL' }];
    return [
      { name, converted_type: 'LIST', num_children: 1, repetition_type: 'OPTIONAL' },
      { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
      { name: 'element', ...PHYSICAL[type.of.kind], repetition_type: 'OPTIONAL' },
    ];
  });
  const physical = (type: FieldType, value: Value): unknown => {
    if (type.kind === 'array') return (value as readonly Value[]).map((element) => physical(type.of, element));
    return type.kind === 'timestamp' ? BigInt(value as number) * 1000n : value;
  };
  const columnData = fields.map(({ name, type }, i) => ({ name, data: rows.map((row) => (row[i] === null ? null : physical(type, row[i]!))) }));
  return new Uint8Array(parquetWriteBuffer({ columnData, schema: [{ name: 'root', num_children: fields.length }, ...elements], rowGroupSize }));
}
