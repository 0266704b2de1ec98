import { ClickHouseError } from '@clickhouse/client';
import { GranaryError } from '@granary/contracts';

export interface FrontError {
  readonly status: number;
  readonly code: number;
  /** `Code: 60. DB::Exception: … (UNKNOWN_TABLE)`, as clients parse it. */
  readonly text: string;
}

const NOT_FOUND = new Set([46, 60, 81, 82, 115]);
const BAD_REQUEST = new Set([6, 26, 27, 36, 38, 41, 42, 43, 47, 53, 62, 69, 70, 72, 117, 386, 456, 457]);
const FORBIDDEN = new Set([164, 497]);

/** ClickHouse's own statuses for its codes: 400, 403, 404, 408, 413, 501, otherwise 500. */
export function frontError(error: unknown): FrontError {
  if (error instanceof ClickHouseError) {
    const code = Number(error.code);
    return { status: statusOf(code), code, text: `Code: ${code}. DB::Exception: ${error.message} (${error.type ?? 'UNKNOWN'})` };
  }
  const message = error instanceof Error ? error.message : String(error);
  const status = error instanceof GranaryError ? 503 : 500;
  return { status, code: 1002, text: `Code: 1002. DB::Exception: ${message} (UNKNOWN_EXCEPTION)` };
}

function statusOf(code: number): number {
  if (NOT_FOUND.has(code)) return 404;
  if (BAD_REQUEST.has(code)) return 400;
  if (FORBIDDEN.has(code)) return 403;
  if (code === 159) return 408;
  if (code === 307) return 413;
  if (code === 48) return 501;
  return 500;
}
