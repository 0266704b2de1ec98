import type { Statements } from './statements.js';

interface Migration {
  readonly id: number;
  readonly name: string;
  /** Each may run again: a process may die between it and the note that it ran. */
  readonly statements: readonly string[];
}

/** Forward only: never change an entry that was released, add the next. */
export const MIGRATIONS: readonly Migration[] = [
  {
    id: 1,
    name: 'backfills',
    statements: [
      `CREATE TABLE IF NOT EXISTS granary_backfills (
        view String, version String, as_of DateTime64(3, 'UTC'), sequence UInt64, rows UInt64,
        started_at DateTime64(3, 'UTC'), finished_at DateTime64(3, 'UTC')
      ) ENGINE = MergeTree ORDER BY (view, version, as_of, finished_at)`,
    ],
  },
  {
    id: 2,
    name: 'models',
    statements: [
      `CREATE TABLE IF NOT EXISTS granary_models (
        name String, version UInt32, artifact String, snapshot String, created_at DateTime64(3, 'UTC'), metrics String
      ) ENGINE = MergeTree ORDER BY (name, version)`,
    ],
  },
  {
    id: 3,
    name: 'backfills by arrival',
    statements: [
      // What was backfilled before lies in tables of another layout and is computed again: these notes would deny it.
      'DROP TABLE IF EXISTS granary_backfills',
      // Of each instant the newest run that began and the newest that finished. `horizon`: the last sequence of each stored
      // source; `sequence` is their sum. `floor`: rows of a smaller sequence are leftovers of a run that was overtaken.
      `CREATE TABLE IF NOT EXISTS granary_backfills (
        view String, version String, as_of DateTime64(3, 'UTC'), state Enum8('begun' = 1, 'finished' = 2),
        sequence UInt64, horizon Array(UInt64), floor UInt64, chunks UInt32, rows UInt64, noted_at DateTime64(3, 'UTC')
      ) ENGINE = ReplacingMergeTree(sequence) ORDER BY (view, version, as_of, state)`,
      `CREATE TABLE IF NOT EXISTS granary_backfill_chunks (
        view String, version String, as_of DateTime64(3, 'UTC'), sequence UInt64, floor UInt64, chunks UInt32, chunk UInt32
      ) ENGINE = ReplacingMergeTree ORDER BY (view, version, sequence, as_of, floor, chunks, chunk)`,
    ],
  },
  {
    id: 4,
    name: 'datasets',
    statements: [
      `CREATE TABLE IF NOT EXISTS granary_datasets (
        id String, service String, snapshot String, question String, horizon String, corrects String, rows UInt64, bytes UInt64,
        sha256 String, columns Array(String), created_at DateTime64(3, 'UTC')
      ) ENGINE = MergeTree ORDER BY (id, created_at)`,
    ],
  },
  {
    id: 5,
    name: 'served rows',
    statements: [
      // `asked`, `features` and `horizons` are JSON: services differ in what they hold.
      `CREATE TABLE IF NOT EXISTS granary_served (
        id UUID DEFAULT generateUUIDv4(), served_at DateTime64(3, 'UTC'), service LowCardinality(String), snapshot LowCardinality(String),
        as_of DateTime64(3, 'UTC'), asked String, features String, horizons String
      ) ENGINE = MergeTree ORDER BY (service, snapshot, served_at, id) TTL toDateTime(served_at) + INTERVAL 30 DAY`,
    ],
  },
  {
    id: 6,
    name: 'erasures',
    statements: [
      // `sequence`: the greatest that an event of the source had by then.
      `CREATE TABLE IF NOT EXISTS granary_erasures (
        source String, sequence UInt64, events UInt64, erased_at DateTime64(3, 'UTC')
      ) ENGINE = MergeTree ORDER BY (source, sequence)`,
    ],
  },
  {
    id: 7,
    name: 'what views over computed sources were materialised from',
    statements: [
      // `sequence`: the sum of `sequences`, each the last event of its stored source that was read.
      `CREATE TABLE IF NOT EXISTS granary_materialised (
        view String, version String, sequence UInt64, sources Array(String), sequences Array(UInt64), noted_at DateTime64(3, 'UTC')
      ) ENGINE = ReplacingMergeTree ORDER BY (view, version, sequence)`,
    ],
  },
];

/** Runs the migrations that have not run yet, in order. */
export async function migrate(statements: Statements, migrations: readonly Migration[] = MIGRATIONS): Promise<void> {
  const options = { comment: 'migrate' };
  await statements.command(
    {
      sql: `CREATE TABLE IF NOT EXISTS granary_migrations (id UInt32, name String, applied_at DateTime64(3, 'UTC'))
        ENGINE = MergeTree ORDER BY id`,
      params: {},
    },
    options,
  );
  const done = new Set((await statements.rows({ sql: 'SELECT id FROM granary_migrations', params: {} }, options)).map((row) => row.id));
  for (const migration of migrations) {
    if (done.has(migration.id)) continue;
    for (const sql of migration.statements) await statements.command({ sql, params: {} }, options);
    await statements.command(
      {
        sql: 'INSERT INTO granary_migrations SELECT {id:UInt32}, {name:String}, now64(3)',
        params: { id: migration.id, name: migration.name },
      },
      options,
    );
  }
}
