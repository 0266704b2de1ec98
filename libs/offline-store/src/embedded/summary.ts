import type { EngineResult } from './engine.js';

/** What ClickHouse says of a query in the header `x-clickhouse-summary`. chDB doesn't count what it writes, nor the result. */
export interface Summary {
  readonly read_rows: string;
  readonly read_bytes: string;
  readonly written_rows: string;
  readonly written_bytes: string;
  readonly total_rows_to_read: string;
  readonly result_rows: string;
  readonly result_bytes: string;
  readonly elapsed_ns: string;
}

export function summaryOf(result: Pick<EngineResult, 'readRows' | 'readBytes'>, elapsedNs: bigint): Summary {
  return {
    read_rows: String(result.readRows),
    read_bytes: String(result.readBytes),
    written_rows: '0',
    written_bytes: '0',
    total_rows_to_read: '0',
    result_rows: '0',
    result_bytes: '0',
    elapsed_ns: String(elapsedNs),
  };
}
