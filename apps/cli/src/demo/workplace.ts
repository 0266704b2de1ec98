import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GranaryError } from '@granary/contracts';

/** The demo's definitions, wherever the command is run. */
export function demoDefinitions(): readonly string[] {
  // Found through the package: its compiled simulators lie below its root, the sources beside them.
  const root = new URL('../../', import.meta.resolve('@granary/feature-defs/marketplace/features'));
  return ['marketplace', 'payments'].map((domain) => fileURLToPath(new URL(domain, root)));
}

export interface Workplace {
  readonly dir: string;
  readonly leave: () => Promise<void>;
}

/** A fresh folder, removed when the demo ends unless it is to be kept. */
export async function openWorkplace(keep: boolean): Promise<Workplace> {
  const dir = await mkdtemp(join(tmpdir(), 'granary-demo-'));
  return { dir, leave: async () => void (keep || (await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }))) };
}

const GRACE_MS = 1_500;

/**
 * The demo's data is thrown away anyway: after Ctrl-C it doesn't wait for long statements, but ends as if nobody had
 * listened. Returns how to call it off.
 */
export function endSoonAfter(signal: AbortSignal, { dir }: Workplace, keep: boolean): () => void {
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    timer = setTimeout(() => {
      try {
        if (!keep) rmSync(dir, { recursive: true, force: true });
      } finally {
        process.removeAllListeners('SIGINT');
        process.kill(process.pid, 'SIGINT');
      }
    }, GRACE_MS);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  return () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  };
}

/** Throws CONFIG_INVALID: better now than after a minute of work. */
export async function checkPort(host: string, port: number): Promise<void> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  } catch (cause) {
    throw new GranaryError('CONFIG_INVALID', `The demo can't listen on ${host}:${port}: ${(cause as NodeJS.ErrnoException).code}`, {
      todo: 'Choose another port with --port (0: any free one), or end the process that has it.',
      details: { host, port },
      cause,
    });
  }
  await new Promise((resolve) => server.close(resolve));
}
