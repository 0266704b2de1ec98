import { BACKFILL, EVENT, identifier, type Entity, type Instant, type Source, type Statement, type VersionedView } from '@granary/contracts';
import { Emitter, column, list } from './emit.js';
import { EVENTS, emitEvents, emitVisible, type Chunk, type EventScope } from './events.js';
import { columnsRead, emitParts } from './parts.js';

export interface BackfillScope extends EventScope {
  /** Only the entities of this chunk; left out: all. */
  readonly chunk?: Chunk | undefined;
}

/**
 * Every seen entity's parts as of one instant; columns as `backfillColumns` gives them. An entity has a row iff an event
 * of its happened and was known by then.
 */
export function compileBackfill(view: VersionedView, entity: Entity, source: Source, at: Instant, { chunk, ...scope }: BackfillScope = {}): Statement {
  const emitter = new Emitter();
  const atMs = emitter.bindMs(at);
  const instant = `fromUnixTimestamp64Milli(${atMs}, 'UTC')`;
  const e = (name: string): string => column(EVENTS, name);
  const keys = view.keyFields.map(e);
  return emitter.statement(`SELECT
${list([
  ...keys.map((key, i) => `${key} AS ${identifier(entity.keys[i]!.name)}`),
  `${instant} AS ${identifier(BACKFILL.asOf)}`,
  `max(${e(EVENT.time)}) AS ${identifier(BACKFILL.eventTime)}`,
  `max(${e(EVENT.sequence)}) AS ${identifier(BACKFILL.sequence)}`,
  ...view.features.flatMap((feature) => emitParts(emitter, feature, source, { at: atMs, frame: null, requestId: null, only: null })),
])}
FROM ${emitEvents(emitter, source, [...view.keyFields, ...columnsRead(view)], scope, chunk && { ...chunk, keyFields: view.keyFields })}
WHERE ${emitVisible(source, instant)}
GROUP BY ${keys.join(', ')}`);
}

/** The keys of all entities that have an event, whenever: columns as the entity names them. */
export function compileKeys(view: VersionedView, entity: Entity, source: Source, { chunk, ...scope }: BackfillScope = {}): Statement {
  const emitter = new Emitter();
  const keys = view.keyFields.map((field, i) => `${column(EVENTS, field)} AS ${identifier(entity.keys[i]!.name)}`);
  return emitter.statement(`SELECT DISTINCT ${keys.join(', ')}
FROM ${emitEvents(emitter, source, view.keyFields, scope, chunk && { ...chunk, keyFields: view.keyFields })}`);
}

/**
 * Of each instant the entities whose first event came between the one before and it: `at` (ms) and `entities`. Those
 * without any by the last instant are not in it. The instants go up; the source has no versions of events.
 */
export function compileFirstSeen(view: VersionedView, source: Source, instants: readonly Instant[], scope: EventScope): Statement {
  const emitter = new Emitter();
  const { sql, params } = emitter.statement(`SELECT arrayFirst(${identifier('at')} -> ${identifier('at')} >= ${identifier(FIRST)}, {instants:Array(Int64)}) AS ${identifier('at')}, count() AS ${identifier('entities')}
FROM (
  SELECT toUnixTimestamp64Milli(min(${column(EVENTS, EVENT.time)})) AS ${identifier(FIRST)}
  FROM ${emitEvents(emitter, source, view.keyFields, scope)}
  GROUP BY ${view.keyFields.map((field) => column(EVENTS, field)).join(', ')}
)
WHERE ${identifier(FIRST)} <= arrayMax({instants:Array(Int64)})
GROUP BY ${identifier('at')}`);
  return { sql, params: { ...params, instants } };
}

const FIRST = '__first';
