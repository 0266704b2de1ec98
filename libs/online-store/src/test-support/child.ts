import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { OnlineStoreOptions } from '../open.js';
import { packed } from './rows.js';

export interface Child {
  readonly process: ChildProcess;
  /** What it printed, as it comes. */
  readonly lines: AsyncIterableIterator<string>;
  /** Resolves with the exit code; null after a signal. Rejects never. */
  readonly ended: Promise<number | null>;
}

/**
 * Runs the body of an async function in a Node process of its own, on the built package. In scope: `store`, `packed`,
 * `argument` and `print`.
 */
export function runChild(options: OnlineStoreOptions, argument: unknown, body: string): Child {
  const code = `
    import { openOnlineStore } from '@granary/online-store';
    const argument = ${JSON.stringify(argument)};
    const store = await openOnlineStore(${JSON.stringify(options)});
    const packed = ${packed.toString()};
    const print = (text) => new Promise((resolve) => process.stdout.write(text + '\\n', resolve));
    await (async () => { ${body} })();
    await store.close();`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.once('close', (exitCode) => resolve(exitCode)));
  return { process: child, lines: createInterface(child.stdout)[Symbol.asyncIterator](), ended };
}
