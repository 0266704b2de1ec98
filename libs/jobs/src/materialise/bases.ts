import { compileCompact, eventColumns, representView, type EntityState, type ViewRepresentation } from '@granary/aggregates';
import { compileState, type StateScope } from '@granary/compiler';
import { GranaryError, identifier, isGranaryError, type Instant, type Statement, type Value } from '@granary/contracts';
import type { OfflineStore, StatementOptions } from '@granary/offline-store';
import { NO_BASE, createStateCodec, packBases, rowKeys, type OnlineStore, type PackedRow, type StateCodec } from '@granary/online-store';
import { explainOverflow } from '../overflow.js';
import { eachNext, readAhead } from '../pieces.js';
import type { ViewParts } from '../view-parts.js';
import { reinterpretsArrays } from './reinterprets-arrays.js';
import { RowBinaryReader } from './row-binary.js';

/** All that writing a view's bases needs beside what they are of; made once. */
export interface BaseWriter {
  readonly parts: ViewParts;
  readonly offline: OfflineStore;
  readonly online: OnlineStore;
  readonly kept: ViewRepresentation;
  readonly codec: StateCodec;
  readonly compact: (state: EntityState, to: BasePoint) => EntityState;
  readonly keyOf: (key: readonly Value[]) => string;
}

export interface BasePoint {
  readonly sequence: number;
  readonly asOf: Instant;
}

/** Which bases: up to the sequence, for reads from the instant on, of the entities that the scope names. */
export interface BasesOf extends BasePoint {
  readonly scope: Omit<StateScope, 'at'>;
  /** Keys of entities that may be online: those of them that have nothing are told so. Null: all that have nothing were never there. */
  readonly candidates: Statement | null;
  readonly limits: Pick<StatementOptions, 'signal' | 'maxMemoryBytes'>;
  /** ClickHouse gives them in the order of their keys: of many, written in another order, each costs LMDB a page. Default false. */
  readonly inKeyOrder?: boolean;
}

export interface WrittenBases {
  /** Those that changed what was online. */
  readonly written: number;
  /** Of them those of entities that have no event any more. */
  readonly deleted: number;
}

export function baseWriter(offline: OfflineStore, online: OnlineStore, parts: ViewParts, project: string): BaseWriter {
  const { view, entity, source } = parts;
  const kept = representView(view, source);
  return { parts, offline, online, kept, codec: createStateCodec(kept, view.version), compact: compileCompact(kept), keyOf: rowKeys(project, entity, view.name, view.version) };
}

/**
 * Computes bases in ClickHouse and writes them. A base depends on nothing but the entity, the sequence and the instant: who
 * writes it again, or beside another, does no harm.
 */
export async function writeBases(writer: BaseWriter, of: BasesOf): Promise<WrittenBases> {
  const total = { written: 0, deleted: 0 };
  for await (const { written, deleted } of writeEachBases(writer, [of])) {
    total.written += written;
    total.deleted += deleted;
  }
  return total;
}

export interface BasesProgress extends WrittenBases {
  /** Bases that were computed for this, whether or not they changed anything. */
  readonly rows: number;
  /** Whether all that was to be written of one of those asked for is. */
  readonly ended: boolean;
}

/**
 * The same of each in turn: while some are being written, ClickHouse computes what comes next. Says after each write what it did.
 * Nothing is written before `ready` has resolved.
 */
export async function* writeEachBases(writer: BaseWriter, each: readonly BasesOf[], ready?: Promise<unknown>): AsyncGenerator<BasesProgress, undefined> {
  let there = new Set<string>();
  for await (const { of, rows } of readAhead(computeEach(writer, each))) {
    await ready;
    if (rows === null) {
      const { written, deleted } = await writeNothings(writer, of, there);
      yield { written, deleted, rows: 0, ended: true };
      there = new Set();
    } else {
      if (of.candidates !== null) for (const { key } of rows) there.add(key);
      const { written } = await writer.online.write(rows);
      yield { written, deleted: 0, rows: rows.length, ended: false };
    }
  }
  return undefined;
}

