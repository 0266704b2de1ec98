import { EVENT, identifier, resolveService, type Derived, type Entity, type Feature, type FeatureService, type FieldType, type ResolvedView, type Snapshot, type Source, type Statement, type VersionedView, type ViewFeatures } from '@granary/contracts';
import { Emitter, column, list } from './emit.js';
import { EVENTS, emitArrived, hasVersions, type EventScope } from './events.js';

const INT64: FieldType = { kind: 'int64' };
const TIMESTAMP: FieldType = { kind: 'timestamp' };

/** The key and the field by which events at one horizon are told from the same events at another. */
const HORIZON = '__horizon';
/** The field that repeats an event's time, for a feature to read. */
const SEEN = '__seen';
const NEWEST: Feature = { name: 'newest', type: TIMESTAMP, aggregate: { fn: 'latest', column: SEEN, where: null, window: null, default: null } };

/** The spine's column of the greatest sequence that a question sees of a view's source, an int64. */
export function horizonColumn(viewId: string): string {
  return `${HORIZON}$${viewId}`;
}

/** The training set's column of the newest event's time of the entity in a view; its state is missing where it has none. */
export function newestColumn(viewId: string): string {
  return `${viewId}$seenNewest`;
}

/** A service in which each question sees of each view only what had arrived by a horizon of its own. */
export interface ServiceAtHorizons {
  /** For `compileDataset`, with `service`: its spine has `horizonColumn` of each view beside the service's keys and request. */
  readonly snapshot: Snapshot;
  readonly service: FeatureService;
  /** The tables to make by `compileEventsAtHorizons`: they go into the scope as computed sources of these names. */
  readonly tables: readonly EventsAtHorizons[];
}

export interface EventsAtHorizons {
  readonly source: string;
  /** The view as the service reads it, under one alias or several. */
  readonly uses: readonly ResolvedView[];
}

/**
 * The horizon becomes a key of every entity: an event is copied for each horizon that is asked about its entity and sees it.
 * What is computed of the copies, and how, is then what `compileDataset` says.
 */
export function serviceAtHorizons(snapshot: Snapshot, service: FeatureService): ServiceAtHorizons {
  const { views } = resolveService(snapshot, service);
  const tables = [...new Set(views.map(({ view }) => view.name))].map((name) => ({ source: name, uses: views.filter(({ view }) => view.name === name) }));
  const first = tables.map(({ uses }) => uses[0]!);
  const seen = views.map(({ id, view, entity, keys }): ViewFeatures => ({ ...useAtHorizon({ view: seenView(view.name), alias: `${id}$seen`, keys: Object.fromEntries(entity.keys.map((key, i) => [key.name, keys[i]!.name])) }, id), features: [NEWEST.name] }));
  return {
    tables,
    service: { ...service, views: [...service.views.map((use) => useAtHorizon(use, use.alias ?? use.view)), ...seen] },
    snapshot: {
      ...snapshot,
      entities: snapshot.entities.map((entity): Entity => ({ ...entity, keys: [...entity.keys, { name: HORIZON, type: INT64 }] })),
      sources: first.map(({ view, source }): Source => copied(source, view.name)),
      views: first.flatMap(({ view }): VersionedView[] => {
        const own = { ...view, source: view.name, keyFields: [...view.keyFields, HORIZON] };
        return [own, { ...own, name: seenView(view.name), ttlMs: null, features: [NEWEST] }];
      }),
      derived: snapshot.derived.map((derived): Derived => ({ ...derived, inputs: derived.inputs.map((input) => (input.kind === 'view' ? useAtHorizon(input, input.alias ?? input.view) : input)) })),
    },
  };
}

/** The events of a view's source that the questions of a spine can see, in the columns of its table and of the copies. */
export function compileEventsAtHorizons({ uses }: EventsAtHorizons, spine: string, scope: EventScope = {}): Statement {
  const emitter = new Emitter();
  const [{ view, entity, source }] = uses as readonly [ResolvedView];
  const e = (name: string): string => column(EVENTS, name);
  const fields = source.fields.map(({ name }) => name);
  const names = entity.keys.map((key) => key.name);
  const asked = uses.map(({ id, keys }) => `SELECT ${[...keys.map(({ name }, i) => `${identifier(name)} AS ${identifier(names[i]!)}`), `${identifier(horizonColumn(id))} AS ${identifier(HORIZON)}`].join(', ')} FROM ${identifier(spine)}`);
  const askedOnce = `(SELECT DISTINCT * FROM (${asked.join(' UNION ALL ')}))`;
  const about = names.map((name, i) => `${e(view.keyFields[i]!)} = ${column('a', name)}`).join(' AND ');
  // Says nothing that the join does not, but is known before the other columns are read.
  const ofKeys = `(${view.keyFields.map(e).join(', ')}) IN (SELECT ${names.map(identifier).join(', ')} FROM ${askedOnce})`;
  const arrived = emitArrived(emitter, source, fields, scope);
  const seenBy = (alias: string): string => `${e(EVENT.sequence)} <= ${column(alias, HORIZON)}`;
  const columns = (id: string, alias: string): string =>
    list([
      `${id} AS ${identifier(EVENT.id)}`,
      ...[EVENT.time, EVENT.knownAt, EVENT.sequence, ...fields].map((name) => `${e(name)} AS ${identifier(name)}`),
      `${column(alias, HORIZON)} AS ${identifier(HORIZON)}`,
      `${e(EVENT.time)} AS ${identifier(SEEN)}`,
    ]);
  if (!hasVersions(source)) return emitter.statement(`SELECT\n${columns(e(EVENT.id), 'a')}\nFROM ${arrived}\nINNER JOIN ${askedOnce} AS ${identifier('a')} ON ${about}\nWHERE ${[ofKeys, seenBy('a')].join(' AND ')}`);
  // Every version of an event that one version gives an asked entity: another may take it away.
  const touched = `SELECT DISTINCT ${e(EVENT.id)} AS ${identifier(EVENT.id)}, ${column('a', HORIZON)} AS ${identifier(HORIZON)} FROM ${arrived} INNER JOIN ${askedOnce} AS ${identifier('a')} ON ${about} WHERE ${[ofKeys, seenBy('a')].join(' AND ')}`;
  const id = `concat(toString(${column('i', HORIZON)}), ' ', ${e(EVENT.id)})`;
  return emitter.statement(`SELECT\n${columns(id, 'i')}\nFROM ${arrived}\nINNER JOIN (${touched}) AS ${identifier('i')} ON ${e(EVENT.id)} = ${column('i', EVENT.id)}\nWHERE ${seenBy('i')}`);
}

function seenView(name: string): string {
  return `${name}$seen`;
}

function useAtHorizon<T extends Omit<ViewFeatures, 'features'>>(use: T, id: string): T {
  return { ...use, keys: { ...use.keys, [HORIZON]: horizonColumn(id) } };
}

function copied({ computed: _, ...source }: Source, name: string): Source {
  return { ...source, name, fields: [...source.fields, { name: HORIZON, type: INT64, nullable: false }, { name: SEEN, type: TIMESTAMP, nullable: false }] };
}
