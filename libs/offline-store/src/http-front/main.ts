import { parseArgs } from 'node:util';
import { isGranaryError } from '@granary/contracts';
import { startHttpFront } from './front.js';

// node dist/http-front/main.js --path DIR [--port N]: one line when ready, ends on SIGTERM and SIGINT.
// Exit codes: 2 wrong usage, 3 the directory or the port can't be had.
const USAGE = 'usage: main.js --path DIR [--port N]';

async function main(): Promise<void> {
  const { path, port } = readArguments();
  const front = await startHttpFront({ path, port });
  process.stdout.write(`ClickHouse HTTP interface of ${path} on ${front.url}\n`);
  const stop = (): void => {
    front.close().then(
      () => process.exit(0),
      (error: unknown) => fail(error, 1),
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

function readArguments(): { path: string; port: number } {
  try {
    const { values } = parseArgs({ options: { path: { type: 'string' }, port: { type: 'string', default: '0' } } });
    const port = Number(values.port);
    if (values.path === undefined || !Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(USAGE);
    return { path: values.path, port };
  } catch (error) {
    return fail(new Error(error instanceof Error && error.message === USAGE ? USAGE : `${(error as Error).message}\n${USAGE}`), 2);
  }
}

function fail(error: unknown, code: number): never {
  const todo = isGranaryError(error) && error.todo !== undefined ? `\n${error.todo}` : '';
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}${todo}\n`);
  process.exit(code);
}

main().catch((error: unknown) => fail(error, isGranaryError(error) ? 3 : 1));
