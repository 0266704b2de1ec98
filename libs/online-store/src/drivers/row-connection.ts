import type { Redis } from 'ioredis';
import type { RowsInPlace } from '../store.js';
import { MgetReplies, type MgetReply } from './mget-replies.js';

/** Reads rows, and nothing else, over a connection of its own. */
export interface RowConnection {
  /** Rejects with what the server says, or when the connection is lost. Null: there is none now; it comes back by itself. */
  read(keys: readonly string[]): Promise<RowsInPlace> | null;
  close(): void;
}

interface Call {
  readonly since: number;
  /** How many keys it asks for. */
  readonly count: number;
  readonly resolve: (rows: RowsInPlace) => void;
  readonly reject: (error: Error) => void;
}

/** A connection as it is after one attempt. */
interface Session {
  send(keys: readonly string[]): Promise<RowsInPlace>;
}

/**
 * `client` connects, authenticates, and connects again; once it is ready it sends nothing any more, and the socket is ours:
 * ioredis takes longer to make a Buffer of each of 100 values than to fetch and decode them (docs/adr/0015).
 */
export async function openRowConnection(client: Redis, timeoutMs: number): Promise<RowConnection> {
  let session: Session | null = null;
  const take = (): void => {
    const { stream } = client;
    stream.once('close', () => (session = null));
    session = startSession(stream, timeoutMs);
  };
  await client.ping();
  take();
  client.on('ready', () => void client.ping().then(take, () => undefined));
  return { read: (keys) => session?.send(keys) ?? null, close: () => client.disconnect() };
}

function startSession(socket: Redis['stream'], timeoutMs: number): Session {
  const replies = new MgetReplies();
  const calls: Call[] = [];
  let answered = 0;
  let commands: string[] = [];
  let timer: NodeJS.Timeout | null = null;

  function flush(): void {
    const text = commands.length === 1 ? commands[0]! : commands.join('');
    commands = [];
    socket.write(text);
  }

  function answer(reply: MgetReply): void {
    const { count, resolve, reject } = calls[answered]!;
    if (reply.error === null && reply.places.length !== 2 * count) throw new Error(`an MGET of ${count} keys was answered with ${reply.places.length / 2} values`);
    answered++;
    if (answered > 1_000) calls.splice(0, answered), (answered = 0);
    if (reply.error === null) resolve(rowsIn(replies.bytes, reply.places));
    else reject(new Error(reply.error));
  }

  /** A server that accepts commands and never answers: the connection is dropped, and another one made. */
  function watch(): void {
    const oldest = calls[answered];
    if (oldest === undefined) return void (timer = null);
    const waited = performance.now() - oldest.since;
    if (waited >= timeoutMs) socket.destroy(new Error(`no answer within ${timeoutMs} ms`));
    else timer = setTimeout(watch, timeoutMs - waited);
  }

  let lost: Error | null = null;
  socket.once('error', (error: Error) => (lost = error));
  socket.once('close', () => {
    if (timer !== null) clearTimeout(timer);
    const left = calls.splice(0).slice(answered);
    for (const { reject } of left) reject(lost ?? new Error('the connection was closed'));
  });
  socket.removeAllListeners('data');
  socket.on('data', (piece: Uint8Array) => {
    try {
      replies.take(piece).forEach(answer);
    } catch (error) {
      socket.destroy(error as Error);
    }
  });

  return {
    send: (keys) =>
      new Promise((resolve, reject) => {
        calls.push({ since: performance.now(), count: keys.length, resolve, reject });
        commands.push(mget(keys));
        if (commands.length === 1) process.nextTick(flush);
        timer ??= setTimeout(watch, timeoutMs);
      }),
  };
}

function mget(keys: readonly string[]): string {
  let text = `*${keys.length + 1}\r\n$4\r\nMGET\r\n`;
  for (let i = 0; i < keys.length; i++) text += `$${Buffer.byteLength(keys[i]!)}\r\n${keys[i]!}\r\n`;
  return text;
}

function rowsIn(bytes: Buffer, places: Int32Array): RowsInPlace {
  return { at: (position) => (places[2 * position] === -1 ? null : bytes.subarray(places[2 * position], places[2 * position + 1])) };
}
