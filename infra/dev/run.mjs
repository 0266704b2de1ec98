import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const children = new Set();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (children.size === 0) process.exit(exitCode(signal));
    // Ctrl-C reaches the children by itself (a terminal signals the whole group); a second one would mean "at once".
    if (signal === 'SIGINT' && process.stdin.isTTY) return;
    for (const child of children) child.kill(signal);
  });
}

const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

function exitCode(signal) {
  return 128 + (SIGNAL_NUMBERS[signal] ?? 0);
}

/**
 * Runs a program at the workspace's root until it ends. Resolves to `{ code, signal, output }`; `output` holds stdout
 * and stderr together when `quiet`, else both go to the terminal. Rejects when the program can't be started.
 */
export function run(command, args, { quiet = false, env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['inherit', 'inherit', 'inherit'],
    });
    children.add(child);
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (error) => {
      children.delete(child);
      reject(error);
    });
    child.on('close', (code, signal) => {
      children.delete(child);
      resolve({ code: code ?? exitCode(signal), signal, output: Buffer.concat(chunks).toString() });
    });
  });
}

/** Nx without its daemon, its cloud or its terminal UI, so that nothing stays behind when it ends. */
export function nx(args, options = {}) {
  const { bin } = JSON.parse(readFileSync(join(ROOT, 'node_modules/nx/package.json'), 'utf8'));
  return run(process.execPath, [join('node_modules/nx', bin.nx), ...args], {
    ...options,
    // Nx would colour what its tasks print even into a file.
    env: { NX_DAEMON: 'false', NX_TUI: 'false', NX_NO_CLOUD: 'true', ...(process.stdout.isTTY ? {} : { FORCE_COLOR: '0' }), ...options.env },
  });
}

/** Prints what is done and how long it took. A failed step prints what it said and ends the process. */
export async function step(title, work) {
  const started = performance.now();
  console.log(`granary: ${title} …`);
  const result = await work();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (result.code !== 0) {
    if (result.output) process.stderr.write(`${result.output.trimEnd()}\n`);
    console.error(`granary: ${title} failed after ${seconds} s`);
    process.exit(result.code);
  }
  console.log(`granary: ${title} (${seconds} s)`);
}
