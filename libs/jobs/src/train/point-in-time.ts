import { SPINE, compileDataset } from '@granary/compiler';
import { clickhouseType, identifier, type Entity, type FeatureService, type FieldType, type Snapshot, type Statement } from '@granary/contracts';
import { inputNumber, type FeatureQuestions, type FeatureRows, type FeatureSource } from '@granary/models';
import type { OfflineStore, Row } from '@granary/offline-store';
import { ensureSources } from '../dataset/dataset.js';
import { withSpine } from '../dataset/with-spine.js';
import { stageTable } from '../stage-table.js';
import type { keysOf } from './interactions.js';

/** The service's features that a model can take: numbers and bools, in order of the row. */
export function numericFeatures(snapshot: Snapshot, service: FeatureService): readonly string[] {
  return service.views.flatMap((use) => {
    const view = snapshot.views.find((each) => each.name === use.view)!;
    return use.features.filter((name) => isModelInput(view.features.find((feature) => feature.name === name)!.type));
  });
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

/** Answers a ranker's questions by a point-in-time training set of its feature service. */
export function pointInTime(
  store: OfflineStore,
  snapshot: Snapshot,
  service: FeatureService,
  who: { readonly user: Entity; readonly item: Entity; readonly userIds: (index: number) => ReturnType<typeof keysOf>; readonly itemIds: (index: number) => ReturnType<typeof keysOf> },
  signal?: AbortSignal,
): FeatureSource {
  const names = numericFeatures(snapshot, service);
  const keys = [...who.user.keys, ...who.item.keys];
  return async (questions) => {
    await ensureSources(store, snapshot, service);
    const table = stageTable('questions');
    const columns = [
      { name: SPINE.row, type: 'UInt64' },
      { name: SPINE.time, type: 'Int64' },
      ...keys.map((key) => ({ name: key.name, type: key.type.kind === 'timestamp' ? 'Int64' : clickhouseType(key.type) })),
    ];
    try {
      await store.createTable({ name: table, columns, orderBy: [SPINE.row] });
      await store.insertRows(table, columns.map((column) => column.name), rowsOf(questions));
      return await withSpine(store, spineOf(table), (spine) => read(spine, questions.times.length));
    } finally {
      await store.dropTable(table);
    }
  };

  function* rowsOf({ users, items, times }: FeatureQuestions): Generator<readonly (string | number | bigint | boolean)[]> {
    for (let row = 0; row < times.length; row++) {
      yield [row + 1, times[row]!, ...who.userIds(users[row]!), ...who.itemIds(items[row]!)] as (string | number | bigint | boolean)[];
    }
  }

  function spineOf(table: string): Statement {
    const instant = (name: string): string => `fromUnixTimestamp64Milli(${identifier(name)}, 'UTC') AS ${identifier(name)}`;
    const columns = [
      identifier(SPINE.row),
      instant(SPINE.time),
      `'' AS ${identifier(SPINE.eventId)}`,
      ...keys.map((key) => (key.type.kind === 'timestamp' ? instant(key.name) : identifier(key.name))),
    ];
    return { sql: `SELECT ${columns.join(', ')} FROM ${identifier(table)}`, params: {} };
  }

  async function read(spine: string, size: number): Promise<FeatureRows> {
    const values = new Float32Array(size * names.length);
    const mask = new Uint8Array(size * names.length);
    let row = 0;
    const statement = compileDataset(snapshot, service, { table: spine, columns: [] });
    for await (const batch of store.stream(statement, { comment: `features of ${service.name}`, signal })) {
      for (const each of batch) readInputs(each, names, values, mask, row++ * names.length);
    }
    if (row !== size) throw new Error(`${size} questions had ${row} answers`);
    return { names, values, mask };
  }
}
