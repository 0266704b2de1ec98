import { existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { GranaryError, NAME } from '@granary/contracts';
import { z } from 'zod';

/** Flags that every verb takes, as they were typed; a flag overrides its variable. */
export interface CommonFlags {
  readonly home?: string;
  readonly defs?: readonly string[];
  readonly clickhouseUrl?: string;
  readonly redisUrl?: string;
  readonly project?: string;
  readonly host?: string;
  readonly port?: string;
  readonly clickhousePort?: string;
  readonly logSample?: string;
  readonly intakePort?: string;
  readonly streamUrl?: string;
}

export type Variables = Readonly<Record<string, string | undefined>>;

export const VARIABLES = {
  home: 'GRANARY_HOME',
  defs: 'GRANARY_DEFS',
  clickhouseUrl: 'GRANARY_CLICKHOUSE_URL',
  redisUrl: 'GRANARY_REDIS_URL',
  project: 'GRANARY_PROJECT',
  host: 'GRANARY_HOST',
  port: 'GRANARY_PORT',
  clickhousePort: 'GRANARY_CLICKHOUSE_PORT',
  logSample: 'GRANARY_LOG_SAMPLE',
  intakePort: 'GRANARY_INTAKE_PORT',
  streamUrl: 'GRANARY_STREAM_URL',
} as const satisfies Readonly<Record<keyof CommonFlags, string>>;

export const DEFAULTS = { home: '.granary', project: 'granary', host: '127.0.0.1', port: 4000, clickhousePort: 8123, intakePort: 4001, logSample: 0.01 } as const;
const DEFAULT_DEFS = ['feature-defs/marketplace', 'feature-defs/payments'];

const port = z.string().regex(/^\d{1,5}$/, 'must be a whole number').transform(Number).refine((value) => value <= 65_535, 'must be at most 65535');

const share = z.string().regex(/^\d*\.?\d+$/, 'must be a number').transform(Number).refine((value) => value <= 1, 'must be a number from 0 to 1');

/** Only how it begins: what follows, its client understands. A Redis Cluster's, which names several hosts, is no URL to Node. */
function url(...schemes: readonly string[]): z.ZodType<string | undefined, string | undefined> {
  const begins = schemes.map((scheme) => `${scheme}://`);
  return z
    .string()
    .refine((text) => begins.some((begin) => text.startsWith(begin) && text.length > begin.length), `must be a URL that begins with ${begins.join(', ').replace(/, (?=[^,]*$)/, ' or ')}`)
    .optional();
}

const schema = z.object({
  home: z.string().default(DEFAULTS.home),
  defs: z.array(z.string().min(1)).min(1).optional(),
  clickhouseUrl: url('http', 'https').refine((text) => text === undefined || URL.canParse(text), 'must be a URL'),
  redisUrl: url('redis', 'rediss', 'redis+cluster', 'rediss+cluster'),
  project: z.string().regex(NAME, 'must be lower-case words joined by underscores').default(DEFAULTS.project),
  host: z.string().default(DEFAULTS.host),
  port: port.default(DEFAULTS.port),
  clickhousePort: port.default(DEFAULTS.clickhousePort),
  logSample: share.default(DEFAULTS.logSample),
  intakePort: port.default(DEFAULTS.intakePort),
  streamUrl: url('redis', 'rediss'),
});

type OfflinePlace = { readonly kind: 'embedded'; readonly path: string } | { readonly kind: 'server'; readonly url: string; readonly username?: string; readonly password?: string };
type OnlinePlace = { readonly kind: 'lmdb'; readonly path: string } | { readonly kind: 'redis'; readonly url: string };

/** Where everything is: paths are absolute. */
export interface Environment {
  readonly home: string;
  readonly defs: readonly string[];
  readonly registry: string;
  readonly artifacts: string;
  readonly offline: OfflinePlace;
  readonly online: OnlinePlace;
  readonly project: string;
  readonly host: string;
  readonly port: number;
  readonly clickhousePort: number;
  /** The share of served rows that is logged, 0 to 1. */
  readonly logSample: number;
  readonly intakePort: number;
  /** Redis Streams between intakes and their worker. */
  readonly streamUrl: string | undefined;
}

/** Reads flags, then variables, then defaults. Throws CONFIG_INVALID naming the flag or the variable at fault. */
export function readEnvironment(flags: CommonFlags, variables: Variables = process.env): Environment {
  const given: Record<string, unknown> = {};
  const origin: Record<string, string> = {};
  for (const name of Object.keys(VARIABLES) as (keyof CommonFlags)[]) {
    const variable = variables[VARIABLES[name]];
    const value = flags[name] ?? (variable === '' ? undefined : name === 'defs' ? variable?.split(delimiter).filter(Boolean) : variable);
    if (value === undefined) continue;
    given[name] = value;
    origin[name] = flags[name] === undefined ? VARIABLES[name] : `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  }
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const name = String(issue.path[0]);
    const value = withoutCredentials(given[name]);
    throw new GranaryError('CONFIG_INVALID', `${origin[name]} ${issue.message}, not ${JSON.stringify(value)}`, {
      todo: `Correct ${origin[name]}, or leave it out.`,
      details: { setting: name, from: origin[name], value },
    });
  }
  const { home, defs, clickhouseUrl, redisUrl, streamUrl, ...rest } = parsed.data;
  const root = resolve(home);
  return Object.freeze<Environment>({
    ...rest,
    streamUrl,
    home: root,
    defs: (defs ?? defaultDefs()).map((path) => resolve(path)),
    registry: join(root, 'registry'),
    artifacts: join(root, 'artifacts'),
    offline: clickhouseUrl === undefined ? { kind: 'embedded', path: join(root, 'clickhouse') } : server(clickhouseUrl),
    online: redisUrl === undefined ? { kind: 'lmdb', path: join(root, 'online') } : { kind: 'redis', url: redisUrl },
  });
}

/** A mistyped URL may hold a password all the same. */
function withoutCredentials(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/(\/\/)[^/]*@/, '$1…@') : value;
}

function defaultDefs(): readonly string[] {
  const present = DEFAULT_DEFS.filter((path) => existsSync(path));
  return present.length > 0 ? present : ['.'];
}

/** The client wants user and password apart from the URL. */
function server(text: string): OfflinePlace {
  const at = new URL(text);
  const { username, password } = at;
  at.username = '';
  at.password = '';
  return {
    kind: 'server',
    url: at.toString().replace(/\/$/, ''),
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
  };
}

/** NO_COLOR (no-color.org): any value but the empty one turns colours off. */
export function wantsColours(stream: { readonly isTTY?: boolean | undefined }, variables: Variables = process.env): boolean {
  return stream.isTTY === true && !variables['NO_COLOR'] && variables['TERM'] !== 'dumb';
}
