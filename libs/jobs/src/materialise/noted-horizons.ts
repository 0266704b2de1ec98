import type { VersionedView } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import { sequenceOf } from '../backfill/notes.js';
import type { Horizon } from '../events/with-events.js';

type Named = Pick<VersionedView, 'name' | 'version'>;

/** Notes which events of each stored source a view over a computed one is written from: an online row knows only the sum of these sequences. */
export async function noteHorizon(store: OfflineStore, { name: view, version }: Named, horizon: Horizon): Promise<void> {
  await store.command(
    {
      sql: 'INSERT INTO granary_materialised SELECT {view:String}, {version:String}, {sequence:UInt64}, {sources:Array(String)}, {sequences:Array(UInt64)}, now64(3)',
      params: { view, version, sequence: sequenceOf(horizon), sources: [...horizon.keys()], sequences: [...horizon.values()] },
    },
    { comment: `materialise ${view}` },
  );
}

/** What was noted under this sum. Sequences only grow, so that no other horizon has it. Null: nothing. */
export async function notedHorizon(store: OfflineStore, { name: view, version }: Named, sequence: number): Promise<Horizon | null> {
  const [row] = await store.rows({
    sql: 'SELECT sources, sequences FROM granary_materialised WHERE view = {view:String} AND version = {version:String} AND sequence = {sequence:UInt64} LIMIT 1',
    params: { view, version, sequence },
  });
  if (row === undefined) return null;
  const sequences = row['sequences'] as readonly bigint[];
  return new Map((row['sources'] as readonly string[]).map((source, i) => [source, Number(sequences[i])]));
}
