// Plain Node without dependencies: it runs before anything is installed.
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT, run, step } from './run.mjs';

const STAMP = join(ROOT, 'node_modules/.granary-setup');

/** Installs what is missing and builds everything; does next to nothing when all is there. */
export async function setup() {
  requireNode(20, 20);
  if (packagesAreStale()) {
    await step('installing packages', () =>
      run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], { quiet: true }),
    );
    writeFileSync(STAMP, '');
  }
  await provideRedis();
  // One compiler for all projects: Nx would start one for each. It emits; types are what check.mjs reports, of all packages at once.
  await step('building', () => run(process.execPath, ['node_modules/typescript/bin/tsc', '-b', '--noCheck'], { quiet: true }));
}

function requireNode(major, minor) {
  const [has, hasMinor] = process.versions.node.split('.').map(Number);
  if (has > major || (has === major && hasMinor >= minor)) return;
  console.error(`granary: needs Node ${major}.${minor} or newer; this is ${process.versions.node}`);
  process.exit(2);
}

function packagesAreStale() {
  if (!existsSync(STAMP)) return true;
  const installed = statSync(STAMP).mtimeMs;
  const { workspaces } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const manifests = ['package.json', 'package-lock.json', ...workspaces.map((folder) => `${folder}/package.json`)];
  return manifests.flatMap(expand).some((path) => existsSync(path) && statSync(path).mtimeMs > installed);
}

function expand(path) {
  if (!path.includes('*')) return [join(ROOT, path)];
  const [folder, rest] = path.split('*');
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder)).map((name) => join(ROOT, folder, name + rest));
}

function onPath(program) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return folders.some((folder) => folder !== '' && existsSync(join(folder, program)));
}

/** A Redis server lets the online store's Redis driver be tested for real; nothing else needs one. */
async function provideRedis() {
  if (onPath('redis-server')) return;
  const skipped = (reason) => console.log(`granary: no redis-server (${reason}): tests against Redis will be skipped`);
  if (!onPath('apt-get')) return skipped('not on PATH, no apt-get to install it');
  const asRoot = await rootPrefix();
  if (asRoot === undefined) return skipped('not on PATH, installing it needs root');

  const portTaken = await listens(6379);
  const started = performance.now();
  const apt = (...args) => {
    const [command, ...rest] = [...asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', ...args];
    return run(command, rest, { quiet: true });
  };
  const install = () => apt('-o', 'DPkg::Lock::Timeout=60', 'install', '-y', '--no-install-recommends', 'redis-server');
  let result = await install();
  if (result.code !== 0) {
    await apt('update');
    result = await install();
  }
  if (result.code !== 0) return skipped(`apt-get could not install it: ${result.output.trim().split('\n').at(-1)}`);
  console.log(`granary: installed redis-server (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  if (!portTaken) await stopService(asRoot);
}

/** Debian starts a service as soon as it is installed; the tests start a server of their own. */
async function stopService(asRoot) {
  for (const command of [['systemctl', 'disable', '--now', 'redis-server'], ['service', 'redis-server', 'stop']]) {
    if (!onPath(command[0])) continue;
    const [program, ...args] = [...asRoot, ...command];
    await run(program, args, { quiet: true });
  }
  if (await listens(6379)) console.log('granary: the redis-server service that apt started is still running on 6379');
}

/** How to run a command as root: `[]` when we are root, `undefined` when we can't without asking. */
async function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  if (!onPath('sudo')) return undefined;
  const { code } = await run('sudo', ['-n', 'true'], { quiet: true });
  return code === 0 ? ['sudo', '-n'] : undefined;
}

function listens(port) {
  return new Promise((done) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const end = (answer) => {
      socket.destroy();
      done(answer);
    };
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) await setup();
