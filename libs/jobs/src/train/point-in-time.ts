import { compileDataset, type EventScope } from '@granary/compiler';
import { resolveService, type Entity, type FeatureService, type FieldType, type ResolvedService, type Snapshot } from '@granary/contracts';
import { inputNumber, type FeatureQuestions, type FeatureRows, type FeatureSource } from '@granary/models';
import type { OfflineStore, Row } from '@granary/offline-store';
import { withSpineRows, type SpineColumn, type SpineRow } from '../dataset/spine-table.js';
import { withEvents } from '../events/with-events.js';
import type { keysOf } from './interactions.js';

/** The service's features that a model can take: numbers and bools, derived ones among them, in order of the row. */
export function numericFeatures(service: Pick<ResolvedService, 'features'>): readonly string[] {
  return service.features.filter(({ type }) => isModelInput(type)).map(({ name }) => name);
}

export function isModelInput({ kind }: FieldType): boolean {
  return kind === 'bool' || kind === 'int32' || kind === 'int64' || kind === 'float32' || kind === 'float64';
}

/** One row's values of a model's inputs, and which are there; as the online matrix has them. */
export function readInputs(row: Row, names: readonly string[], values: Float32Array, mask: Uint8Array, at: number): void {
  names.forEach((name, i) => {
    const value = row[name] ?? null;
    values[at + i] = value === null ? 0 : inputNumber(value as boolean | number | bigint);
    mask[at + i] = value === null ? 0 : 1;
  });
}

/** A key as the service asks for it, and which of the user's and item's keys, one after the other, it is. */
interface AskedKey extends SpineColumn {
  readonly id: number;
}

function columnsOf({ views }: ResolvedService, { user, item }: { readonly user: Entity; readonly item: Entity }): readonly AskedKey[] {
  const own = [...user.keys, ...item.keys].map((key, id): AskedKey => ({ ...key, nullable: false, id }));
  const aliased = views.flatMap(({ entity, keys }) => {
    const first = entity.name === user.name ? 0 : user.keys.length;
    return keys.map((key, i): AskedKey => ({ ...key, nullable: false, id: first + i }));
  });
  return [...new Map([...aliased, ...own].map((column) => [column.name, column])).values()];
}

const BATCH_ROWS = 50_000;

/** Answers a ranker's questions by a point-in-time training set of its feature service. */
export function pointInTime(
  store: OfflineStore,
  snapshot: Snapshot,
  service: FeatureService,
  who: { readonly user: Entity; readonly item: Entity; readonly userIds: (index: number) => ReturnType<typeof keysOf>; readonly itemIds: (index: number) => ReturnType<typeof keysOf> },
  signal?: AbortSignal,
): FeatureSource {
  const resolved = resolveService(snapshot, service);
  const names = numericFeatures(resolved);
  const columns = columnsOf(resolved, who);
  const sources = resolved.views.map((view) => view.source);
  return async (questions) =>
    withEvents(store, snapshot, sources, { signal }, async (scope) => withSpineRows(store, columns, batches(questions), async (spine) => read(spine, scope, questions.times.length)));

  function* batches({ users, items, times }: FeatureQuestions): Generator<readonly SpineRow[]> {
    for (let from = 0; from < times.length; from += BATCH_ROWS) {
      yield Array.from({ length: Math.min(BATCH_ROWS, times.length - from) }, (_, i): SpineRow => {
        const row = from + i;
        const ids = [...who.userIds(users[row]!), ...who.itemIds(items[row]!)];
        return { at: times[row]!, values: columns.map((column) => ids[column.id]!) };
      });
    }
  }

  async function read(spine: string, scope: EventScope, size: number): Promise<FeatureRows> {
    const values = new Float32Array(size * names.length);
    const mask = new Uint8Array(size * names.length);
    let row = 0;
    const statement = compileDataset(snapshot, service, { table: spine, columns: [], events: null }, scope);
    for await (const batch of store.stream(statement, { comment: `features of ${service.name}`, signal })) {
      for (const each of batch) readInputs(each, names, values, mask, row++ * names.length);
    }
    if (row !== size) throw new Error(`${size} questions had ${row} answers`);
    return { names, values, mask };
  }
}
