import { compileCompact, eventColumns, representView, type EntityState, type ViewRepresentation } from '@granary/aggregates';
import { compileState, type StateScope } from '@granary/compiler';
import { isGranaryError, GranaryError, type Instant, type Statement, type Value } from '@granary/contracts';
import type { OfflineStore, StatementOptions } from '@granary/offline-store';
import { NO_BASE, createStateCodec, packBases, rowKeys, type OnlineStore, type PackedRow, type StateCodec } from '@granary/online-store';
import { explainOverflow } from '../overflow.js';
import type { ViewParts } from '../view-parts.js';
import { reinterpretsArrays } from './reinterprets-arrays.js';
import { readRowBinary } from './row-binary.js';

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

/** Computed, and not written yet. */
export interface ComputedBases {
  readonly rows: readonly PackedRow[];
  readonly of: BasesOf;
}

/**
 * Computes bases in ClickHouse and writes them. A base depends on nothing but the entity, the sequence and the instant: who
 * writes it again, or beside another, does no harm.
 */
export async function writeBases(writer: BaseWriter, of: BasesOf): Promise<WrittenBases> {
  return storeBases(writer, await computeBases(writer, of));
}

export async function computeBases({ parts, offline, kept, keyOf }: BaseWriter, of: BasesOf): Promise<ComputedBases> {
  const { sequence, asOf, scope } = of;
  const { view, entity, source } = parts;
  const keys = entity.keys.map((key) => key.name);
  const states = compileState(view, entity, source, { ...scope, at: asOf });
  const packed = packBases(kept, states, { keys, version: view.version, sequence, asOf, settled: scope.settled ?? false, reinterpretsArrays: await reinterpretsArrays(offline) });
  const statement = { sql: `${packed.sql}\nFORMAT RowBinary`, params: packed.params };
  const bytes = await explainValues(view.name, () => explainOverflow(`feature view ${view.name}`, () => offline.bytes(statement, statementOptions(view.name, of))));
  const types = entity.keys.map((key) => key.type);
  return { of, rows: Array.from(readRowBinary(bytes, types), ({ values, packed: value }): PackedRow => ({ key: keyOf(values), value })) };
}

export async function storeBases(writer: BaseWriter, { rows, of }: ComputedBases): Promise<WrittenBases> {
  const { parts, offline, online, keyOf } = writer;
  const { candidates } = of;
  const { written } = await online.write(rows);
  if (candidates === null) return { written, deleted: 0 };
  const there = new Set(rows.map(({ key }) => key));
  const nothing = emptyState(writer, of);
  const names = parts.entity.keys.map(({ name }) => name);
  let deleted = 0;
  for await (const batch of offline.stream(candidates, statementOptions(parts.view.name, of))) {
    const gone = batch.map((row) => keyOf(names.map((name) => row[name] as Value))).filter((key) => !there.has(key));
    deleted += (await online.write(gone.map((key) => ({ key, value: nothing })))).written;
  }
  return { written, deleted };
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
