import { partsOf } from '@granary/aggregates';
import {
  EVENT,
  identifier,
  type Entity,
  type Feature,
  type FeatureService,
  type Snapshot,
  type Source,
  type Statement,
  type VersionedView,
} from '@granary/contracts';
import { Emitter, column, list } from './emit.js';
import { EVENTS, emitEvents, emitVisible, type EventScope } from './events.js';
import { emitFinish, emitFold, emitIsNull, emitNothing } from './finish.js';
import { columnsRead, emitParts } from './parts.js';

/** Columns of a spine table beside the entity keys, request fields and whatever else it carries. */
export const SPINE = {
  /** UInt64, from 1: the order of the rows of the training set. */
  row: '__row',
  /** DateTime64(3, 'UTC'): the instant the row asks about. */
  time: '__time',
  /** String: the id of the source event that the row is, or ''. A window with includeRequest then takes the event once. */
  eventId: '__event_id',
} as const;

/** A table of the questions to answer: which entities, as of when. */
export interface Spine {
  readonly table: string;
  /** Columns to carry into the training set, in order; one whose name a feature has too goes in as `<name>__spine`. */
  readonly columns: readonly string[];
}

interface JoinedView {
  readonly alias: string;
  readonly view: VersionedView;
  readonly entity: Entity;
  readonly source: Source;
  readonly features: readonly Feature[];
  /** The spine columns that tell one group of events from another. */
  readonly probe: readonly string[];
}

/** The suffix of the column that holds a feature's state. */
export const STATE_SUFFIX = '__state';

/**
 * A point-in-time training set: for each row of the spine, in its order and exactly once, the service's features as of
 * the row's own instant, and each feature's state in `<feature>__state`.
 *
 * Each view's events are joined to the distinct (keys, instant) pairs of the spine and aggregated by age: exact for every
 * window, bound and known-at; work grows with the number of (row, event in history) pairs.
 */
export function compileDataset(snapshot: Snapshot, service: FeatureService, spine: Spine, scope: EventScope = {}): Statement {
  const emitter = new Emitter();
  const joined = service.views.map((use, i) => joinedView(snapshot, use, `v${i}`));
  const s = (name: string): string => column('s', name);
  const joins = joined.map(
    (each) =>
      `LEFT JOIN (\n${indent(emitView(emitter, each, spine, scope))}\n) AS ${identifier(each.alias)} ON ${each.probe
        .map((name) => `${s(name)} = ${column(each.alias, name)}`)
        .join(' AND ')}`,
  );
  const features = joined.flatMap((each) => each.features.flatMap((feature) => emitFeature(emitter, each, feature)));
  return emitter.statement(`SELECT
${list([...spine.columns.map((name) => `${s(name)} AS ${identifier(carriedAs(service, name))}`), ...features])}
FROM ${identifier(spine.table)} AS ${identifier('s')}
${joins.join('\n')}
ORDER BY ${s(SPINE.row)}`);
}

/** The name of a spine's column in the training set. */
export function carriedAs(service: FeatureService, name: string): string {
  return service.views.some((use) => use.features.includes(name)) ? `${name}__spine` : name;
}

function joinedView(snapshot: Snapshot, use: FeatureService['views'][number], alias: string): JoinedView {
  const view = find(snapshot.views, use.view);
  const entity = find(snapshot.entities, view.entity);
  const features = use.features.map((name) => find(view.features, name));
  const keys = entity.keys.map((key) => key.name);
  // A request belongs to one row only; without one, rows that ask about the same entity and instant share the answer.
  const own = features.some(includesRequest) ? [SPINE.row, SPINE.eventId] : [];
  return { alias, view, entity, source: find(snapshot.sources, view.source), features, probe: [...keys, SPINE.time, ...own] };
}

function find<T extends { readonly name: string }>(items: readonly T[], name: string): T {
  const item = items.find((each) => each.name === name);
  if (item === undefined) throw new Error(`a valid snapshot has ${name}`);
  return item;
}

function includesRequest(feature: Feature): boolean {
  return feature.aggregate.window?.includeRequest === true;
}

function emitView(emitter: Emitter, { view, entity, source, features, probe }: JoinedView, spine: Spine, scope: EventScope): string {
  const e = (name: string): string => column(EVENTS, name);
  const p = (name: string): string => column('p', name);
  const age = `(toUnixTimestamp64Milli(${p(SPINE.time)}) - toUnixTimestamp64Milli(${e(EVENT.time)}))`;
  const requestId = probe.includes(SPINE.eventId) ? p(SPINE.eventId) : null;
  const group = probe.map(p);
  return `SELECT
${list([
  ...probe.map((name, i) => `${group[i]} AS ${identifier(name)}`),
  `max(${e(EVENT.time)}) AS ${identifier(SEEN)}`,
  ...features.flatMap((feature) => emitParts(emitter, feature, source, { age, frame: null, requestId, only: null })),
])}
FROM ${emitEvents(emitter, source, [...view.keyFields, ...columnsRead({ features })], scope)}
INNER JOIN (
  SELECT DISTINCT ${probe.map(identifier).join(', ')}
  FROM ${identifier(spine.table)}
) AS ${identifier('p')} ON ${entity.keys.map((key, i) => `${e(view.keyFields[i]!)} = ${p(key.name)}`).join(' AND ')}
WHERE ${emitVisible(source, p(SPINE.time))}
GROUP BY ${group.join(', ')}`;
}

/** The greatest event time of the entity by then; null (by join_use_nulls) when it was never seen. */
const SEEN = '__seen';

function emitFeature(emitter: Emitter, { alias, view, entity, source }: JoinedView, feature: Feature): readonly string[] {
  const stored = partsOf(feature).map((part) => column(alias, part.name));
  const seen = column(alias, SEEN);
  const time = column('s', SPINE.time);
  const request = includesRequest(feature);
  // The spine has a key under the entity's name for it, the source perhaps under another.
  const asked = (field: string): string => column('s', entity.keys[view.keyFields.indexOf(field)]?.name ?? field);
  const parts = request ? emitFold(emitter, feature, stored, source, asked, time) : stored;
  const value = emitFinish(emitter, feature, parts, time);
  // A request that belongs to the window is itself an event of now: the entity is seen, and fresh.
  const unseen = request ? [] : [`${seen} IS NULL`, `'missing'`];
  const expired =
    request || view.ttlMs === null ? [] : [`toUnixTimestamp64Milli(${seen}) < toUnixTimestamp64Milli(${time}) - ${view.ttlMs}`, `'expired'`];
  const hidden = [unseen[0], expired[0]].filter((condition) => condition !== undefined);
  const visible = hidden.length === 0 ? value : `if(${hidden.join(' OR ')}, ${emitNothing(feature.type)}, ${value})`;
  const absent = emitIsNull(feature, value);
  const isNull = absent === null ? [] : [absent, `'null'`];
  const choices = [...unseen, ...expired, ...isNull];
  const state = choices.length === 0 ? `'present'` : `multiIf(${[...choices, `'present'`].join(', ')})`;
  return [`${visible} AS ${identifier(feature.name)}`, `${state} AS ${identifier(`${feature.name}${STATE_SUFFIX}`)}`];
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
