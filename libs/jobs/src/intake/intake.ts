import { GranaryError, type Snapshot, type Source } from '@granary/contracts';
import type { AppendedRow, OfflineStore, Reject } from '@granary/offline-store';
import { pushableSource, type AcceptOptions, type EventSink, type IntakeResult } from './event-sink.js';
import { conflictReason } from '../ingest/conflict.js';
import { createRowsParser, rejectsOf, type ParsedEvents } from './parse-events.js';
import type { Publisher, StoredEvent } from './publisher.js';
import { resolveLimits, type IntakeLimits } from './limits.js';

export interface IntakeOptions {
  readonly store: OfflineStore;
  readonly snapshot: Pick<Snapshot, 'sources'>;
  readonly publisher: Publisher;
  readonly limits?: Partial<IntakeLimits>;
}

interface Waiting {
  readonly rows: readonly unknown[];
  readonly origin: string | null;
  readonly parsed: ParsedEvents;
  readonly resolve: (result: IntakeResult) => void;
  readonly reject: (error: unknown) => void;
}

interface StoredBatch {
  /** Of each request, once the batch is published. */
  readonly results: readonly IntakeResult[];
  readonly publish: () => Promise<void>;
}

interface Lane {
  readonly source: Source;
  readonly parse: (rows: readonly unknown[], origin: string | null) => ParsedEvents;
  readonly waiting: Waiting[];
  /** Resolves when nothing is waiting or being stored. */
  storing: Promise<void> | undefined;
  /** Resolves when the batch that was stored last is published, and never rejects. */
  publishing: Promise<void>;
}

const LEAST_WAIT_MS = 100;
const MOST_WAIT_MS = 30_000;

/**
 * Stores pushed events by group commit: while one batch of a source is being stored, the requests that come wait and make up
 * the next; it is stored while the one before is being published. What waits is bounded; beyond it requests are turned away
 * with BUSY.
 */
