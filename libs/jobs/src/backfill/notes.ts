import type { Instant, VersionedView } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';

/** How many events of each stored source a run reads. */
export type Horizon = ReadonlyMap<string, number>;

/** A run over one instant of a view, as noted. */
export interface Noted {
  readonly horizon: Horizon;
  /** The sum of the horizon: greater means that events have arrived since. */
  readonly sequence: number;
  /** The sequence of the run that computed the whole instant; later ones replaced only what events touched. */
  readonly floor: number;
  /** In how many chunks by the hash of the key. */
  readonly chunks: number;
  /** How many entities have a row; 0 until it is finished. */
  readonly rows: number;
}

/** What is known of one instant of a view. */
export interface InstantNotes {
  readonly asOf: Instant;
  /** The newest run that finished. */
  readonly finished: Noted | null;
  /** A newer one that began and is not known to have finished. Rows of both may lie there: nobody may take them for either's. */
  readonly begun: Noted | null;
}

/** The notes of one view: what runs, that may be killed or meet each other, know of its instants. */
export interface Notes {
  read(instants: readonly Instant[]): Promise<Map<Instant, InstantNotes>>;
  /** Before the first row of the run is written. */
  begin(instants: readonly Instant[], run: Noted): Promise<void>;
  finish(runs: readonly { readonly asOf: Instant; readonly run: Noted }[]): Promise<void>;
  /** The chunks of a run that have been written for all of these instants. */
  chunksDone(instants: readonly Instant[], run: Noted): Promise<Set<number>>;
  chunkDone(instants: readonly Instant[], run: Noted, chunk: number): Promise<void>;
  /** For a table that is not there: what was noted of it is void. */
  forget(): Promise<void>;
}

export function sequenceOf(horizon: Horizon): number {
  return [...horizon.values()].reduce((sum, last) => sum + last, 0);
}

export function sameHorizon(a: Horizon, b: Horizon): boolean {
  return a.size === b.size && [...a].every(([source, last]) => b.get(source) === last);
}

/** SQL: the instants of the parameter, each a row. */
export const INSTANTS = "arrayJoin(arrayMap(at -> fromUnixTimestamp64Milli(at, 'UTC'), {instants:Array(Int64)}))";

/** `sources`: the names of the stored sources that the view's events come from. */
export function notesOf(store: OfflineStore, { name: view, version }: Pick<VersionedView, 'name' | 'version'>, sources: readonly string[]): Notes {
  const own = { view, version };
  const ofView = 'view = {view:String} AND version = {version:String}';
  const options = { comment: `backfill ${view}` };
  const ordered = [...sources].sort();
  const runParams = ({ horizon, sequence, floor, chunks }: Noted) => ({ ...own, horizon: ordered.map((source) => horizon.get(source) ?? 0), sequence, floor, chunks });
  const noted = (cells: unknown): Noted | null => {
    const [sequence, horizon, floor, chunks, rows] = cells as [unknown, readonly unknown[], unknown, unknown, unknown];
    if (horizon.length === 0) return null;
    return { horizon: new Map(ordered.map((source, i) => [source, Number(horizon[i])])), sequence: Number(sequence), floor: Number(floor), chunks: Number(chunks), rows: Number(rows) };
  };

  return {
    async read(instants) {
      const columns = ['sequence', 'horizon', 'floor', 'chunks', 'rows'];
      const newest = (state: string): string => `argMaxIf((${columns.join(', ')}), (sequence, noted_at), state = '${state}') AS ${state}`;
      const found = await store.rows(
        {
          sql: `SELECT as_of, ${['finished', 'begun'].flatMap((state) => columns.map((column, i) => `${state}.${i + 1} AS ${state}_${column}`)).join(', ')}
FROM (SELECT as_of, ${newest('finished')}, ${newest('begun')} FROM granary_backfills WHERE ${ofView} AND as_of IN (SELECT ${INSTANTS}) GROUP BY as_of)`,
          params: { ...own, instants },
        },
        options,
      );
      const notes = new Map<Instant, InstantNotes>(instants.map((asOf) => [asOf, { asOf, finished: null, begun: null }]));
      for (const row of found) {
        const [finished, begun] = ['finished', 'begun'].map((state) => noted(columns.map((column) => row[`${state}_${column}`]))) as [Noted | null, Noted | null];
        const asOf = row['as_of'] as Instant;
        notes.set(asOf, { asOf, finished, begun: begun !== null && begun.sequence > (finished?.sequence ?? -1) ? begun : null });
      }
      return notes;
    },
    async begin(instants, run) {
      const sql = `INSERT INTO granary_backfills SELECT {view:String}, {version:String}, ${INSTANTS}, 'begun', {sequence:UInt64}, {horizon:Array(UInt64)}, {floor:UInt64}, {chunks:UInt32}, 0, now64(3)`;
      await store.command({ sql, params: { ...runParams(run), instants } }, options);
    },
    async finish(runs) {
      const [first] = runs;
      if (first === undefined) return;
      const each = `arrayJoin(arrayZip({instants:Array(Int64)}, {floors:Array(UInt64)}, {rows:Array(UInt64)})) AS run`;
      const sql = `INSERT INTO granary_backfills SELECT {view:String}, {version:String}, fromUnixTimestamp64Milli(run.1, 'UTC'), 'finished', {sequence:UInt64}, {horizon:Array(UInt64)}, run.2, {chunks:UInt32}, run.3, now64(3) FROM (SELECT ${each})`;
      const params = { ...runParams(first.run), instants: runs.map(({ asOf }) => asOf), floors: runs.map(({ run }) => run.floor), rows: runs.map(({ run }) => run.rows) };
      await store.command({ sql, params }, options);
      // Nobody goes on with a run that has finished. Another one at the same work does some of it again, with the same outcome.
      if (first.run.chunks > 1) await store.command({ sql: `ALTER TABLE granary_backfill_chunks DELETE WHERE ${ofView} AND sequence <= {sequence:UInt64} AND as_of IN (SELECT ${INSTANTS})`, params: { ...own, sequence: first.run.sequence, instants: params.instants } }, options);
    },
    async chunksDone(instants, run) {
      const sql = `SELECT chunk FROM granary_backfill_chunks
WHERE ${ofView} AND sequence = {sequence:UInt64} AND floor = {floor:UInt64} AND chunks = {chunks:UInt32} AND as_of IN (SELECT ${INSTANTS})
GROUP BY chunk HAVING uniqExact(as_of) = {count:UInt64}`;
      const { horizon: _, ...params } = runParams(run);
      const found = await store.rows({ sql, params: { ...params, instants, count: instants.length } }, options);
      return new Set(found.map((row) => Number(row['chunk'])));
    },
    async chunkDone(instants, run, chunk) {
      const sql = `INSERT INTO granary_backfill_chunks SELECT {view:String}, {version:String}, ${INSTANTS}, {sequence:UInt64}, {floor:UInt64}, {chunks:UInt32}, {chunk:UInt32}`;
      const { horizon: _, ...params } = runParams(run);
      await store.command({ sql, params: { ...params, instants, chunk } }, options);
    },
    async forget() {
      for (const table of ['granary_backfills', 'granary_backfill_chunks']) {
        const [kept] = await store.rows({ sql: `SELECT count() AS notes FROM ${table} WHERE ${ofView}`, params: own }, options);
        if (Number(kept!['notes']) > 0) await store.command({ sql: `ALTER TABLE ${table} DELETE WHERE ${ofView} SETTINGS mutations_sync = 1`, params: own }, options);
      }
    },
  };
}
