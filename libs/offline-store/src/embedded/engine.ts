import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseError } from '@clickhouse/client';
import { Session, drainPending } from 'chdb';
import type { Settings } from '../settings.js';
import { statementShape, type StatementShape } from '../sql-text.js';
import { spoolToFile, type Body } from './body.js';
import { followFile } from './follow-file.js';
import { isStreamable, withoutHeader } from './headers.js';
import { openError, refuseLocked } from './lock.js';
import { scratchFolder } from './scratch.js';
import { Slot, literal } from './slot.js';

export interface EngineStatement {
  readonly sql: string;
  readonly queryId: string;
  readonly database: string;
  readonly settings: Settings;
  readonly params: Readonly<Record<string, string>>;
  /** The format of a result whose statement names none. */
  readonly defaultFormat: string;
  /** Data of an INSERT, behind what the statement's own text holds. */
  readonly body?: Body | undefined;
  /** The result is wanted in one piece: it is kept in memory, and fails before it begins or not at all. */
  readonly whole?: boolean | undefined;
  /** Refuses whatever writes. */
  readonly readonly?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface EngineResult {
  /** One document in `format`, in chunks, read lazily; the connection is held until it ends or is returned. */
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly format: string;
  readonly readRows: number;
  readonly readBytes: number;
}

export interface Engine {
  readonly path: string;
  run(statement: EngineStatement): Promise<EngineResult>;
  /** Waits for what still runs. */
  close(): Promise<void>;
}

/**
 * chDB on a directory: `connections` statements at a time, the rest wait in order. Throws STORE_LOCKED.
 * Readers that must not write (HTTP GET) have one more connection.
 */
export function openEngine(options: { readonly path: string; readonly connections: number }): Engine {
  refuseLocked(options.path);
  const writers = pool(Array.from({ length: options.connections }, () => new Slot(options.path, false)));
  const readers = pool([new Slot(options.path, true)]);
  let control: Session;
  try {
    control = new Session(options.path);
  } catch (cause) {
    throw openError(options.path, cause);
  }
  let closed = false;

  async function run(statement: EngineStatement): Promise<EngineResult> {
    if (closed) throw new Error('the embedded engine is closed');
    const shape = statementShape(statement.sql);
    check(shape, statement);
    const { slot, release } = await (refusesWrites(statement) ? readers : writers).take(statement.signal);
    const stopKilling = killOnAbort(control, statement);
    let held = true;
    const done: Done = async (failed = false) => {
      if (!held) return;
      held = false;
      stopKilling();
      // A stream that failed stays in chDB's list of processes until its connection goes.
      if (shape.leavesState || failed) await slot.discard();
      release();
    };
    try {
      statement.signal?.throwIfAborted();
      // A name of its own is for who may stop it, and to give one takes a statement.
      const comment = String(statement.settings.log_comment ?? '');
      const tag = statement.signal === undefined ? comment : `${comment} [${statement.queryId}]`.trim();
      const { readonly: _handledByTheConnection, ...settings } = statement.settings;
      await slot.become({ ...statement, settings: { ...settings, log_comment: tag } });
      return await execute(slot, shape, statement, done);
    } catch (error) {
      await done(shape.isQuery);
      throw clickhouseError(error);
    }
  }

  return {
    path: options.path,
    run,
    async close() {
      if (closed) return;
      closed = true;
      for (const slot of [...writers.slots, ...readers.slots]) await slot.discard();
      control.close();
      // Another directory can be opened only once the engine let go of this one.
      await drainPending();
    },
  };
}

/** Gives the connection back, or away where the statement failed on it. */
type Done = (failed?: boolean) => Promise<void>;

async function execute(slot: Slot, shape: StatementShape, statement: EngineStatement, done: Done): Promise<EngineResult> {
  const format = shape.format ?? statement.defaultFormat;
  if (shape.insert) return insertFromFile(slot, shape.insert, statement, done);
  if (shape.isQuery && !shape.hasOutfile) {
    if (!statement.whole) {
      // chDB evaluates scalar subqueries while a stream is being started, and that blocks the event loop.
      const direct = isStreamable(format) && !shape.hasSubquery;
      return direct ? stream(slot, shape.sql, format, done) : viaFile(slot, shape, format, done);
    }
  }
  const result = await slot.chdb.queryAsync(shape.sql, { format });
  await done();
  return { chunks: once(result.bytes()), format, readRows: result.rowsRead, readBytes: result.bytesRead };
}

async function stream(slot: Slot, sql: string, format: string, done: Done): Promise<EngineResult> {
  const iterator = slot.chdb.queryStream(sql, { format })[Symbol.asyncIterator]();
  // The first block is awaited here, so that most errors come before the answer begins.
  const first = await iterator.next();
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      if (!first.done) yield first.value.raw();
      for (let next = first.done ? first : await iterator.next(); !next.done; next = await iterator.next()) {
        yield withoutHeader(format, next.value.raw());
      }
    } catch (error) {
      await done(true);
      throw clickhouseError(error);
    } finally {
      await iterator.return?.();
      await done();
    }
  }
  return { chunks: returnable(chunks()), format, readRows: 0, readBytes: 0 };
}

/** A generator that was never started skips its `finally`; starting it here makes `return` always release. */
function returnable(generator: AsyncGenerator<Uint8Array>): AsyncIterable<Uint8Array> {
  const first = generator.next();
  // Whoever reads gets the failure; unread, it must not end the process.
  first.catch(() => undefined);
  let started = false;
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        if (started) return generator.next();
        started = true;
        return first;
      },
      return: () => generator.return(undefined),
    }),
  };
}

