import { GranaryError } from '@granary/contracts';
import { InvalidArgumentError, Option, type Command, type CommanderError } from 'commander';
import { createContext, type Context } from './context.js';
import { DEFAULTS, VARIABLES, readEnvironment, wantsColours, type CommonFlags } from './environment.js';
import { EXIT, describeError, errorDocument, exitCodeOf } from './exit.js';
import { listenForInterrupt } from './interrupt.js';
import { openProgress } from './terminal/progress.js';
import { createStyle } from './terminal/style.js';

/** What a verb hands back: `json` for `--json`, `text` for people. Both go to stdout. */
export interface Answer {
  readonly json: unknown;
  readonly text: string;
  /** 1: the verb did its work and the answer is no. */
  readonly exitCode?: 0 | 1;
  /** A part of the work failed: told after the answer (in JSON beside it), and what the exit code is by. */
  readonly error?: GranaryError | undefined;
  /** A verb that serves: the answer is printed at once, and the verb ends when this does. */
  readonly until?: Promise<void>;
}

/** Flags are as the verb's options parse them; arguments come in the order of its usage line. */
export type Handler<Flags, Args extends readonly unknown[]> = (context: Context, flags: Flags, ...args: Args) => Promise<Answer>;

export interface VerbFlags extends CommonFlags {
  readonly json?: true;
}

type Place = 'home' | 'defs' | 'clickhouseUrl' | 'redisUrl' | 'project' | 'host' | 'port' | 'clickhousePort' | 'intakePort' | 'streamUrl' | 'logSample';

const PLACES: Readonly<Record<Place, () => Option>> = {
  home: () => new Option('--home <dir>', `where embedded stores, registry and models are (${VARIABLES.home}; default ${DEFAULTS.home})`),
  defs: () => new Option('--defs <paths...>', `folders or files of definitions (${VARIABLES.defs}; default feature-defs/marketplace and feature-defs/payments where they exist, else .)`),
  clickhouseUrl: () => new Option('--clickhouse-url <url>', `a ClickHouse server, or the URL of a running granary up (${VARIABLES.clickhouseUrl}; default embedded in the home)`),
  redisUrl: () => new Option('--redis-url <url>', `a Redis server, or redis+cluster://host:port,host:port for a Redis Cluster (${VARIABLES.redisUrl}; default embedded in the home)`),
  project: () => new Option('--project <name>', `first part of every online key (${VARIABLES.project}; default ${DEFAULTS.project})`),
  host: () => new Option('--host <address>', `where to listen (${VARIABLES.host}; default ${DEFAULTS.host})`),
  port: () => new Option('--port <number>', `port of the serving API; 0: any free one (${VARIABLES.port}; default ${DEFAULTS.port})`),
  intakePort: () => new Option('--intake-port <number>', `port of the event intake; 0: any free one (${VARIABLES.intakePort}; default ${DEFAULTS.intakePort})`),
  streamUrl: () => new Option('--stream-url <url>', `the Redis whose streams hold events on their way to a worker (${VARIABLES.streamUrl})`),
  clickhousePort: () => new Option('--clickhouse-port <number>', `port of the HTTP front to ClickHouse; 0: any free one (${VARIABLES.clickhousePort}; default ${DEFAULTS.clickhousePort})`),
  logSample: () => new Option('--log-sample <share>', `share of served rows, 0 to 1, that is logged for granary prove (${VARIABLES.logSample}; default ${DEFAULTS.logSample})`),
};

/** Adds the options that say where things are, `--json`, an example, and what to run. */
export function verb<Flags, Args extends readonly unknown[]>(command: Command, places: readonly Place[], example: string, handler: Handler<Flags & VerbFlags, Args>): Command {
  for (const place of ['home', ...places] as const) command.addOption(PLACES[place]().helpGroup('Where things are:'));
  command.addOption(new Option('--json', 'print one JSON document to stdout, errors too').helpGroup('Output:'));
  command.addHelpText('after', `\nExample:\n${example.trim().split('\n').map((line) => `  $ ${line}`).join('\n')}\n`);
  return command.action(async (...given: unknown[]) => {
    // Commander hands over the arguments, then the flags, then the command itself.
    const args = given.slice(0, -2) as unknown as Args;
    await run(handler, given.at(-2) as Flags & VerbFlags, args);
  });
}

async function run<Flags extends VerbFlags, Args extends readonly unknown[]>(handler: Handler<Flags, Args>, flags: Flags, args: Args): Promise<void> {
  const json = flags.json === true;
  const { stdout, stderr } = process;
  const progress = await openProgress(stderr);
  const note = (text: string): void => void stderr.write(`${text}\n`);
  const interrupt = listenForInterrupt(() => {
    progress.end();
    note('stopping; Ctrl-C again stops at once');
  });
  try {
    const say = (text: string): void => void (json || stdout.write(`${text}\n`));
    const context = createContext(readEnvironment(flags), { style: createStyle(wantsColours(stdout)), note, say, progress }, interrupt.signal);
    let answer: Answer;
    try {
      answer = await handler(context, flags, ...args);
      progress.end();
      if (answer.until !== undefined) {
        print(answer, json);
        await answer.until;
      }
    } finally {
      progress.end();
      await context.close();
    }
    // After closing: what fails then must not follow an answer, and `--json` promises one document.
    if (answer.until === undefined) print(answer, json);
    process.exitCode = answer.error === undefined ? (answer.exitCode ?? EXIT.done) : exitCodeOf(answer.error);
  } catch (error) {
    // A verb that is told to stop may fail in many ways; what the user did is the reason of them all.
    fail(interrupt.signal.aborted && exitCodeOf(error) !== EXIT.cancelled ? cancelled(interrupt.signal, error) : error, json);
  } finally {
    interrupt.dispose();
  }
}

function print({ json: document, text, error }: Answer, json: boolean): void {
  const whole = error === undefined ? document : { ...(document as object), ...errorDocument(error) };
  process.stdout.write(json ? `${JSON.stringify(whole, encodeJson, 2)}\n` : text === '' ? '' : `${text.trimEnd()}\n`);
  if (error !== undefined && !json) process.stderr.write(`${describeError(error, createStyle(wantsColours(process.stderr)))}\n`);
}

function cancelled(signal: AbortSignal, cause: unknown): GranaryError {
  const { message, todo } = signal.reason as GranaryError;
  return new GranaryError('CANCELLED', message, { ...(todo === undefined ? {} : { todo }), cause });
}

/** Prints an error to where its reader looks and sets the exit code. */
export function fail(error: unknown, json: boolean): void {
  process.exitCode = exitCodeOf(error);
  if (json) process.stdout.write(`${JSON.stringify(errorDocument(error), encodeJson, 2)}\n`);
  else process.stderr.write(`${describeError(error, createStyle(wantsColours(process.stderr)))}\n`);
}

/** int64 is decimal text in JSON, as everywhere. */
function encodeJson(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

/** What Commander throws for a wrong command line, as an error of ours. */
export function usageError(error: CommanderError): GranaryError {
  const message = error.message.replace(/^error: /, '').replace(/\n\(Did you mean (.*)\?\)$/s, '; did you mean $1?');
  return new GranaryError('INVALID_USAGE', message, { todo: 'Run granary --help, or granary <verb> --help.', details: { reason: error.code } });
}

/** Wraps a parser of ours as Commander's: a GranaryError becomes a remark on the option. */
export function flag<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof GranaryError) throw new InvalidArgumentError([error.message, error.todo].filter(Boolean).join('. '));
      throw error;
    }
  };
}
