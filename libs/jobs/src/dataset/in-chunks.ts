import { SPINE, compileAssembly, compileDataset, compileEventChunk, compileSpineChunk, serviceOfView, type EventScope, type Spine } from '@granary/compiler';
import { identifier, resolveService, type FeatureService, type ResolvedView, type Snapshot, type Statement } from '@granary/contracts';
import type { OfflineStore, StatementOptions } from '@granary/offline-store';
import { throwIfCancelled } from '../cancelled.js';
import { stageTable } from '../stage-table.js';

export interface ChunkedDataset {
  readonly store: OfflineStore;
  readonly snapshot: Snapshot;
  readonly service: FeatureService;
  readonly spine: Spine;
  readonly scope: EventScope;
  readonly limits: StatementOptions;
  readonly onChunk: (done: number, total: number) => void;
}

/** Small blocks and one thread: what a statement holds beside its tables. */
const SMALL = { max_threads: 1, max_block_size: 8_192, output_format_parquet_row_group_size: 65_536, output_format_parquet_parallel_encoding: 0 };

/**
 * The training set as `compileDataset` defines it, in a table while `use` runs with a statement of its rows in order.
 * Each view's answers are computed a chunk of its entities at a time, then put together a range of rows at a time: a
 * statement needs memory for one chunk only, and all else is in tables.
 */
export async function withChunkedDataset<T>(dataset: ChunkedDataset, chunks: number, use: (select: Statement, options: StatementOptions) => Promise<T>): Promise<T> {
  const { store, snapshot, service, spine, limits } = dataset;
  const { views } = resolveService(snapshot, service);
  const stages = new Map([...views.map(({ id }) => id), ''].map((id) => [id, stageTable('answers')]));
  const result = stages.get('')!;
  const options = { ...limits, settings: SMALL };
  const total = chunks * (views.length + 1);
  let done = 0;
  const step = async (run: () => Promise<void>): Promise<void> => {
    throwIfCancelled(limits.signal, `dataset ${service.name}`);
    await run();
    dataset.onChunk(++done, total);
  };
  const put = (table: string, { sql, params }: Statement): Promise<void> =>
    store.tableExists(table).then((exists) =>
      store.command({ sql: exists ? `INSERT INTO ${identifier(table)} ${sql}` : `CREATE TABLE ${identifier(table)} ENGINE = MergeTree ORDER BY ${identifier(SPINE.row)} AS ${sql}`, params }, options),
    );
  try {
    for (const view of views) {
      for (let index = 0; index < chunks; index++) await step(() => answerChunk(dataset, view, { index, count: chunks }, options, (select) => put(stages.get(view.id)!, select)));
    }
    const [counted] = await store.rows({ sql: `SELECT max(${identifier(SPINE.row)}) AS last FROM ${identifier(spine.table)}`, params: {} }, limits);
    const size = Math.ceil((Number(counted!['last']) + 1) / chunks);
    for (let i = 0; i < chunks; i++) await step(() => put(result, compileAssembly(snapshot, service, { spine, answers: stages, rows: [i * size, (i + 1) * size] })));
    // Read in order, each part of a table has buffers of its own.
    await store.command({ sql: `OPTIMIZE TABLE ${identifier(result)} FINAL`, params: {} }, options);
    const select = `SELECT * EXCEPT (${identifier(SPINE.row)}) FROM ${identifier(result)} ORDER BY ${identifier(SPINE.row)}`;
    return await use({ sql: select, params: {} }, options);
  } finally {
    for (const table of stages.values()) await store.dropTable(table);
  }
}

async function answerChunk({ store, snapshot, service, spine, scope }: ChunkedDataset, view: ResolvedView, chunk: { readonly index: number; readonly count: number }, options: StatementOptions, put: (select: Statement) => Promise<void>): Promise<void> {
  const [events, questions] = [stageTable('events'), stageTable('spine')];
  const create = (table: string, orderBy: string, { sql, params }: Statement): Promise<void> =>
    store.command({ sql: `CREATE TABLE ${identifier(table)} ENGINE = MergeTree ORDER BY ${orderBy} AS ${sql}`, params }, options);
  try {
    await create(events, 'tuple()', compileEventChunk(view, chunk, scope));
    await create(questions, identifier(SPINE.row), compileSpineChunk(view, spine.table, chunk));
    const alone = serviceOfView(service, view, view.entity.keys.map(({ name }) => name));
    await put(compileDataset(snapshot, alone, { table: questions, columns: [SPINE.row], events: spine.events }, { computed: new Map([[view.source.name, events]]) }));
  } finally {
    await store.dropTable(events);
    await store.dropTable(questions);
  }
}
