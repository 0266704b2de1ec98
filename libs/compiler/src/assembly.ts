import { EVENT, identifier, resolveService, servedName, type FeatureService, type ResolvedView, type Snapshot, type Statement } from '@granary/contracts';
import { carriedAs } from './dataset.js';
import { emitWithDerived } from './derived.js';
import { Emitter, column } from './emit.js';
import { EVENTS, emitArrived, hasVersions, type Chunk, type EventScope } from './events.js';
import { STATE_SUFFIX } from './served.js';
import { SPINE, type Spine } from './spine-table.js';

/**
 * The events that the answers of one chunk of a view's entities need, with the columns of the source's own table: of
 * events with versions every version of those that one version gives an entity of the chunk.
 */
export function compileEventChunk({ view, source }: Pick<ResolvedView, 'view' | 'source'>, chunk: Chunk, scope: EventScope): Statement {
  const emitter = new Emitter();
  const fields = source.fields.map(({ name }) => name);
  const names = [...Object.values(EVENT), ...fields].map(identifier).join(', ');
  const mine = inChunk(view.keyFields, chunk);
  const arrived = emitArrived(emitter, source, fields, scope);
  if (!hasVersions(source)) return emitter.statement(`SELECT ${names}\nFROM ${arrived}\nWHERE ${mine}`);
  const id = column(EVENTS, EVENT.id);
  return emitter.statement(`SELECT ${names}\nFROM ${arrived}\nWHERE ${id} IN (SELECT ${id} FROM ${arrived} WHERE ${mine})`);
}

/** The questions of a spine about one chunk of a view's entities; all chunks together have each once. */
export function compileSpineChunk({ keys }: Pick<ResolvedView, 'keys'>, table: string, chunk: Chunk): Statement {
  return { sql: `SELECT *\nFROM ${identifier(table)}\nWHERE ${inChunk(keys.map(({ name }) => name), chunk)}`, params: {} };
}

function inChunk(fields: readonly string[], { index, count }: Chunk): string {
  // The hash of a value is not that of the same value in a nullable column.
  return `cityHash64(tuple(${fields.map((field) => `assumeNotNull(${identifier(field)})`).join(', ')})) % ${count} = ${index}`;
}

/** A service of one view alone, with all its features that the given one needs: its training set is `ViewAnswers`. */
export function serviceOfView(service: FeatureService, { id, view, keys, features }: ResolvedView, entityKeys: readonly string[]): FeatureService {
  const renamed = Object.fromEntries(entityKeys.map((name, i) => [name, keys[i]!.name]));
  return { kind: 'featureService', name: service.name, views: [{ view: view.name, ...(id === view.name ? {} : { alias: id }), keys: renamed, features: features.map(({ name }) => name) }], request: service.request };
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
  const answer = (id: string, feature: string): { readonly value: string; readonly state: string } => {
    const name = servedName(id === resolved.views.find((view) => view.id === id)!.view.name ? undefined : id, feature);
    return { value: column(alias(id), name), state: column(alias(id), `${name}${STATE_SUFFIX}`) };
  };
  return emitter.statement(emitWithDerived(emitter, resolved, carried, answer, `FROM ${some(spine.table)} AS ${identifier('s')}\n${joins.join('\n')}`));
}

