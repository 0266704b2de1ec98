import { GranaryError, formatType, isGranaryError, type FieldType, type SourceField, type Statement } from '@granary/contracts';
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

/**
 * Asks ClickHouse which columns a user's query gives, by name, and their types. `whose` begins the messages.
 * Throws DEFINITION_INVALID where it is no query, lacks a field's column or has another type for it.
 */
export async function checkSql(store: OfflineStore, whose: string, { sql, params }: Statement, fields: readonly SourceField[], signal: AbortSignal | undefined): Promise<ReadonlyMap<string, string>> {
  const invalid = (what: string, todo: string, cause?: unknown): GranaryError => new GranaryError('DEFINITION_INVALID', `${whose}, SQL: ${what}`, { todo, cause });
  const columns = await store.rows({ sql: `DESCRIBE TABLE (\n${sql}\n)`, params }, { comment: `check ${whose}`, signal }).catch((error: unknown) => {
    if (!isGranaryError(error, 'QUERY_FAILED')) throw error;
    throw invalid(`ClickHouse refuses it: ${error.message}`, 'Correct the SQL.', error);
  });
  const given = new Map(columns.map((column: Row) => [column['name'] as string, column['type'] as string]));
  for (const { name, type } of fields) {
    const column = given.get(name);
    if (column === undefined) throw invalid(`it gives no column ${name}, only ${[...given.keys()].join(', ')}`, `Select a column ${name}, of type ${formatType(type)}.`);
    if (READS[type.kind].test(column.replace(/^LowCardinality\((.*)\)$/, '$1').replace(/^Nullable\((.*)\)$/, '$1'))) continue;
    throw invalid(`its column ${name} is ${column}, where ${formatType(type)} is declared`, `Convert ${name} in the SQL.`);
  }
  return given;
}

/** The compiled statement fails by `throwIf` for a value that is not as declared. */
const THROW_IF = 395;

/** Runs a statement over a user's query; a value that is not as declared is reported as what it is: INVALID_VALUE. */
export async function explainSql<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!isGranaryError(error, 'QUERY_FAILED') || error.details['code'] !== THROW_IF) throw error;
    throw new GranaryError('INVALID_VALUE', error.message.split(': while executing')[0]!, {
      todo: 'Leave such rows out in the SQL, or convert the value there.',
      details: error.details,
      cause: error,
    });
  }
}
