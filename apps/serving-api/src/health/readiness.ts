import { isGranaryError } from '@granary/contracts';

export interface ReadinessCheck {
  /** Such as `onlineStore`. */
  readonly name: string;
  /** Rejects while the part can't do its work. */
  readonly check: () => Promise<void>;
}

export interface Readiness {
  readonly status: 'ready' | 'not ready';
  readonly parts: Readonly<Record<string, 'ok' | { readonly failed: string }>>;
}

const PATIENCE_MS = 2_000;

/** Runs all checks at once; one that doesn't answer in time has failed. */
export async function readiness(checks: readonly ReadinessCheck[]): Promise<Readiness> {
  const results = await Promise.all(checks.map(async ({ name, check }) => [name, await outcome(check)] as const));
  return { status: results.every(([, result]) => result === 'ok') ? 'ready' : 'not ready', parts: Object.fromEntries(results) };
}

async function outcome(check: () => Promise<void>): Promise<'ok' | { readonly failed: string }> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<{ readonly failed: string }>((resolve) => {
    timer = setTimeout(() => resolve({ failed: 'NO_ANSWER' }), PATIENCE_MS);
  });
  try {
    return await Promise.race([check().then(() => 'ok' as const), late]);
  } catch (error) {
    return { failed: isGranaryError(error) ? error.code : 'INTERNAL_SERVER_ERROR' };
  } finally {
    clearTimeout(timer);
  }
}
