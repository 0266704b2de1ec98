import type { OfflineStore } from '@granary/offline-store';

/** A trained model: which artifact, from which snapshot, how good. */
export interface ModelVersion {
  readonly name: string;
  /** From 1, one more with each training. */
  readonly version: number;
  /** The hash of its artifact. */
  readonly artifact: string;
  /** The snapshot whose definitions it was trained with; it keeps reading those features. */
  readonly snapshot: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Notes a new version of a model. Train a model in one process at a time: two at once may get the same number. */
export async function registerModel(store: OfflineStore, model: Omit<ModelVersion, 'version' | 'createdAt'>): Promise<ModelVersion> {
  const version = ((await latestModel(store, model.name))?.version ?? 0) + 1;
  const createdAt = Date.now();
  await store.command(
    {
      sql: `INSERT INTO granary_models SELECT {name:String}, {version:UInt32}, {artifact:String}, {snapshot:String}, fromUnixTimestamp64Milli({createdAt:Int64}, 'UTC'), {metrics:String}`,
      params: { name: model.name, version, artifact: model.artifact, snapshot: model.snapshot, createdAt, metrics: JSON.stringify(model.metrics) },
    },
    { comment: `register ${model.name}` },
  );
  return { ...model, version, createdAt };
}

/** The newest version of a model; null: never trained. */
export async function latestModel(store: OfflineStore, name: string): Promise<ModelVersion | null> {
  return (await listModels(store)).find((model) => model.name === name) ?? null;
}

/** The newest version of every model, by name. */
export async function listModels(store: OfflineStore): Promise<ModelVersion[]> {
  const rows = await store.rows({ sql: 'SELECT * FROM granary_models ORDER BY name, version DESC, created_at DESC LIMIT 1 BY name', params: {} });
  return rows.map((row) => ({
    name: row['name'] as string,
    version: row['version'] as number,
    artifact: row['artifact'] as string,
    snapshot: row['snapshot'] as string,
    createdAt: row['created_at'] as number,
    metrics: JSON.parse(row['metrics'] as string) as Record<string, number>,
  }));
}