async function* computeEach(writer: BaseWriter, each: readonly BasesOf[]): AsyncGenerator<{ readonly of: BasesOf; readonly rows: readonly PackedRow[] | null }, undefined> {
  for (const of of each) {
    for await (const rows of computeBases(writer, of)) yield { of, rows };
    yield { of, rows: null };
  }
  return undefined;
}

/** Bytes that are written at once. */
const BATCH_BYTES = 16 * 1024 ** 2;

/** Computed, and not written yet: in batches. */
export async function* computeBases({ parts, offline, kept, keyOf }: BaseWriter, of: BasesOf): AsyncGenerator<readonly PackedRow[], undefined> {
  const { sequence, asOf, scope, inKeyOrder = false } = of;
  const { view, entity, source } = parts;
  const keys = entity.keys.map((key) => key.name);
  const states = compileState(view, entity, source, { ...scope, at: asOf });
  const packed = packBases(kept, states, { keys, version: view.version, sequence, asOf, settled: scope.settled ?? false, reinterpretsArrays: await reinterpretsArrays(offline) });
  const order = inKeyOrder ? `\nORDER BY ${keys.map(identifier).join(', ')}` : '';
  const statement = { sql: `${packed.sql}${order}\nFORMAT RowBinary`, params: packed.params };
  const types = entity.keys.map((key) => key.type);
  const explain = <T>(run: () => Promise<T>): Promise<T> => explainValues(view.name, () => explainOverflow(`feature view ${view.name}`, run, { store: offline, views: [parts] }));
  let rows: PackedRow[] = [];
  let size = 0;
  const reader = new RowBinaryReader(types, (values, bytes, from, to) => rows.push({ key: keyOf(values), value: bytes.subarray(from, to) }));
  for await (const piece of eachNext(offline.pieces(statement, statementOptions(view.name, of)), explain)) {
    reader.read(piece);
    size += piece.length;
    if (size < BATCH_BYTES) continue;
    yield rows;
    rows = [];
    size = 0;
  }
  if (reader.isWithinRow) throw new Error(`the bases of ${view.name} end within a row`);
  if (rows.length > 0) yield rows;
  return undefined;
}

/** Of the candidates those that are not there have nothing. */
async function writeNothings(writer: BaseWriter, of: BasesOf, there: ReadonlySet<string>): Promise<WrittenBases> {
  const { parts, offline, online, keyOf } = writer;
  if (of.candidates === null) return { written: 0, deleted: 0 };
  const nothing = emptyState(writer, of);
  const names = parts.entity.keys.map(({ name }) => name);
  let deleted = 0;
  for await (const batch of offline.stream(of.candidates, statementOptions(parts.view.name, of))) {
    const gone = batch.map((row) => keyOf(names.map((name) => row[name] as Value))).filter((key) => !there.has(key));
    deleted += (await online.write(gone.map((key) => ({ key, value: nothing })))).written;
  }
  return { written: 0, deleted };
}

/** The base of an entity without events: as good as no row, and no older write can take its place. */
function emptyState({ kept, codec, compact }: BaseWriter, to: BasePoint): Buffer {
  const nothing = { sequence: NO_BASE, asOf: NO_BASE, row: null, log: eventColumns(kept.events, 0), tail: [] };
  return codec.encodeBase(compact(nothing, to));
}

function statementOptions(view: string, { limits }: BasesOf): StatementOptions {
  return { comment: `materialise ${view}`, ...limits };
}

const THROW_IF = 395;

/** A value that an enum does not declare is reported as what it is. */
async function explainValues<T>(view: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!isGranaryError(error, 'QUERY_FAILED') || error.details['code'] !== THROW_IF) throw error;
    throw new GranaryError('INVALID_VALUE', `feature view ${view}: ${error.message.split(': while executing')[0]!}`, {
      todo: 'Declare the value in the enum, or the field as a string.',
      details: error.details,
      cause: error,
    });
  }
}
