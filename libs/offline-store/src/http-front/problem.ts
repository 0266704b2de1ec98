import { parseError } from '@clickhouse/client';

/** A failure in the words of ClickHouse, so that its clients understand it. */
export function problem(code: number, message: string, type: string): Error {
  return parseError(`Code: ${code}. DB::Exception: ${message}. (${type})`);
}