export function createIntake({ store, snapshot, publisher, limits: given = {} }: IntakeOptions): EventSink {
  const limits = resolveLimits(given);
  const lanes = new Map<string, Lane>();
  let queuedRows = 0;
  let queuedBytes = 0;
  let batchMs = LEAST_WAIT_MS;
  let closed = false;

  function laneOf(name: string): Lane {
    const known = lanes.get(name);
    if (known !== undefined) return known;
    const source = pushableSource(snapshot, name);
    const lane: Lane = { source, parse: createRowsParser(source), waiting: [], storing: undefined, publishing: Promise.resolve() };
    lanes.set(name, lane);
    return lane;
  }

  function throwIfFull(rows: number, bytes: number): void {
    // A single request is taken however heavy it is: where nothing waits, waiting would not help it.
    if (queuedRows === 0 || (queuedRows + rows <= limits.queuedRows && queuedBytes + bytes <= limits.queuedBytes)) return;
    const batches = Math.ceil(queuedRows / limits.batchRows);
    const retryAfterMs = Math.min(MOST_WAIT_MS, Math.max(LEAST_WAIT_MS, Math.ceil(batches * batchMs)));
    throw new GranaryError('BUSY', `${queuedRows} events are waiting to be stored`, { todo: `Send the same again in ${retryAfterMs} ms.`, details: { retryAfterMs } });
  }

  async function accept(name: string, rows: readonly unknown[], { origin }: AcceptOptions): Promise<IntakeResult> {
    if (closed) throw new GranaryError('STORE_UNAVAILABLE', 'This intake is stopping', { todo: 'Send the same again: to another one, or when it has started again.' });
    const lane = laneOf(name);
    if (rows.length > limits.requestRows) {
      throw new GranaryError('TOO_MANY_EVENTS', `${rows.length} events in one request; ${limits.requestRows} are taken`, { todo: 'Send them in several requests.', details: { limit: limits.requestRows } });
    }
    throwIfFull(rows.length, 0);
    const parsed = lane.parse(rows, origin);
    throwIfFull(rows.length, parsed.bytes);
    queuedRows += rows.length;
    queuedBytes += parsed.bytes;
    try {
      return await new Promise<IntakeResult>((resolve, reject) => {
        lane.waiting.push({ rows, origin, parsed, resolve, reject });
        lane.storing ??= drain(lane);
      });
    } finally {
      queuedRows -= rows.length;
      queuedBytes -= parsed.bytes;
    }
  }

  async function drain(lane: Lane): Promise<void> {
    while (lane.waiting.length > 0) {
      const batch = takeBatch(lane.waiting, limits.batchRows);
      const started = performance.now();
      const refuse = (error: unknown): void => batch.forEach(({ reject }) => reject(error));
      try {
        const { publish, results } = await storeBatch(lane, batch);
        await lane.publishing;
        lane.publishing = publish().then(() => batch.forEach(({ resolve }, i) => resolve(results[i]!)), refuse);
      } catch (error) {
        refuse(error);
      }
      batchMs = performance.now() - started;
    }
    // Not in a callback: a request that came before it ran would wait for nobody.
    lane.storing = undefined;
  }

  async function storeBatch({ source }: Lane, batch: readonly Waiting[]): Promise<StoredBatch> {
    await store.ensureSource(source);
    const rejects = batch.flatMap(({ parsed }) => parsed.rejects);
    if (rejects.length > 0) await store.quarantine(source, rejects);
    const events = batch.flatMap(({ parsed }) => parsed.events);
    if (events.length === 0) return { results: batch.map(({ parsed }) => ({ accepted: 0, duplicates: 0, rejected: parsed.rejected })), publish: () => Promise.resolve() };
    const { rows, lastSequence } = await store.appendEvents(source, events);
    // Duplicates too: what stored them may have ended before it published them.
    const stored = events.map(({ eventId, eventTime, knownAt, values }, i): StoredEvent => ({ eventId, eventTime, knownAt, values, sequence: rows[i]!.sequence, outcome: rows[i]!.outcome }));
    let from = 0;
    const answers = batch.map((each) => answer(source, each, rows.slice(from, (from += each.parsed.events.length))));
    const conflicts = answers.flatMap(({ rejects }) => rejects);
    if (conflicts.length > 0) await store.quarantine(source, conflicts);
    const results = answers.map(({ result }) => result);
    return { results, publish: () => publisher.published(source, stored, lastSequence) };
  }

  return {
    accept,
    ping: async () => {
      if (closed) throw new GranaryError('STORE_UNAVAILABLE', 'This intake is stopping');
      await Promise.all([store.rows({ sql: 'SELECT 1', params: {} }), publisher.ping()]);
    },
    async close() {
      closed = true;
      await Promise.all([...lanes.values()].map(async (lane) => lane.storing));
      await Promise.all([...lanes.values()].map(async (lane) => lane.publishing));
      await publisher.settled();
    },
  };
}

/** What a request is told of its events, and which of them are dead letters though they could be read. */
function answer(source: Source, { rows, origin, parsed }: Waiting, appended: readonly AppendedRow[]): { readonly result: IntakeResult; readonly rejects: readonly Reject[] } {
  const conflicts = appended.flatMap(({ outcome, differs = [] }, i) => (outcome === 'conflict' ? [{ index: parsed.positions[i]!, reason: conflictReason(source, differs) }] : []));
  const rejected = [...parsed.rejected, ...conflicts.map((each) => ({ ...each, code: 'CONFLICTING_EVENT' as const }))];
  const result = {
    accepted: appended.length - conflicts.length,
    duplicates: appended.filter(({ outcome }) => outcome === 'duplicate').length,
    rejected: conflicts.length === 0 ? rejected : rejected.sort((a, b) => a.index - b.index),
  };
  return { result, rejects: conflicts.flatMap(({ index, reason }) => rejectsOf(rows[index], origin, reason)) };
}

/** The requests that make up one batch: as many as fit, at least one. */
function takeBatch(waiting: Waiting[], batchRows: number): readonly Waiting[] {
  let rows = 0;
  let count = 0;
  for (const { parsed } of waiting) {
    rows += parsed.events.length + parsed.rejects.length;
    if (count > 0 && rows > batchRows) break;
    count += 1;
  }
  return waiting.splice(0, count);
}
