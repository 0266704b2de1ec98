import { GranaryError, type Instant } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import type { Horizon } from '../events/with-events.js';
import type { SpineSource } from './spine.js';

/** A training set that was written: what was asked, of which events, and what came of it. */
export interface DatasetRecord {
  /** Of the question and the horizon: the same id is the same question over the same events. */
  readonly id: string;
  readonly service: string;
  /** The snapshot whose definitions it was asked with. */
  readonly snapshot: string;
  readonly spine: SpineSource;
  readonly horizon: Horizon;
  /** The training set that asked the same before, of events that have changed since; null: none. */
  readonly corrects: string | null;
  readonly rows: number;
  readonly bytes: number;
  /** Of the Parquet file, hex. */
  readonly sha256: string;
  readonly columns: readonly string[];
  readonly createdAt: Instant;
}

export async function registerDataset(store: OfflineStore, { id, service, snapshot, spine, horizon, corrects, rows, bytes, sha256, columns, createdAt }: DatasetRecord): Promise<void> {
  await store.command(
    {
      sql: `INSERT INTO granary_datasets SELECT {id:String}, {service:String}, {snapshot:String}, {question:String}, {horizon:String}, {corrects:String}, {rows:UInt64}, {bytes:UInt64}, {sha256:String}, {columns:Array(String)}, fromUnixTimestamp64Milli({createdAt:Int64}, 'UTC')`,
      params: { id, service, snapshot, question: JSON.stringify(spine), horizon: JSON.stringify([...horizon]), corrects: corrects ?? '', rows, bytes, sha256, columns, createdAt },
    },
    { comment: `register dataset ${id}` },
  );
}

/** Null: there is none. */
export async function findDataset(store: OfflineStore, id: string): Promise<DatasetRecord | null> {
  const [row] = await store.rows({ sql: 'SELECT * FROM granary_datasets WHERE id = {id:String} ORDER BY created_at LIMIT 1', params: { id } });
  if (row === undefined) return null;
  return {
    id,
    service: row['service'] as string,
    snapshot: row['snapshot'] as string,
    spine: JSON.parse(row['question'] as string) as SpineSource,
    horizon: new Map(JSON.parse(row['horizon'] as string) as [string, number][]),
    corrects: row['corrects'] === '' ? null : (row['corrects'] as string),
    rows: Number(row['rows']),
    bytes: Number(row['bytes']),
    sha256: row['sha256'] as string,
    columns: row['columns'] as string[],
    createdAt: row['created_at'] as number,
  };
}

/** Throws UNKNOWN_DATASET. */
export async function getDataset(store: OfflineStore, id: string): Promise<DatasetRecord> {
  const record = await findDataset(store, id);
  if (record !== null) return record;
  throw new GranaryError('UNKNOWN_DATASET', `There is no training set ${id}`, { todo: 'Give the id that granary dataset printed, and the home or ClickHouse that it was written with.' });
}
