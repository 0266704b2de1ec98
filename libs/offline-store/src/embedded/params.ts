import { TupleParam } from '@clickhouse/client';

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r', '\0': '\\0', "'": "\\'" };

/** A parameter's value as ClickHouse reads it: the same text that the HTTP interface takes as `param_x`. */
export function formatParam(value: unknown, nested = false): string {
  if (value === null || value === undefined) return nested ? 'NULL' : '\\N';
  if (typeof value === 'boolean') return nested ? String(value) : value ? '1' : '0';
  if (typeof value === 'number') return Number.isNaN(value) ? 'nan' : value === Infinity ? 'inf' : value === -Infinity ? '-inf' : String(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'string') {
    const text = value.replace(/[\\\t\n\r\0']/g, (char) => ESCAPES[char]!);
    return nested ? `'${text}'` : text;
  }
  if (value instanceof Date) return (value.getTime() / 1000).toFixed(3);
  if (value instanceof TupleParam) return `(${value.values.map((item) => formatParam(item, true)).join(',')})`;
  if (Array.isArray(value)) return `[${value.map((item) => formatParam(item, true)).join(',')}]`;
  const entries = value instanceof Map ? [...value.entries()] : Object.entries(value);
  return `{${entries.map(([key, item]) => `${formatParam(key, true)}:${formatParam(item, true)}`).join(',')}}`;
}
