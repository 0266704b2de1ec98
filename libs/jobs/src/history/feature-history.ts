import { SPINE, STATE_SUFFIX, compileDataset, compileEventsAtHorizons, horizonColumn, newestColumn, serviceAtHorizons, type EventsAtHorizons } from '@granary/compiler';
import { fieldReferences, resolveService, type FeatureState, type FeatureValue, type Instant, type ResolvedService, type ResolvedView, type ServedFeature, type Snapshot, type Value } from '@granary/contracts';
import type { OfflineStore, Row } from '@granary/offline-store';
import { throwIfCancelled } from '../cancelled.js';
import { withSpineRows, type SpineColumn, type SpineRow } from '../dataset/spine-table.js';
import { withEvents, type Horizon } from '../events/with-events.js';
import { findService } from '../named.js';
import { explainOverflow } from '../overflow.js';
import { withStages, type CreateStage } from '../stage-table.js';

/** A row of a service that is asked for. */
export interface HistoryQuestion {
  /** The service's keys and request fields, of their types, by name. */
  readonly values: Readonly<Record<string, Value>>;
  readonly at: Instant;
  /** By a resolved view's id: only events with a sequence up to this are seen in it. Left out: all that have arrived. */
  readonly horizons?: ReadonlyMap<string, number> | undefined;
}

export interface HistoryOptions {
  /** By the name of a view over a computed source: what is seen of the stored sources behind it. Left out: all that has arrived. */
  readonly computedFrom?: ReadonlyMap<string, Horizon> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Every feature of the service by name, as `FeatureReader` gives them. */
export type HistoryRow = Readonly<Record<string, FeatureValue>>;

/** What `FeatureReader` asks for what is too far back for the online rows. */
export interface StoredHistory {
  rows(this: void, snapshot: Snapshot, serviceName: string, asked: readonly Readonly<Record<string, Value>>[], at: Instant): Promise<readonly HistoryRow[]>;
}

export function featureHistory(store: OfflineStore): StoredHistory {
  return { rows: (snapshot, serviceName, asked, at) => readHistory(store, snapshot, serviceName, asked.map((values) => ({ values, at }))) };
}

/** Questions that one statement answers. */
const BATCH = 1_000;
/** Few questions are asked of many events: frames would be computed at every event, for each event in them again. */
const PLANS = ['asof'] as const;
/** Later than any event. */
export const NO_HORIZON = Number.MAX_SAFE_INTEGER;

/**
 * A service's rows as of any instants, computed from the stored events: a row for each question, in their order, with the
 * values and states that a training set has. Only the events of the entities asked about are looked at more than once.
 * Throws UNKNOWN_SERVICE, SOURCE_CHANGED, INVALID_VALUE (an integer sum leaves int64), CANCELLED and what the store throws.
 */
export async function readHistory(store: OfflineStore, snapshot: Snapshot, serviceName: string, questions: readonly HistoryQuestion[], options: HistoryOptions = {}): Promise<HistoryRow[]> {
  const service = resolveService(snapshot, findService(snapshot, serviceName));
  const rows: HistoryRow[] = [];
  for (let from = 0; from < questions.length; from += BATCH) {
    throwIfCancelled(options.signal, `reading ${serviceName}`);
    rows.push(...(await answer(store, snapshot, service, questions.slice(from, from + BATCH), options)));
  }
  return rows;
}

async function answer(store: OfflineStore, snapshot: Snapshot, service: ResolvedService, questions: readonly HistoryQuestion[], { computedFrom, signal }: HistoryOptions): Promise<HistoryRow[]> {
  const { snapshot: definitions, service: asked, tables } = serviceAtHorizons(snapshot, findService(snapshot, service.name));
  const columns: readonly SpineColumn[] = [
    ...[...service.keys, ...service.request].map(({ name, type }) => ({ name, type, nullable: false })),
    ...service.views.map(({ id }) => ({ name: horizonColumn(id), type: { kind: 'int64' } as const, nullable: false })),
  ];
  const options = { comment: `features of ${service.name} in the past`, signal };
  const fill = async (spine: string, create: CreateStage): Promise<ReadonlyMap<string, string>> => {
    const copies = new Map<string, string>();
    for (const { tables: some, horizon } of bySource(tables, computedFrom)) {
      await withEvents(store, snapshot, [some[0]!.uses[0]!.source], { horizon, signal }, async ({ computed }) => {
        for (const table of some) copies.set(table.source, await create({ purpose: 'events', orderBy: [] }, compileEventsAtHorizons(table, spine, { computed }), options));
      });
    }
    return copies;
  };
  const ask = (spine: string): Promise<HistoryRow[]> =>
    withStages(store, async (create) => {
      const computed = await fill(spine, create);
      const statement = compileDataset(definitions, asked, { table: spine, columns: [SPINE.row], events: null }, { computed, plans: PLANS });
      const rows = await explainOverflow(`feature service ${service.name}`, () => store.rows(statement, options), { store, views: service.views });
      if (rows.length !== questions.length) throw new Error(`${questions.length} questions had ${rows.length} answers`);
      return rows.map((row, i) => readRow(service, row, questions[i]!.at));
    });
  return withSpineRows(store, columns, [questions.map((question) => spineRow(service, question))], ask, options);
}

/** Together what one computation of a source's events serves. */
function bySource(tables: readonly EventsAtHorizons[], computedFrom: HistoryOptions['computedFrom']): readonly { readonly tables: readonly EventsAtHorizons[]; readonly horizon: Horizon | undefined }[] {
  const groups = new Map<string, { tables: EventsAtHorizons[]; horizon: Horizon | undefined }>();
  for (const table of tables) {
    const [{ view, source }] = table.uses as readonly [ResolvedView];
    const horizon = source.computed === undefined ? undefined : computedFrom?.get(view.name);
    const key = JSON.stringify([source.name, horizon && [...horizon]]);
    const group = groups.get(key) ?? { tables: [], horizon };
    group.tables.push(table);
    groups.set(key, group);
  }
  return [...groups.values()];
}

function spineRow(service: ResolvedService, { values, at, horizons }: HistoryQuestion): SpineRow {
  const given = [...service.keys, ...service.request].map(({ name }) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${service.name} is asked without ${name}`);
    return value;
  });
  return { at, values: [...given, ...service.views.map(({ id }) => BigInt(horizons?.get(id) ?? NO_HORIZON))] };
}

function readRow({ views, features }: ResolvedService, row: Row, at: Instant): HistoryRow {
  const newest = new Map(views.map(({ id }) => [id, row[newestColumn(id)] as Instant | null]));
  return Object.fromEntries(
    features.map((served): [string, FeatureValue] => {
      const state = row[`${served.name}${STATE_SUFFIX}`] as FeatureState;
      const value = state === 'present' ? (row[served.name] as Value) : null;
      return [served.name, { value, state, eventTime: eventTimeOf(views, served, newest, at) }];
    }),
  );
}

/** The newest event of what a feature reads; a window that includes the request has one at the instant itself. */
function eventTimeOf(views: readonly ResolvedView[], served: ServedFeature, newest: ReadonlyMap<string, Instant | null>, at: Instant): Instant | null {
  const read = served.kind === 'aggregate' ? [{ of: served.of, name: served.feature.name }] : fieldReferences(served.expression);
  const times = read.flatMap(({ of, name }) => {
    if (of === undefined) return [];
    const feature = views.find(({ id }) => id === of)!.features.find((each) => each.name === name)!;
    return feature.aggregate.window?.includeRequest === true ? [at] : (newest.get(of) ?? []);
  });
  return times.length === 0 ? null : Math.max(...times);
}
