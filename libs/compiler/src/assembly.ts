import { EVENT, identifier, resolveService, type FeatureService, type ResolvedView, type Snapshot, type Statement } from '@granary/contracts';
import { carriedAs } from './dataset.js';
import { emitWithDerived } from './derived.js';
import { Emitter, column, indent } from './emit.js';
import { EVENTS, emitArrived, emitChunkOf, hasVersions, type EventScope } from './events.js';
import { STATE_SUFFIX, type Answer } from './served.js';
import { SPINE, type Spine } from './spine-table.js';

/** The column that tells the chunk. */
export const CHUNK = '__chunk';

/**
 * A source's events with the columns of its own table and `CHUNK`, in which of `count` chunks of a view's entities each
 * is. Of events with versions every version is in each chunk that one of them gives an entity of.
 */
export function compileEventsByChunk({ view, source }: Pick<ResolvedView, 'view' | 'source'>, count: number, scope: EventScope): Statement {
  const emitter = new Emitter();
  const fields = source.fields.map(({ name }) => name);
  const names = [...Object.values(EVENT), ...fields].map(identifier).join(', ');
  const [chunk, chunks] = [CHUNK, CHUNKS].map(identifier) as [string, string];
  const own = emitChunkOf(view.keyFields, count);
  const arrived = emitArrived(emitter, source, fields, scope);
  if (!hasVersions(source)) return emitter.statement(`SELECT ${names}, ${own} AS ${chunk}\nFROM ${arrived}`);
  const all = `groupUniqArray(${own}) OVER (PARTITION BY ${column(EVENTS, EVENT.id)}) AS ${chunks}`;
  return emitter.statement(`SELECT ${names}, arrayJoin(${chunks}) AS ${chunk}\nFROM (\n${indent(`SELECT ${names}, ${all}\nFROM ${arrived}`)}\n)`);
}

const CHUNKS = '__chunks';

/** The rows of a spine, and in `CHUNK` in which of `count` chunks of a view's entities each is. */
export function compileSpineByChunk({ keys }: Pick<ResolvedView, 'keys'>, table: string, count: number): Statement {
  return { sql: `SELECT *, ${emitChunkOf(keys.map(({ name }) => name), count)} AS ${identifier(CHUNK)}\nFROM ${identifier(table)}`, params: {} };
}

/** A service of one view alone, its features under their own names. */
export function serviceOfView({ name, request }: FeatureService, { view, entity, keys, features }: ResolvedView): FeatureService {
  const renamed = Object.fromEntries(entity.keys.map((key, i) => [key.name, keys[i]!.name]));
  return { kind: 'featureService', name, views: [{ view: view.name, keys: renamed, features: features.map((feature) => feature.name) }], request };
}

export interface AssemblyOptions {
  readonly spine: Pick<Spine, 'table' | 'columns'>;
  /** By a resolved view's id: the table of the training set of `serviceOfView`, with the spine's row. */
  readonly answers: ReadonlyMap<string, string>;
  /** Rows of the spine: from the first, before the second. */
  readonly rows: readonly [from: number, to: number];
}

/** What `compileDataset` gives, and the spine's row before it, put together from the answers of each view. */
export function compileAssembly(snapshot: Snapshot, service: FeatureService, { spine, answers, rows: [from, to] }: AssemblyOptions): Statement {
  const emitter = new Emitter();
  const resolved = resolveService(snapshot, service);
  const alias = (id: string): string => `v${resolved.views.findIndex((view) => view.id === id)}`;
  const some = (table: string): string => `(SELECT * FROM ${identifier(table)} WHERE ${identifier(SPINE.row)} >= ${from} AND ${identifier(SPINE.row)} < ${to})`;
  const s = (name: string): string => column('s', name);
  const carried = [{ sql: s(SPINE.row), name: SPINE.row }, ...spine.columns.map((name) => ({ sql: s(name), name: carriedAs(service, name) }))];
  const joins = resolved.views.map(({ id }) => `INNER JOIN ${some(answers.get(id)!)} AS ${identifier(alias(id))} ON ${s(SPINE.row)} = ${column(alias(id), SPINE.row)}`);
  const answer = (id: string, feature: string): Answer => ({ value: column(alias(id), feature), state: column(alias(id), `${feature}${STATE_SUFFIX}`) });
  return emitter.statement(emitWithDerived(emitter, resolved, carried, answer, `FROM ${some(spine.table)} AS ${identifier('s')}\n${joins.join('\n')}`));
}
