import { Command, type Cluster, type Redis } from 'ioredis';
import type { RowsInPlace } from '../store.js';
import type { Script } from './redis-scripts.js';

export type Argument = string | Buffer | number;

/** One kind of command about many items, each with a key of its own: how to say it of any part of them, and what the reply says of each. */
export interface KeyedCommand<T, R> {
  /** How many items one command may have at most. */
  readonly most: number;
  readonly script?: Script;
  readonly name: string;
  key(item: T): string;
  /** Its arguments. */
  say(items: readonly T[]): Argument[];
  answers(reply: unknown, items: readonly T[]): readonly R[];
}

export const READ: KeyedCommand<string, Buffer | null> = {
  most: Infinity,
  name: 'mget',
  key: (key) => key,
  say: (keys) => [...keys],
  answers: (reply) => reply as (Buffer | null)[],
};

export function rowsOf(values: readonly (Buffer | null)[]): RowsInPlace {
  return { at: (position) => values[position] ?? null };
}

/** A single server or a Redis Cluster. */
export interface RedisPort {
  /** One answer per item, in the items' order. Throws what ioredis or the server say. */
  run<T, R>(items: readonly T[], command: KeyedCommand<T, R>): Promise<readonly R[]>;
  /** The values of these keys. Throws what ioredis or the server say. */
  rows(keys: readonly string[]): Promise<RowsInPlace>;
  /** Connections to the servers that hold all keys among them. */
  servers(): readonly Redis[];
  /** Names of the processes behind them, sorted, that a restart changes; none of a single server. */
  processes(): Promise<readonly string[]>;
  ping(): Promise<void>;
  /** How many connections were lost so far. */
  lost(): number;
  close(): Promise<void>;
}

// Commands under way at once: enough to keep the server busy, few enough to bound memory and each command's wait.
const IN_FLIGHT = 4;

/** Results in the items' order; so many at once that a server works on one while the next one travels. */
export async function inFlight<T, R>(items: readonly T[], send: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += IN_FLIGHT) {
    results.push(...(await Promise.all(items.slice(from, from + IN_FLIGHT).map(send))));
  }
  return results;
}

export function chunks<T>(items: readonly T[], size: number): (readonly T[])[] {
  if (items.length <= size) return items.length === 0 ? [] : [items];
  return Array.from({ length: Math.ceil(items.length / size) }, (_chunk, i) => items.slice(i * size, (i + 1) * size));
}

/** One command of its own. A server that has restarted, or never seen the script, is given its source: it runs and keeps it. */
export async function sendCommand<T, R>(client: Redis | Cluster, command: KeyedCommand<T, R>, items: readonly T[]): Promise<readonly R[]> {
  const args = command.say(items);
  let reply: unknown;
  try {
    reply = await client.sendCommand(binary(command.name, args));
  } catch (error) {
    if (command.script === undefined || !isUnknownScript(error as Error)) throw error;
    reply = await client.sendCommand(binary('eval', [command.script.source, ...args.slice(1)]));
  }
  return command.answers(reply, items);
}

/** What `callBuffer` sends, which copies the arguments four times. */
function binary(name: string, args: Argument[]): Command {
  return new Command(name, args, { replyEncoding: null });
}

export function isUnknownScript(error: Error): boolean {
  return error.message.startsWith('NOSCRIPT');
}

/** Rejects when `connecting` takes longer than this. */
export async function within<T>(ms: number, connecting: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([connecting, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
