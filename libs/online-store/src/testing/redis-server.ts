import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A real redis-server for tests: free loopback port, its own temporary directory, nothing kept on disk. */
export interface TestRedis {
  readonly url: string;
  readonly port: number;
  /** Ends the server at once, as a crash would. */
  kill(): Promise<void>;
  /**
   * Starts it again on the same port, with what it kept on disk. `keep`: the share of its append-only file, from its beginning, that is
   * there: a crash may lose an end of it. Default 1.
   */
  restart(options?: { readonly keep?: number }): Promise<void>;
  /** Freezes and thaws it: connected, but never answering. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** Ends it and removes its directory. */
  stop(): Promise<void>;
}

/** Null when `redis-server` is on PATH, else why tests against Redis can't run: show it where they are skipped. */
export function whyNoRedis(): string | null {
  const found = spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).error === undefined;
  return found ? null : 'redis-server is not on PATH';
}

/** `extra`: more command-line arguments for redis-server. */
export async function startRedis(extra: readonly string[] = []): Promise<TestRedis> {
  const directory = mkdtempSync(join(tmpdir(), 'granary-redis-'));
  const port = await freePort();
  let server = await launch(port, directory, extra);
  // A test run that ends early must not leave a server behind.
  const onExit = () => server.kill('SIGKILL');
  process.once('exit', onExit);

  async function kill(): Promise<void> {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await ended;
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    kill,
    async restart({ keep = 1 } = {}) {
      await kill();
      if (keep < 1) truncateLog(directory, keep);
      server = await launch(port, directory, extra);
    },
    signal: (signal) => void server.kill(signal),
    async stop() {
      await kill();
      process.off('exit', onExit);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function truncateLog(directory: string, keep: number): void {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => /\.incr\.aof$|appendonly\.aof$/.test(name));
  const file = join(directory, files.at(-1)!);
  truncateSync(file, Math.floor(statSync(file).size * keep));
}

async function launch(port: number, directory: string, extra: readonly string[]): Promise<ChildProcess> {
  const server = spawn('redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', directory, '--save', '', '--appendonly', 'no', ...extra], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  server.on('error', (error) => (output += error.message));
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline && server.exitCode === null && server.pid !== undefined) {
    if (await accepts(port)) return server;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  server.kill('SIGKILL');
  throw new Error(`redis-server did not start on port ${port}: ${output}`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** A port that nothing listens on at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
