import { CHUNK, SPINE, compileAssembly, compileDataset, compileEventsByChunk, compileSpineByChunk, serviceOfView, type EventScope, type Spine } from '@granary/compiler';
import { eventsTable, identifier, resolveService, type FeatureService, type ResolvedView, type Snapshot, type Source, type Statement } from '@granary/contracts';
import type { OfflineStore, StatementOptions } from '@granary/offline-store';
import { throwIfCancelled } from '../cancelled.js';
import { withStage, withStages } from '../stage-table.js';

export interface ChunkedDataset {
  readonly store: OfflineStore;
  readonly snapshot: Snapshot;
  readonly service: FeatureService;
  readonly spine: Spine;
  readonly scope: EventScope;
  readonly limits: StatementOptions;
  readonly onChunk: (done: number, total: number) => void;
}

/** Ranges of rows for each chunk of entities: to join the answers of all views takes more memory a row than to compute one's. */
const RANGES = 4;

/** Small blocks and one thread: what a statement holds beside its tables. */
const SMALL = { max_threads: 1, max_block_size: 8_192, output_format_parquet_row_group_size: 65_536, output_format_parquet_parallel_encoding: 0 };

/**
 * The training set as `compileDataset` defines it, in a table while `use` runs with a statement of its rows in order.
 * Each view's answers are computed a chunk of its entities at a time, from events and questions that were sorted by
 * chunk once, then put together a range of rows at a time: a statement needs memory for one chunk only, and all else is
 * in tables.
 */
export async function withChunkedDataset<T>(dataset: ChunkedDataset, chunks: number, use: (select: Statement, options: StatementOptions) => Promise<T>): Promise<T> {
  const { store, snapshot, service, spine, limits } = dataset;
  const { views } = resolveService(snapshot, service);
  const options = { ...limits, settings: SMALL };
  const total = chunks * (views.length + RANGES);
  let done = 0;
  const step = async (table: string, select: Statement): Promise<void> => {
    throwIfCancelled(limits.signal, `dataset ${service.name}`);
    await store.command({ sql: `INSERT INTO ${identifier(table)} ${select.sql}`, params: select.params }, options);
    dataset.onChunk(++done, total);
  };
  return withStages(store, async (create) => {
    const answers = new Map<string, string>();
    for (const view of views) {
      const alone = serviceOfView(service, view);
      const ask = (table: string, scope: EventScope): Statement => compileDataset(snapshot, alone, { table, columns: [SPINE.row], events: spine.events }, scope);
      const table = await create({ purpose: 'answers', orderBy: [SPINE.row], empty: true }, ask(spine.table, dataset.scope), options);
      answers.set(view.id, table);
      await eachChunk(dataset, view, chunks, options, (questions, events) => step(table, ask(questions, { computed: new Map([[view.source.name, events]]) })));
    }
    const [counted] = await store.rows({ sql: `SELECT max(${identifier(SPINE.row)}) AS last FROM ${identifier(spine.table)}`, params: {} }, limits);
    const size = Math.ceil((Number(counted!['last']) + 1) / (chunks * RANGES));
    const assemble = (from: number, to: number): Statement => compileAssembly(snapshot, service, { spine, answers, rows: [from, to] });
    const result = await create({ purpose: 'answers', orderBy: [SPINE.row], empty: true }, assemble(0, 0), options);
    for (let i = 0; i < chunks * RANGES; i++) await step(result, assemble(i * size, (i + 1) * size));
    // Read in order, each part of a table has buffers of its own.
    await store.command({ sql: `OPTIMIZE TABLE ${identifier(result)} FINAL`, params: {} }, options);
    return use({ sql: `SELECT * EXCEPT (${identifier(SPINE.row)}) FROM ${identifier(result)} ORDER BY ${identifier(SPINE.row)}`, params: {} }, options);
  });
}

/** Puts a view's events and questions into tables of their own, a chunk of its entities after the other. */
async function eachChunk({ store, spine, scope }: ChunkedDataset, view: ResolvedView, count: number, options: StatementOptions, use: (questions: string, events: string) => Promise<void>): Promise<void> {
  await withStages(store, async (create) => {
    const events = await create({ purpose: 'events', orderBy: [CHUNK] }, compileEventsByChunk(view, count, scope), options);
    const questions = await create({ purpose: 'spine', orderBy: [CHUNK, SPINE.row] }, compileSpineByChunk(view, spine.table, count), options);
    for (let index = 0; index < count; index++) {
      const own = (table: string): Statement => ({ sql: `SELECT * EXCEPT (${identifier(CHUNK)}) FROM ${identifier(table)} WHERE ${identifier(CHUNK)} = ${index}`, params: {} });
      const asked = { purpose: 'spine', orderBy: [SPINE.row] };
      await withStage(store, { purpose: 'events', orderBy: [] }, own(events), (mine) => withStage(store, asked, own(questions), (ours) => use(ours, mine), options), options);
    }
  });
}

/** Bytes that a statement over a whole view may need for each of its events and questions, sorted and joined. */
const BYTES_EACH = 96;
const BYTES_EACH_FEATURE = 16;

/**
 * How many chunks are likely to stay within the memory: 1 where all views fit into one statement. A first guess only:
 * rows differ in size.
 */
export async function guessChunks({ store, snapshot, service, spine, scope, limits }: ChunkedDataset): Promise<number> {
  const { maxMemoryBytes } = limits;
  if (maxMemoryBytes === undefined) return 1;
  const { views } = resolveService(snapshot, service);
  const count = async (table: string): Promise<number> => Number((await store.rows({ sql: `SELECT count() AS rows FROM ${identifier(table)}`, params: {} }, limits))[0]!['rows']);
  // What has arrived since must not change the chunks: the bytes of a training set may depend on them.
  const eventsOf = async ({ name }: Source): Promise<number> => scope.horizon?.get(name) ?? count(scope.computed?.get(name) ?? eventsTable({ name }));
  const questions = await count(spine.table);
  const events = await Promise.all(views.map(({ source }) => eventsOf(source)));
  const bytes = views.map(({ features }, i) => (questions + events[i]!) * (BYTES_EACH + BYTES_EACH_FEATURE * features.length));
  const all = bytes.reduce((sum, each) => sum + each, 0);
  return all <= maxMemoryBytes ? 1 : Math.max(2, Math.ceil((3 * Math.max(...bytes)) / maxMemoryBytes));
}
