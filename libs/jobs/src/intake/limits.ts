/** What an intake holds in memory. */
export interface IntakeLimits {
  /** Events of one request. Default 10,000. */
  readonly requestRows: number;
  /** Events that are stored at once, of several requests. Default 2,000: what the offline store appends in two statements. */
  readonly batchRows: number;
  /** Events that wait or are being stored, of all sources. Default 50,000. */
  readonly queuedRows: number;
  /** The same in bytes, about. Default 64 MiB. */
  readonly queuedBytes: number;
}

export const DEFAULT_INTAKE_LIMITS: IntakeLimits = Object.freeze({ requestRows: 10_000, batchRows: 2_000, queuedRows: 50_000, queuedBytes: 64 * 1024 ** 2 });

export function resolveLimits(given: Partial<IntakeLimits>): IntakeLimits {
  return { ...DEFAULT_INTAKE_LIMITS, ...given };
}