/**
 * What chDB can't stream is written to a file and read from there while it is written: as bounded in memory, and one document. A
 * large result costs less than in memory, where chDB copies it as it grows.
 */
async function viaFile(slot: Slot, shape: StatementShape, format: string, done: Done): Promise<EngineResult> {
  const folder = await scratchFolder('result');
  const file = join(folder, 'result');
  const into = ` INTO OUTFILE '${file}' COMPRESSION 'none' `;
  const sql = shape.sql.slice(0, shape.outfileAt) + into + (shape.format === null ? `FORMAT ${format}` : shape.sql.slice(shape.outfileAt));
  // The connection is free as soon as all is written, however slowly it is read.
  const written = slot.chdb.queryAsync(sql, { format: 'Null' }).then(
    () => done(),
    async (error: unknown) => {
      await done(true);
      throw clickhouseError(error);
    },
  );
  const clean = async (): Promise<void> => {
    await written.catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  };
  const pieces = followFile(file, written);
  try {
    // The first piece is awaited here, so that most errors come before the answer begins.
    const first = await pieces.next();
    async function* chunks(): AsyncGenerator<Uint8Array> {
      try {
        if (!first.done) yield first.value;
        yield* pieces;
      } finally {
        await pieces.return(undefined);
        await clean();
      }
    }
    return { chunks: returnable(chunks()), format, readRows: 0, readBytes: 0 };
  } catch (error) {
    await clean();
    throw error;
  }
}

/**
 * Data goes through a file in every format. Behind the statement's text chDB would end it at the first empty line and run
 * the rest as SQL, and it would garble binary formats.
 */
async function insertFromFile(
  slot: Slot,
  insert: NonNullable<StatementShape['insert']>,
  statement: EngineStatement,
  done: Done,
): Promise<EngineResult> {
  const spooled = await spoolToFile(insert.data, statement.body);
  try {
    if (spooled.bytes > 0) {
      const from = ` FROM INFILE '${spooled.file}' COMPRESSION 'none' `;
      await slot.run(`${insert.target}${from}${insert.settings} FORMAT ${insert.format}`);
    }
  } finally {
    await spooled.remove();
  }
  await done();
  return { chunks: once(new Uint8Array()), format: insert.format, readRows: 0, readBytes: spooled.bytes };
}

function refusesWrites(statement: EngineStatement): boolean {
  const asked = statement.settings.readonly;
  return statement.readonly === true || (asked !== undefined && String(asked) !== '0');
}

function check(shape: StatementShape, statement: EngineStatement): void {
  if (shape.verb === '') throw parseError('Code: 62. DB::Exception: Syntax error: the query is empty. (SYNTAX_ERROR)');
  if (shape.multiple) throw parseError('Code: 62. DB::Exception: Syntax error (Multi-statements are not allowed). (SYNTAX_ERROR)');
  // A parameter stays on its connection: without this an old value would stand in for one that is missing.
  const missing = shape.placeholders.find((name) => !(name in statement.params));
  if (missing !== undefined) throw parseError(`Code: 456. DB::Exception: Substitution \`${missing}\` is not set. (UNKNOWN_QUERY_PARAMETER)`);
  if (refusesWrites(statement) && shape.insert) {
    throw parseError('Code: 164. DB::Exception: Cannot execute query in readonly mode. (READONLY)');
  }
}

/** chDB has no interrupt: the statement is killed by its tag from a second connection, again until it is gone. */
function killOnAbort(control: Session, statement: EngineStatement): () => void {
  const { signal, queryId } = statement;
  if (!signal) return () => undefined;
  let timer: NodeJS.Timeout | undefined;
  const kill = (): void => {
    // No bound parameter here: chDB's native binding is shared between connections that run at the same time.
    control.query(`KILL QUERY WHERE endsWith(Settings['log_comment'], ${literal(`[${queryId}]`)}) ASYNC`);
    timer = setTimeout(kill, 100);
  };
  signal.addEventListener('abort', kill, { once: true });
  return () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', kill);
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

function clickhouseError(error: unknown): unknown {
  if (!(error instanceof Error) || !/^(Streaming query error: )?Code: \d+/.test(error.message)) return error;
  const parsed = parseError(error.message.slice(error.message.indexOf('Code: ')));
  parsed.cause = error;
  return parsed;
}

interface Pool {
  readonly slots: readonly Slot[];
  take(signal: AbortSignal | undefined): Promise<{ readonly slot: Slot; readonly release: () => void }>;
}

function pool(slots: readonly Slot[]): Pool {
  const free = [...slots];
  const waiting: ((slot: Slot) => void)[] = [];
  return {
    slots,
    async take(signal) {
      signal?.throwIfAborted();
      const slot = free.pop() ?? (await turn(waiting, signal));
      const release = (): void => {
        const next = waiting.shift();
        if (next) next(slot);
        else free.push(slot);
      };
      return { slot, release };
    },
  };
}

function turn(waiting: ((slot: Slot) => void)[], signal: AbortSignal | undefined): Promise<Slot> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      waiting.splice(waiting.indexOf(granted), 1);
      reject(signal!.reason);
    };
    const granted = (slot: Slot): void => {
      signal?.removeEventListener('abort', onAbort);
      resolve(slot);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    waiting.push(granted);
  });
}
