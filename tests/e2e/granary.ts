import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MAIN = join(ROOT, 'apps/cli/dist/main.js');

export interface Outcome {
  /** 128 + the signal's number for a process that died of one, as shells have it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** Resolves when a line of either stream matches; rejects when the process ends before that. */
  readonly saw: (pattern: RegExp) => Promise<RegExpExecArray>;
  readonly ended: Promise<Outcome>;
}

const SIGNALS: Readonly<Record<string, number>> = { SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

/** Starts the built command, without the variables of whoever runs the tests. */
export function startGranary(args: readonly string[], variables: Readonly<Record<string, string>> = {}): Running {
  const inherited = Object.fromEntries(Object.entries(processEnvironment()).filter(([name]) => !/^(GRANARY_|NODE_OPTIONS$|NO_COLOR$|FORCE_COLOR$)/.test(name)));
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: ROOT, env: { ...inherited, ...variables }, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (said.stderr += text));
  const ended = once(child, 'close').then(([code, signal]: (number | string | null)[]): Outcome => ({ code: (code as number | null) ?? 128 + (SIGNALS[signal as string] ?? 0), ...said }));
  const saw = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(said.stdout) ?? pattern.exec(said.stderr);
        if (found) resolve(found);
      };
      child.stdout.on('data', look);
      child.stderr.on('data', look);
      look();
      void ended.then(({ code }) => reject(new Error(`ended with ${code} before ${pattern}:\n${said.stdout}${said.stderr}`)));
    });
  return { child, saw, ended };
}

export function granary(args: readonly string[], variables?: Readonly<Record<string, string>>): Promise<Outcome> {
  return startGranary(args, variables).ended;
}

/** Runs a verb with `--json` and returns its one document; fails with what it said unless it ends with `code`. */
export async function granaryJson<T>(args: readonly string[], code = 0): Promise<T> {
  const outcome = await granary([...args, '--json']);
  if (outcome.code !== code) throw new Error(`granary ${args.join(' ')}: ${outcome.code}\n${outcome.stdout}${outcome.stderr}`);
  return JSON.parse(outcome.stdout) as T;
}

/** The URLs of all ES modules that a command line loads. */
export async function loadedModules(args: readonly string[]): Promise<{ readonly code: number; readonly loaded: readonly string[] }> {
  const hooks = `import { writeSync } from 'node:fs';
export async function load(url, context, next) { writeSync(2, 'LOADED ' + url + '\\n'); return next(url, context); }`;
  const dataUrl = (code: string): string => `data:text/javascript,${encodeURIComponent(code)}`;
  const register = `import { register } from 'node:module'; register(${JSON.stringify(dataUrl(hooks))});`;
  const { code, stderr } = await granary(args, { NODE_OPTIONS: `--import=${dataUrl(register)}` });
  return { code, loaded: [...stderr.matchAll(/^LOADED (.*)$/gm)].map((match) => match[1]!) };
}

/** A folder of its own, removed by `remove`. */
export async function temporaryFolder(): Promise<{ readonly path: string; readonly remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'granary-e2e-'));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}

function processEnvironment(): NodeJS.ProcessEnv {
  // eslint-disable-next-line no-restricted-properties -- handed on to a child as it is
  return process.env;
}
