import { compileEventSpine, SPINE } from '@granary/compiler';
import { GranaryError, identifier, named, type Entity, type JobOptions, type Recommender, type Scalar, type Snapshot, type Source, type Value } from '@granary/contracts';
import { createInteractions, type Interactions } from '@granary/models';
import type { OfflineStore, Row } from '@granary/offline-store';
import { withEvents } from '../events/with-events.js';
import { findRecommender } from '../named.js';

// Not a name that a field can have: a key may be called weight.
const WEIGHT = '__weight';

/** A recommender with what it refers to. */
export interface RecommenderParts {
  readonly recommender: Recommender;
  readonly user: Entity;
  readonly item: Entity;
  readonly source: Source;
}

/** Throws UNKNOWN_RECOMMENDER. */
export function partsOfRecommender(snapshot: Snapshot, name: string): RecommenderParts {
  const recommender = findRecommender(snapshot, name);
  return {
    recommender,
    user: named(snapshot.entities, recommender.user),
    item: named(snapshot.entities, recommender.item),
    source: named(snapshot.sources, recommender.interactions),
  };
}

/** One value that names an entity: its key, or its keys together. */
export function idOf(entity: Entity, row: Row): Value {
  const keys = entity.keys.map((key) => row[key.name] as Value);
  return keys.length === 1 ? keys[0]! : (keys as Scalar[]);
}

/** The keys of an entity from the value that names it. */
export function keysOf(entity: Entity, id: Value): readonly Value[] {
  return entity.keys.length === 1 ? [id] : (id as readonly Value[]);
}

/**
 * Every interaction that was ever ingested, in order of time and arrival; of a corrected one its last version. One of
 * weight 0 is left out.
 * Throws NOT_ENOUGH_DATA for none.
 */
export async function loadInteractions(store: OfflineStore, snapshot: Snapshot, { recommender, user, item, source }: RecommenderParts, options: JobOptions): Promise<Interactions> {
  const { weight } = recommender;
  const keys = [...user.keys, ...item.keys].map((key) => identifier(key.name));
  const columns = [...keys, identifier(SPINE.time), ...(weight === null ? [] : [`${identifier(weight.field)} AS ${identifier(WEIGHT)}`])];
  const loaded = { users: [] as Value[], items: [] as Value[], weights: [] as number[], times: [] as number[] };
  await withEvents(store, snapshot, [source], options, async (scope) => {
    const { sql, params } = compileEventSpine(source, scope);
    const statement = { sql: `SELECT ${columns.join(', ')} FROM (\n${sql}\n) ORDER BY ${identifier(SPINE.row)}`, params };
    for await (const batch of store.stream(statement, { comment: `train ${recommender.name}`, signal: options.signal })) {
      for (const row of batch) {
        const counts = weight === null ? 1 : weight.values === null ? Number(row[WEIGHT]) : (weight.values[row[WEIGHT] as string] ?? 0);
        if (counts === 0) continue;
        loaded.users.push(idOf(user, row));
        loaded.items.push(idOf(item, row));
        loaded.times.push(row[SPINE.time] as number);
        loaded.weights.push(counts);
      }
    }
  });
  if (loaded.times.length === 0) {
    throw new GranaryError('NOT_ENOUGH_DATA', `${source.name} has no events to train ${recommender.name} on`, { todo: `Ingest ${source.name} first.` });
  }
  return createInteractions(loaded);
}
