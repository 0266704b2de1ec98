import { GranaryError, type Snapshot, type Source } from '@granary/contracts';
import { UnreadableRow, pushableSource, type AcceptOptions, type EventSink, type IntakeResult } from '../event-sink.js';
import { DEFAULT_INTAKE_LIMITS } from '../limits.js';
import { createRowsParser, jsonText } from '../parse-events.js';
import { ORIGIN, ROW, connectStream, requireAppendOnly, streamError, streamKey, type StreamOptions } from './connection.js';

export interface StreamSinkOptions extends StreamOptions {
  readonly snapshot: Pick<Snapshot, 'sources'>;
  /** Events of one source that wait for a worker; beyond it: BUSY. Default 1,000,000. */
  readonly maxWaiting?: number;
  /** Events of one request. Default 10,000. */
  readonly requestRows?: number;
}

const COMMAND_TIMEOUT_MS = 5_000;
const RETRY_AFTER_MS = 1_000;

/** All events of a request or none; workers delete what they have stored, so the length is what waits. */
const APPEND = `
local rows = (#ARGV - 2)
if redis.call('XLEN', KEYS[1]) + rows > tonumber(ARGV[1]) then return 0 end
for i = 3, #ARGV do redis.call('XADD', KEYS[1], '*', '${ORIGIN}', ARGV[2], '${ROW}', ARGV[i]) end
return 1`;

/**
 * Takes events in and puts them on a Redis Stream for a worker. An acknowledgement says that Redis has them, which must
 * keep them on disk (appendonly). Events are checked here, so that the sender knows; those that are rejected go along, for
 * the worker puts them among the dead letters. Throws STORE_UNAVAILABLE and CONFIG_INVALID.
 */
export async function openStreamSink(options: StreamSinkOptions): Promise<EventSink> {
  const { snapshot, maxWaiting = 1_000_000, requestRows = DEFAULT_INTAKE_LIMITS.requestRows } = options;
  const client = await connectStream(options, COMMAND_TIMEOUT_MS);
  try {
    await requireAppendOnly(client);
  } catch (error) {
    client.disconnect();
    throw error;
  }
  const parsers = new Map<string, { readonly source: Source; readonly parse: ReturnType<typeof createRowsParser> }>();
  const under = new Set<Promise<unknown>>();
  let closed = false;

  function sourceOf(name: string): { readonly source: Source; readonly parse: ReturnType<typeof createRowsParser> } {
    const known = parsers.get(name);
    if (known !== undefined) return known;
    const source = pushableSource(snapshot, name);
    const made = { source, parse: createRowsParser(source) };
    parsers.set(name, made);
    return made;
  }

  async function accept(name: string, rows: readonly unknown[], { origin }: AcceptOptions): Promise<IntakeResult> {
    if (closed) throw new GranaryError('STORE_UNAVAILABLE', 'This intake is stopping', { todo: 'Send the same again: to another one, or when it has started again.' });
    if (origin === null) throw new Error('dead letters are replayed where they are stored');
    const { source, parse } = sourceOf(name);
    if (rows.length > requestRows) throw new GranaryError('TOO_MANY_EVENTS', `${rows.length} events in one request; ${requestRows} are taken`, { todo: 'Send them in several requests.', details: { limit: requestRows } });
    const { events, rejected } = parse(rows, origin);
    if (rows.length === 0) return { accepted: 0, duplicates: null, rejected };
    const texts = rows.map((row) => (row instanceof UnreadableRow ? row.text : jsonText(row)));
    const sent = client.eval(APPEND, 1, streamKey(options, source), maxWaiting, origin, ...texts);
    under.add(sent);
    try {
      if ((await sent) === 1) return { accepted: events.length, duplicates: null, rejected };
    } catch (error) {
      throw streamError(error);
    } finally {
      under.delete(sent);
    }
    throw new GranaryError('BUSY', `${maxWaiting} events of ${name} are waiting to be stored`, { todo: 'Send the same again later; if it lasts, look after the worker.', details: { retryAfterMs: RETRY_AFTER_MS } });
  }

  return {
    accept,
    async ping() {
      await client.ping().catch((error: unknown) => {
        throw streamError(error);
      });
    },
    async close() {
      closed = true;
      await Promise.allSettled(under);
      client.disconnect();
    },
  };
}
