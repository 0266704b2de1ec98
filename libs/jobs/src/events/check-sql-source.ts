import { compileSqlQuery, type EventScope, type SqlSource } from '@granary/compiler';
import { GranaryError, formatType, isGranaryError, type FieldType, type Snapshot } from '@granary/contracts';
import type { OfflineStore, Row } from '@granary/offline-store';

/** Column types that a field's values are read from, beside Nullable and LowCardinality; no text is read as a number, no number as an instant. */
const READS: Readonly<Record<FieldType['kind'], RegExp>> = {
  bool: /^(Bool|UInt8)$/,
  int32: /^U?Int\d+$/,
  int64: /^U?Int\d+$/,
  float32: /^(U?Int|Float)\d+$|^Decimal/,
  float64: /^(U?Int|Float)\d+$|^Decimal/,
  string: /^(String|Enum(8|16)\()/,
  enum: /^(String|Enum(8|16)\()/,
  timestamp: /^(Date|Date32|DateTime|DateTime64)(\(|$)/,
  array: /^Array\(/,
  map: /^Map\(/,
};

/** Asks ClickHouse what the query of a source gives. Throws DEFINITION_INVALID where it is no query, lacks a field's column or has another type for it. */
export async function checkSqlSource(store: OfflineStore, snapshot: Snapshot, source: SqlSource, scope: EventScope, signal: AbortSignal | undefined): Promise<void> {
  const { sql, params } = compileSqlQuery(snapshot, source, scope);
  const columns = await store.rows({ sql: `DESCRIBE TABLE (\n${sql}\n)`, params }, { comment: `check ${source.name}`, signal }).catch((error: unknown) => {
    if (!isGranaryError(error, 'QUERY_FAILED')) throw error;
    throw invalid(source, `ClickHouse refuses it: ${error.message}`, 'Correct the SQL of the source.', error);
  });
  const given = new Map(columns.map((column: Row) => [column['name'] as string, column['type'] as string]));
  for (const { name, type } of source.fields) {
    const column = given.get(name);
    if (column === undefined) throw invalid(source, `it gives no column ${name}, only ${[...given.keys()].join(', ')}`, `Select ${name}, or leave the field out of the source.`);
    if (READS[type.kind].test(column.replace(/^LowCardinality\((.*)\)$/, '$1').replace(/^Nullable\((.*)\)$/, '$1'))) continue;
    throw invalid(source, `its column ${name} is ${column}, where ${formatType(type)} is declared`, `Convert ${name} in the SQL, or declare the field as what it is.`);
  }
}

function invalid(source: SqlSource, what: string, todo: string, cause?: unknown): GranaryError {
  return new GranaryError('DEFINITION_INVALID', `source ${source.name}, SQL: ${what}`, { todo, details: { source: source.name }, cause });
}
