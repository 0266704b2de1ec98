import type { FieldType, Instant, Scalar, Value } from '@granary/contracts';

/** The type of the column through which a field's values travel: an instant as its milliseconds. */
export function wireType(type: FieldType, nullable: boolean, clickhouse: string): string {
  if (type.kind === 'timestamp') return nullable ? 'Nullable(Int64)' : 'Int64';
  if (type.kind === 'array') return type.of.kind === 'timestamp' ? 'Array(Int64)' : clickhouse;
  return nullable ? `Nullable(${clickhouse})` : clickhouse;
}

/** SQL that turns the travelling column back into the field's own type. */
export function fromWire(type: FieldType, column: string): string {
  if (type.kind === 'timestamp') return `fromUnixTimestamp64Milli(${column}, 'UTC')`;
  if (type.kind === 'array' && type.of.kind === 'timestamp') return `arrayMap(x -> fromUnixTimestamp64Milli(x, 'UTC'), ${column})`;
  return column;
}

const SPECIAL = /[\\\t\n\r\0]/;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r', '\0': '\\0', "'": "\\'" };

/** A value as ClickHouse reads it in TabSeparated. */
export function tsvValue(value: Value | null): string {
  if (value === null) return '\\N';
  if (typeof value === 'string') return tsvText(value);
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value === 'bigint') return value.toString();
  if (!Array.isArray(value)) throw new Error('no stored field is a map');
  return `[${(value as readonly Scalar[]).map((item) => (typeof item === 'string' ? `'${item.replace(/[\\\t\n\r\0']/g, escape)}'` : tsvValue(item))).join(',')}]`;
}

/** An instant as text of a DateTime64 column, which would read a number as seconds. */
export function instantText(instant: Instant): string {
  if (instant !== last.instant) last = { instant, text: new Date(instant).toISOString().replace('T', ' ').slice(0, -1) };
  return last.text;
}

/** Event time, known-at and the field that both come from are mostly one instant. */
let last = { instant: Number.NaN, text: '' };

export function tsvText(text: string): string {
  return SPECIAL.test(text) ? text.replace(/[\\\t\n\r\0]/g, escape) : text;
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
  return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
}

function escape(char: string): string {
  return ESCAPES[char]!;
}
